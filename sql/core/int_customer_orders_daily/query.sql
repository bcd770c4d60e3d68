WITH orders AS (
  SELECT
    source_system,
    source_customer_id,
    order_date,
    ordered_at,
    items,
    gross_revenue,
    channel
  FROM core.fct_orders
),

refunds AS (
  SELECT
    source_system,
    source_customer_id,
    refund_date,
    refunds_amount,
    is_first
  FROM core.fct_refunds
),

-- Orders of the same instant are taken together first, so that "the channel of the last order" has one answer.
order_moments AS (
  SELECT
    source_system,
    source_customer_id,
    order_date AS activity_date,
    ordered_at,
    COUNT(*) AS orders_count,
    SUM(items) AS items_purchased,
    SUM(gross_revenue) AS gross_revenue,
    MIN(channel) AS channel
  FROM orders
  GROUP BY source_system, source_customer_id, activity_date, ordered_at
),

-- A union and not a join of days: guests are one customer without an id, and NULL equals nothing in a join.
activity AS (
  SELECT
    source_system,
    source_customer_id,
    activity_date,
    orders_count,
    items_purchased,
    gross_revenue,
    CAST(0 AS NUMERIC) AS refunds_amount,
    0 AS refunds_count,
    ordered_at,
    channel
  FROM order_moments
  UNION ALL
  SELECT
    source_system,
    source_customer_id,
    refund_date AS activity_date,
    0 AS orders_count,
    0 AS items_purchased,
    CAST(0 AS NUMERIC) AS gross_revenue,
    refunds_amount,
    IF(is_first, 1, 0) AS refunds_count,
    CAST(NULL AS TIMESTAMP) AS ordered_at,
    CAST(NULL AS STRING) AS channel
  FROM refunds
)

SELECT
  source_system,
  source_customer_id,
  activity_date,
  SUM(orders_count) AS orders_count,
  SUM(items_purchased) AS items_purchased,
  SUM(gross_revenue) AS gross_revenue,
  SUM(refunds_amount) AS refunds_amount,
  SUM(refunds_count) AS refunds_count,
  MIN(ordered_at) AS first_order_at,
  MAX(ordered_at) AS last_order_at,
  ANY_VALUE(channel HAVING MAX IF(channel IS NULL, NULL, ordered_at)) AS last_channel
FROM activity
GROUP BY source_system, source_customer_id, activity_date
