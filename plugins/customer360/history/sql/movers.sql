-- Whose revenue and whose churn risk moved most between two days, the first @most of each. One row per column and person.
SELECT
  moved.column_name,
  moved.customer360_id,
  moved.value_before,
  moved.value_after,
  moved.change
FROM (
  SELECT
    'total_revenue' AS column_name,
    after.customer360_id,
    before.total_revenue AS value_before,
    after.total_revenue AS value_after,
    after.total_revenue - before.total_revenue AS change
  FROM before
  INNER JOIN after ON before.customer360_id = after.customer360_id
  UNION ALL
  SELECT
    'churn_risk_score' AS column_name,
    after.customer360_id,
    before.churn_risk_score AS value_before,
    after.churn_risk_score AS value_after,
    after.churn_risk_score - before.churn_risk_score AS change
  FROM before
  INNER JOIN after ON before.customer360_id = after.customer360_id
) AS moved
WHERE moved.change != 0
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY moved.column_name ORDER BY ABS(moved.change) DESC, moved.customer360_id
  ) <= @most
ORDER BY moved.column_name DESC, ABS(moved.change) DESC, moved.customer360_id
