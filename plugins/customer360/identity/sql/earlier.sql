-- The history of ids as it was before the run's date.
SELECT
  customer360_id,
  valid_from,
  IF(valid_to >= @run_date, NULL, valid_to) AS valid_to,
  merged_into,
  cause,
  why
FROM previous.history
WHERE valid_from < @run_date
