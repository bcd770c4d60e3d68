-- Revenue by calendar month: sales in the month of the order, refunds in the month of the refund.
WITH
orders_daily AS (
  SELECT
    source_system,
    source_customer_id,
    activity_date,
    orders_count,
    gross_revenue,
    refunds_amount
  FROM core.int_customer_orders_daily
),

identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

-- One row per month and person, so that a customer of a month is counted once; guests are one row.
person_months AS (
  SELECT
    DATE_TRUNC(orders_daily.activity_date, MONTH) AS month,
    identity_map.customer360_id,
    orders_daily.source_customer_id IS NULL AS is_guest,
    SUM(orders_daily.orders_count) AS orders_count,
    SUM(orders_daily.gross_revenue) AS gross_revenue,
    SUM(orders_daily.refunds_amount) AS refunds_amount
  FROM orders_daily
  LEFT JOIN identity_map
    ON
      orders_daily.source_system = identity_map.source_system
      AND orders_daily.source_customer_id = identity_map.source_customer_id
  GROUP BY month, identity_map.customer360_id, is_guest
),

revenue AS (
  SELECT
    month,
    SUM(orders_count) AS orders_count,
    SUM(gross_revenue) AS gross_revenue,
    SUM(refunds_amount) AS refunds_amount,
    COUNTIF(NOT is_guest AND orders_count > 0) AS unique_customers,
    SUM(IF(is_guest, orders_count, 0)) AS guest_orders_count,
    SUM(IF(is_guest, gross_revenue, 0)) AS guest_gross_revenue,
    SUM(IF(is_guest, refunds_amount, 0)) AS guest_refunds_amount
  FROM person_months
  GROUP BY month
),

beginning AS (
  SELECT MIN(month) AS first_month
  FROM revenue
),

-- A month without sales is a fact, not a gap in the chart.
months AS (
  SELECT month
  FROM beginning
  CROSS JOIN
    UNNEST(
      GENERATE_DATE_ARRAY(beginning.first_month, DATE_TRUNC(@run_date, MONTH), INTERVAL 1 MONTH)
    ) AS month
),

filled AS (
  SELECT
    months.month,
    COALESCE(revenue.orders_count, 0) AS orders_count,
    COALESCE(revenue.gross_revenue, 0) AS gross_revenue,
    COALESCE(revenue.refunds_amount, 0) AS refunds_amount,
    COALESCE(revenue.unique_customers, 0) AS unique_customers,
    COALESCE(revenue.guest_orders_count, 0) AS guest_orders_count,
    COALESCE(revenue.guest_gross_revenue, 0) AS guest_gross_revenue,
    COALESCE(revenue.guest_refunds_amount, 0) AS guest_refunds_amount
  FROM months
  LEFT JOIN revenue ON months.month = revenue.month
)

SELECT
  @run_date AS run_date,
  month,
  DATE_SUB(DATE_ADD(month, INTERVAL 1 MONTH), INTERVAL 1 DAY) <= @run_date AS is_complete,
  gross_revenue,
  refunds_amount,
  gross_revenue - refunds_amount AS net_revenue,
  orders_count,
  CAST(SAFE_DIVIDE(gross_revenue, orders_count) AS NUMERIC) AS avg_order_value,
  unique_customers,
  guest_gross_revenue,
  guest_refunds_amount,
  guest_gross_revenue - guest_refunds_amount AS guest_net_revenue,
  guest_orders_count
FROM filled
