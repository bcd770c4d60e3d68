-- How the people divide into segments, once for every way of dividing them.
WITH
customer_360 AS (
  SELECT
    value_segment,
    rfm_segment,
    primary_segment,
    total_revenue,
    lifetime_value
  FROM marts.customer_360
),

-- A handful of combinations instead of three passes over the people.
combinations AS (
  SELECT
    value_segment,
    rfm_segment,
    primary_segment,
    COUNT(*) AS people,
    SUM(total_revenue) AS total_revenue,
    SUM(lifetime_value) AS lifetime_value,
    COUNT(lifetime_value) AS valued_people
  FROM customer_360
  GROUP BY value_segment, rfm_segment, primary_segment
),

memberships AS (
  SELECT
    'value_segment' AS segmentation,
    -- Everybody has a value segment, unless purchases are not connected or the person refuses to be profiled.
    COALESCE(value_segment, 'unknown') AS segment,
    people,
    total_revenue,
    lifetime_value,
    valued_people
  FROM combinations
  UNION ALL
  SELECT
    'rfm_segment' AS segmentation,
    -- Only people with orders have an RFM segment.
    COALESCE(rfm_segment, IF(value_segment IS NULL, 'unknown', 'no_orders')) AS segment,
    people,
    total_revenue,
    lifetime_value,
    valued_people
  FROM combinations
  UNION ALL
  SELECT
    'primary_segment' AS segmentation,
    COALESCE(primary_segment, 'unknown') AS segment,
    people,
    total_revenue,
    lifetime_value,
    valued_people
  FROM combinations
),

segments AS (
  SELECT
    segmentation,
    segment,
    SUM(people) AS people,
    SUM(total_revenue) AS total_revenue,
    SUM(lifetime_value) AS lifetime_value,
    SUM(valued_people) AS valued_people
  FROM memberships
  GROUP BY segmentation, segment
)

SELECT
  @run_date AS run_date,
  segmentation,
  segment,
  people,
  CAST(SAFE_DIVIDE(CAST(people AS NUMERIC), SUM(people) OVER (PARTITION BY segmentation)) AS NUMERIC) AS people_share,
  total_revenue,
  lifetime_value,
  CAST(SAFE_DIVIDE(lifetime_value, valued_people) AS NUMERIC) AS avg_lifetime_value
FROM segments
