-- How many people are how likely to stay away. All are unknown until a model is fitted, and people who never bought or
-- refuse to be profiled remain so.
WITH
customer_360 AS (
  SELECT
    churn_risk_band,
    total_revenue
  FROM marts.customer_360
),

-- Every band has a row, so that the chart keeps its slices.
bands AS (
  SELECT
    band,
    position
  FROM UNNEST(['high', 'medium', 'low', 'unknown']) AS band WITH OFFSET AS position
),

counts AS (
  SELECT
    COALESCE(churn_risk_band, 'unknown') AS band,
    COUNT(*) AS people,
    SUM(total_revenue) AS total_revenue
  FROM customer_360
  GROUP BY band
),

filled AS (
  SELECT
    bands.band,
    bands.position,
    COALESCE(counts.people, 0) AS people,
    -- Nobody has a revenue of 0; somebody's is unknown while purchases are not connected.
    IF(counts.people IS NULL, 0, counts.total_revenue) AS total_revenue
  FROM bands
  LEFT JOIN counts ON bands.band = counts.band
)

SELECT
  @run_date AS run_date,
  position + 1 AS position,
  band AS churn_risk_band,
  people,
  CAST(SAFE_DIVIDE(CAST(people AS NUMERIC), SUM(people) OVER ()) AS NUMERIC) AS people_share,
  total_revenue
FROM filled
