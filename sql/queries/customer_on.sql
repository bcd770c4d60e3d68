-- Who the source customers of @customer360_id were on @day, and who those are now that were this person then, under
-- this id or one that stands for it now. NULL is nobody: not known yet, or no longer.
-- One row per source customer, the first @most; `total` counts all.
WITH
ids AS (
  SELECT customer360_id
  FROM identity.identity_id_history
  WHERE valid_to IS NULL AND COALESCE(merged_into, customer360_id) = @customer360_id
),

identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id,
    valid_from
  FROM identity.identity_map
),

map_on_day AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity_map
  WHERE valid_from <= @day
  UNION ALL
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_moves
  WHERE valid_from <= @day AND valid_to > @day
),

concerned AS (
  SELECT
    source_system,
    source_customer_id
  FROM identity_map
  WHERE customer360_id = @customer360_id
  UNION DISTINCT
  SELECT
    map_on_day.source_system,
    map_on_day.source_customer_id
  FROM map_on_day
  INNER JOIN ids ON map_on_day.customer360_id = ids.customer360_id
)

SELECT
  concerned.source_system,
  concerned.source_customer_id,
  map_on_day.customer360_id AS customer360_id_then,
  identity_map.customer360_id AS customer360_id_now,
  COUNT(*) OVER () AS total
FROM concerned
LEFT JOIN map_on_day
  ON
    concerned.source_system = map_on_day.source_system
    AND concerned.source_customer_id = map_on_day.source_customer_id
LEFT JOIN identity_map
  ON
    concerned.source_system = identity_map.source_system
    AND concerned.source_customer_id = identity_map.source_customer_id
QUALIFY ROW_NUMBER() OVER (ORDER BY concerned.source_system, concerned.source_customer_id) <= @most
ORDER BY concerned.source_system, concerned.source_customer_id
