-- What the scores are fitted on and made from: the purchase days of every person who had bought by @calibration_end,
-- people as the map has them. `x` counts the days after the first one; `t_x_weeks` is the last day and `age_weeks`
-- (the T of the literature) is @calibration_end, in weeks since the first; `mean_value` is the mean gross revenue of
-- the days after the first.
-- For scores @calibration_end is @run_date. For a calibration it is earlier: what was bought after it, until
-- @run_date, is counted in `holdout_purchases` only. One row per person, in one order: sums of floats depend on it.
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
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

-- Two source customers of one person who bought on one day are one purchase.
purchase_days AS (
  SELECT
    identity_map.customer360_id,
    purchases.activity_date,
    SUM(purchases.gross_revenue) AS gross_revenue
  FROM purchases
  INNER JOIN identity_map
    ON
      purchases.source_system = identity_map.source_system
      AND purchases.source_customer_id = identity_map.source_customer_id
  GROUP BY identity_map.customer360_id, purchases.activity_date
),

dated AS (
  SELECT
    customer360_id,
    activity_date,
    gross_revenue,
    activity_date <= @calibration_end AS is_known,
    MIN(activity_date) OVER (PARTITION BY customer360_id) AS first_date
  FROM purchase_days
)

SELECT
  customer360_id,
  COUNTIF(is_known) - 1 AS x,
  SAFE_DIVIDE(DATE_DIFF(MAX(IF(is_known, activity_date, NULL)), MIN(first_date), DAY), 7) AS t_x_weeks,
  SAFE_DIVIDE(DATE_DIFF(@calibration_end, MIN(first_date), DAY), 7) AS age_weeks,
  AVG(IF(is_known AND activity_date > first_date, gross_revenue, NULL)) AS mean_value,
  COUNTIF(NOT is_known) AS holdout_purchases
FROM dated
GROUP BY customer360_id
HAVING MIN(first_date) <= @calibration_end
ORDER BY customer360_id
