-- Where people are in their life as customers.
WITH
customer_360 AS (
  SELECT
    lifecycle_stage,
    total_revenue
  FROM marts.customer_360
),

-- In the order of a customer's life; every stage has a row, so that the chart keeps its bars.
stages AS (
  SELECT
    stage,
    position
  FROM
    UNNEST(['new', 'activated', 'engaged', 'reactivated', 'at_risk', 'churned', 'unknown']) AS stage
    WITH OFFSET AS position
),

counts AS (
  SELECT
    COALESCE(lifecycle_stage, 'unknown') AS stage,
    COUNT(*) AS people,
    SUM(total_revenue) AS total_revenue
  FROM customer_360
  GROUP BY stage
),

filled AS (
  SELECT
    stages.stage,
    stages.position,
    COALESCE(counts.people, 0) AS people,
    -- Nobody has a revenue of 0; somebody's is unknown while purchases are not connected.
    IF(counts.people IS NULL, 0, counts.total_revenue) AS total_revenue
  FROM stages
  LEFT JOIN counts ON stages.stage = counts.stage
)

SELECT
  @run_date AS run_date,
  position + 1 AS position,
  stage AS lifecycle_stage,
  people,
  CAST(SAFE_DIVIDE(CAST(people AS NUMERIC), SUM(people) OVER ()) AS NUMERIC) AS people_share,
  total_revenue
FROM filled
