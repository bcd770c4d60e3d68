-- The people with orders (who do not refuse to be profiled) by recency, frequency and monetary score: at most 125
-- points.
WITH
customer_360 AS (
  SELECT
    recency_score,
    frequency_score,
    monetary_score,
    rfm_segment,
    days_since_last_purchase,
    orders_count,
    total_revenue
  FROM marts.customer_360
  WHERE recency_score IS NOT NULL
)

SELECT
  @run_date AS run_date,
  recency_score,
  frequency_score,
  monetary_score,
  rfm_segment,
  COUNT(*) AS people,
  CAST(SAFE_DIVIDE(CAST(SUM(days_since_last_purchase) AS NUMERIC), COUNT(*)) AS NUMERIC)
    AS avg_days_since_last_purchase,
  CAST(SAFE_DIVIDE(CAST(SUM(orders_count) AS NUMERIC), COUNT(*)) AS NUMERIC) AS avg_orders_count,
  CAST(SAFE_DIVIDE(SUM(total_revenue), COUNT(*)) AS NUMERIC) AS avg_total_revenue
FROM customer_360
GROUP BY recency_score, frequency_score, monetary_score, rfm_segment
