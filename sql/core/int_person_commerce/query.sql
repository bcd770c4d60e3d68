-- What a person bought and gave back, from the daily roll-up: it says the same as the orders, in fewer rows.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

orders_daily AS (
  SELECT
    source_system,
    source_customer_id,
    activity_date,
    orders_count,
    items_purchased,
    gross_revenue,
    refunds_amount,
    refunds_count,
    first_order_at,
    last_order_at,
    last_channel
  FROM core.int_customer_orders_daily
  -- Guests are nobody's orders.
  WHERE source_customer_id IS NOT NULL
),

person_days AS (
  SELECT
    identity_map.customer360_id,
    orders_daily.activity_date,
    orders_daily.orders_count,
    orders_daily.items_purchased,
    orders_daily.gross_revenue,
    orders_daily.refunds_amount,
    orders_daily.refunds_count,
    orders_daily.first_order_at,
    orders_daily.last_order_at,
    orders_daily.last_channel
  FROM orders_daily
  INNER JOIN identity_map
    ON
      orders_daily.source_system = identity_map.source_system
      AND orders_daily.source_customer_id = identity_map.source_customer_id
),

totals AS (
  SELECT
    customer360_id,
    COALESCE(SUM(orders_count), 0) AS orders_count,
    MIN(first_order_at) AS first_purchase_at,
    MAX(last_order_at) AS last_purchase_at,
    COALESCE(SUM(gross_revenue), 0) AS gross_revenue,
    COALESCE(SUM(refunds_count), 0) AS refunds_count,
    COALESCE(SUM(refunds_amount), 0) AS refunds_amount,
    COALESCE(SUM(items_purchased), 0) AS items_purchased,
    -- A gap of over 90 days that ended in the last 30 lies between these two days: no day in between need be sorted.
    MIN(
      IF(orders_count > 0 AND activity_date >= DATE_SUB(@run_date, INTERVAL 29 DAY), activity_date, NULL)
    ) AS first_recent_order_date,
    MAX(
      IF(orders_count > 0 AND activity_date < DATE_SUB(@run_date, INTERVAL 29 DAY), activity_date, NULL)
    ) AS last_earlier_order_date,
    MAX(COALESCE(last_order_at, TIMESTAMP(activity_date))) AS last_change_at
  FROM person_days
  GROUP BY customer360_id
),

last_orders AS (
  SELECT
    person_days.customer360_id,
    MIN(person_days.last_channel) AS last_order_channel
  FROM person_days
  INNER JOIN totals
    ON
      person_days.customer360_id = totals.customer360_id
      AND person_days.last_order_at = totals.last_purchase_at
  GROUP BY person_days.customer360_id
)

SELECT
  totals.customer360_id,
  totals.orders_count,
  totals.first_purchase_at,
  totals.last_purchase_at,
  DATE_DIFF(@run_date, DATE(totals.last_purchase_at), DAY) AS days_since_last_purchase,
  last_orders.last_order_channel,
  totals.gross_revenue,
  totals.refunds_count,
  totals.refunds_amount,
  totals.gross_revenue - totals.refunds_amount AS total_revenue,
  CAST(SAFE_DIVIDE(totals.gross_revenue, totals.orders_count) AS NUMERIC) AS avg_order_value,
  totals.items_purchased,
  totals.first_recent_order_date,
  totals.last_earlier_order_date,
  totals.last_change_at
FROM totals
LEFT JOIN last_orders ON totals.customer360_id = last_orders.customer360_id
