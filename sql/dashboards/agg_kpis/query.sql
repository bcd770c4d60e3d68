-- The four key figures, each with the same figure one period earlier. What each means is written in model.yaml.
WITH
customer_360 AS (
  SELECT
    customer360_id,
    created_at,
    customer_tenure_days,
    lifetime_value
  FROM marts.customer_360
),

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

periods AS (
  SELECT
    DATE_SUB(DATE_TRUNC(@run_date, MONTH), INTERVAL 1 DAY) AS previous_end,
    -- On the last day of a month that month is complete.
    DATE_SUB(DATE_TRUNC(DATE_ADD(@run_date, INTERVAL 1 DAY), MONTH), INTERVAL 1 MONTH) AS last_month
),

customers AS (
  SELECT
    COUNT(*) AS customers,
    -- A person with neither registration nor activity counts from the day the id was given.
    COUNTIF(
      COALESCE(
        DATE_SUB(@run_date, INTERVAL customer_360.customer_tenure_days DAY), DATE(customer_360.created_at)
      ) <= periods.previous_end
    ) AS customers_before,
    -- Nobody is worth 0; what people are worth is unknown (NULL) while their purchases are not connected. Of who
    -- refuses to be profiled it is unknown always.
    IF(COUNT(*) = 0, 0, SUM(customer_360.lifetime_value)) AS lifetime_value
  FROM customer_360
  CROSS JOIN periods
),

sales AS (
  SELECT
    COALESCE(SUM(orders_daily.orders_count), 0) AS orders_count,
    COALESCE(SUM(orders_daily.gross_revenue), 0) AS gross_revenue,
    COALESCE(SUM(IF(orders_daily.activity_date <= periods.previous_end, orders_daily.orders_count, 0)), 0)
      AS orders_count_before,
    COALESCE(SUM(IF(orders_daily.activity_date <= periods.previous_end, orders_daily.gross_revenue, 0)), 0)
      AS gross_revenue_before
  FROM orders_daily
  CROSS JOIN periods
),

-- What the people whose lifetime value is known have added to it since: no guests, nobody who refuses to be profiled.
recent_sales AS (
  SELECT
    COALESCE(SUM(COALESCE(orders_daily.gross_revenue, 0) - COALESCE(orders_daily.refunds_amount, 0)), 0) AS net_revenue
  FROM orders_daily
  CROSS JOIN periods
  INNER JOIN identity_map
    ON
      orders_daily.source_system = identity_map.source_system
      AND orders_daily.source_customer_id = identity_map.source_customer_id
  INNER JOIN customer_360 ON identity_map.customer360_id = customer_360.customer360_id
  WHERE orders_daily.activity_date > periods.previous_end AND customer_360.lifetime_value IS NOT NULL
),

buyers AS (
  SELECT
    identity_map.customer360_id,
    LOGICAL_OR(DATE_TRUNC(orders_daily.activity_date, MONTH) = periods.last_month) AS bought_last_month,
    LOGICAL_OR(
      DATE_TRUNC(orders_daily.activity_date, MONTH) = DATE_SUB(periods.last_month, INTERVAL 1 MONTH)
    ) AS bought_month_before,
    LOGICAL_OR(
      DATE_TRUNC(orders_daily.activity_date, MONTH) = DATE_SUB(periods.last_month, INTERVAL 2 MONTH)
    ) AS bought_two_months_before
  FROM orders_daily
  CROSS JOIN periods
  INNER JOIN identity_map
    ON
      orders_daily.source_system = identity_map.source_system
      AND orders_daily.source_customer_id = identity_map.source_customer_id
  WHERE
    orders_daily.orders_count > 0
    AND orders_daily.activity_date >= DATE_SUB(periods.last_month, INTERVAL 2 MONTH)
  GROUP BY identity_map.customer360_id
),

retention AS (
  SELECT
    CAST(
      SAFE_DIVIDE(
        CAST(COUNTIF(bought_last_month AND bought_month_before) AS NUMERIC), COUNTIF(bought_month_before)
      ) AS NUMERIC
    ) AS rate,
    CAST(
      SAFE_DIVIDE(
        CAST(COUNTIF(bought_month_before AND bought_two_months_before) AS NUMERIC),
        COUNTIF(bought_two_months_before)
      ) AS NUMERIC
    ) AS rate_before
  FROM buyers
),

kpis AS (
  SELECT
    1 AS position,
    'total_customers' AS kpi,
    'Total customers' AS title,
    CAST(customers.customers AS NUMERIC) AS value,
    CAST(customers.customers_before AS NUMERIC) AS previous_value,
    'integer' AS format,
    @run_date AS period_end
  FROM customers
  UNION ALL
  SELECT
    2 AS position,
    'total_lifetime_value' AS kpi,
    'Total lifetime value' AS title,
    customers.lifetime_value AS value,
    -- The predicted part is today's in both, so the change is what was sold since.
    customers.lifetime_value - recent_sales.net_revenue AS previous_value,
    'currency' AS format,
    @run_date AS period_end
  FROM customers
  CROSS JOIN recent_sales
  UNION ALL
  SELECT
    3 AS position,
    'average_order_value' AS kpi,
    'Average order value' AS title,
    CAST(SAFE_DIVIDE(sales.gross_revenue, sales.orders_count) AS NUMERIC) AS value,
    CAST(SAFE_DIVIDE(sales.gross_revenue_before, sales.orders_count_before) AS NUMERIC) AS previous_value,
    'currency' AS format,
    @run_date AS period_end
  FROM sales
  UNION ALL
  SELECT
    4 AS position,
    'retention_rate' AS kpi,
    'Customer retention rate' AS title,
    retention.rate AS value,
    retention.rate_before AS previous_value,
    'percent' AS format,
    DATE_SUB(DATE_ADD(periods.last_month, INTERVAL 1 MONTH), INTERVAL 1 DAY) AS period_end
  FROM retention
  CROSS JOIN periods
)

SELECT
  @run_date AS run_date,
  position,
  kpi,
  title,
  value,
  previous_value,
  CAST(SAFE_DIVIDE(value - previous_value, ABS(previous_value)) AS NUMERIC) AS change,
  format,
  period_end
FROM kpis
