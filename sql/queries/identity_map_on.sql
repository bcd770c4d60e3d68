-- Which person each source customer was on @day: the mapping that was published that day, read from today's tables.
-- One row per source_system and source_customer_id.
SELECT
  customer360_id,
  source_system,
  source_customer_id,
  valid_from
FROM identity.identity_map
WHERE valid_from <= @day
UNION ALL
SELECT
  customer360_id,
  source_system,
  source_customer_id,
  valid_from
FROM identity.identity_moves
WHERE valid_from <= @day AND valid_to > @day
