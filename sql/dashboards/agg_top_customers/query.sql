-- The hundred customers of the highest lifetime value; the dashboard shows five.
WITH
customer_360 AS (
  SELECT
    customer360_id,
    full_name,
    country,
    orders_count,
    total_revenue,
    predicted_value,
    lifetime_value,
    last_purchase_at,
    value_segment,
    rfm_segment
  FROM marts.customer_360
  -- Who refuses to be profiled has no lifetime value, and is ranked nowhere.
  WHERE orders_count > 0 AND lifetime_value IS NOT NULL
),

-- Cut before ranking: finding the first hundred needs no sort of everybody.
top_customers AS (
  SELECT
    customer360_id,
    full_name,
    country,
    orders_count,
    total_revenue,
    predicted_value,
    lifetime_value,
    last_purchase_at,
    value_segment,
    rfm_segment
  FROM customer_360
  ORDER BY lifetime_value DESC, orders_count DESC, customer360_id
  LIMIT 100
)

SELECT
  @run_date AS run_date,
  ROW_NUMBER() OVER (ORDER BY lifetime_value DESC, orders_count DESC, customer360_id) AS rank,
  customer360_id,
  full_name,
  country,
  lifetime_value,
  total_revenue,
  predicted_value,
  orders_count,
  DATE(last_purchase_at) AS last_purchase_date,
  value_segment,
  rfm_segment
FROM top_customers
