-- One row per source customer that was known before the run's date: who it was then, whatever a first try of this
-- date has published since.
SELECT
  source_system,
  source_customer_id,
  customer360_id,
  valid_from
FROM previous.map
WHERE valid_from < @run_date
UNION ALL
SELECT
  source_system,
  source_customer_id,
  customer360_id,
  valid_from
FROM previous.moves
WHERE valid_from < @run_date AND valid_to >= @run_date
