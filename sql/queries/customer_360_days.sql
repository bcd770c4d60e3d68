-- The days whose marts.customer_360 can be read again, with how many people each had when it was last published.
-- One row per run_date.
SELECT
  run_date,
  row_count AS people
FROM ops.published
WHERE table_name = 'marts.customer_360_daily'
QUALIFY ROW_NUMBER() OVER (PARTITION BY run_date ORDER BY published_at DESC, run_id DESC) = 1
ORDER BY run_date
