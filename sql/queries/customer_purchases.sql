-- What the lifetime value of @customer360_id is made from, as purchase_history.sql says it of everybody, until
-- @run_date. One row, or none for who never bought.
WITH
purchases AS (
  SELECT
    source_system,
    source_customer_id,
    activity_date,
    gross_revenue
  FROM core.int_customer_orders_daily
  WHERE orders_count > 0 AND activity_date <= @run_date
),

identity_map AS (
  SELECT
    source_system,
    source_customer_id
  FROM identity.identity_map
  WHERE customer360_id = @customer360_id
),

purchase_days AS (
  SELECT
    purchases.activity_date,
    SUM(purchases.gross_revenue) AS gross_revenue
  FROM purchases
  INNER JOIN identity_map
    ON
      purchases.source_system = identity_map.source_system
      AND purchases.source_customer_id = identity_map.source_customer_id
  GROUP BY purchases.activity_date
),

dated AS (
  SELECT
    activity_date,
    gross_revenue,
    MIN(activity_date) OVER () AS first_date
  FROM purchase_days
)

SELECT
  MIN(first_date) AS first_purchase_date,
  MAX(activity_date) AS last_purchase_date,
  COUNT(*) - 1 AS x,
  SAFE_DIVIDE(DATE_DIFF(MAX(activity_date), MIN(first_date), DAY), 7) AS t_x_weeks,
  SAFE_DIVIDE(DATE_DIFF(@run_date, MIN(first_date), DAY), 7) AS age_weeks,
  AVG(IF(activity_date > first_date, gross_revenue, NULL)) AS mean_value
FROM dated
HAVING COUNT(*) > 0
