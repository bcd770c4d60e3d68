-- Whose revenue and whose churn risk moved most between two days, `before` and `after`, the first @most of each.
-- One row per column and person.
WITH
moved AS (
  SELECT
    'total_revenue' AS column_name,
    after.customer360_id,
    before.total_revenue AS value_before,
    after.total_revenue AS value_after
  FROM before
  INNER JOIN after ON before.customer360_id = after.customer360_id
  UNION ALL
  SELECT
    'churn_risk_score' AS column_name,
    after.customer360_id,
    before.churn_risk_score AS value_before,
    after.churn_risk_score AS value_after
  FROM before
  INNER JOIN after ON before.customer360_id = after.customer360_id
)

SELECT
  column_name,
  customer360_id,
  value_before,
  value_after,
  value_after - value_before AS change
FROM moved
WHERE value_after != value_before
QUALIFY
  ROW_NUMBER() OVER (PARTITION BY column_name ORDER BY ABS(value_after - value_before) DESC, customer360_id) <= @most
ORDER BY column_name DESC, ABS(value_after - value_before) DESC, customer360_id
