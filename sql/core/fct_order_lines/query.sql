WITH rate_periods AS (
  SELECT
    currency,
    rate,
    rate_date AS valid_from,
    LEAD(rate_date) OVER (PARTITION BY currency ORDER BY rate_date) AS next_rate_date
  FROM staging.stg_finance__exchange_rates
),

named_customers AS (
  SELECT
    transaction_id,
    customer_id,
    MIN(source_system) AS source_system
  FROM staging.stg_commerce__purchase_transactions
  WHERE DATE(purchased_at) <= @run_date
  GROUP BY transaction_id, customer_id
),

-- A transaction belongs to one customer: lines that name nobody, or somebody else, follow the smallest id, and where
-- two systems have that id, the first system by name.
owners AS (
  SELECT
    transaction_id,
    MIN(customer_id) AS customer_id,
    ANY_VALUE(source_system HAVING MIN customer_id) AS source_system
  FROM named_customers
  GROUP BY transaction_id
),

-- Rates are looked up once per currency and day, not once per line.
foreign_days AS (
  SELECT DISTINCT
    currency,
    DATE(purchased_at) AS purchase_date
  FROM staging.stg_commerce__purchase_transactions
  WHERE currency != UPPER(@reporting_currency) AND DATE(purchased_at) <= @run_date
),

conversions AS (
  SELECT
    foreign_days.currency,
    foreign_days.purchase_date,
    rate_periods.rate
  FROM foreign_days
  INNER JOIN rate_periods
    ON
      foreign_days.currency = rate_periods.currency
      AND foreign_days.purchase_date >= rate_periods.valid_from
      AND foreign_days.purchase_date < COALESCE(rate_periods.next_rate_date, DATE '9999-12-31')
),

converted AS (
  SELECT
    lines.transaction_id,
    lines.line_number,
    owners.source_system,
    owners.customer_id,
    lines.product_id,
    lines.purchased_at,
    DATE(lines.purchased_at) AS purchase_date,
    lines.transaction_date,
    lines.updated_at,
    lines.order_status,
    lines.quantity,
    lines.currency,
    lines.total_amount AS original_amount,
    -- Without a rate the amount is unknown: NULL, in no sum, and an expectation fails.
    IF(
      lines.currency = UPPER(@reporting_currency),
      lines.total_amount,
      CAST(lines.total_amount * conversions.rate AS NUMERIC)
    ) AS amount,
    lines.order_status = 'refunded' AS is_refunded_status,
    lines.order_status = 'refunded' OR lines.order_status IN UNNEST(@completed_statuses) AS is_counted_status,
    lines.discount_amount,
    lines.tax_amount,
    lines.shipping_amount,
    lines.promotion_code,
    lines.channel,
    lines.store_id
  FROM staging.stg_commerce__purchase_transactions AS lines
  INNER JOIN owners
    ON lines.transaction_id = owners.transaction_id
  LEFT JOIN conversions
    ON lines.currency = conversions.currency AND DATE(lines.purchased_at) = conversions.purchase_date
  WHERE DATE(lines.purchased_at) <= @run_date
),

classified AS (
  SELECT
    *,
    COALESCE(is_counted_status AND amount > 0, FALSE) AS is_sold,
    CASE
      -- A negative line is a refund on the day it was booked.
      WHEN is_counted_status AND amount < 0 THEN purchased_at
      -- A sold line that was taken back is a refund on the day its status changed; before that day it is only sold.
      WHEN is_refunded_status AND amount > 0 AND DATE(COALESCE(updated_at, purchased_at)) <= @run_date
        THEN COALESCE(updated_at, purchased_at)
    END AS refunded_at
  FROM converted
)

SELECT
  transaction_id,
  line_number,
  source_system,
  customer_id AS source_customer_id,
  product_id,
  purchased_at,
  purchase_date,
  transaction_date,
  order_status,
  quantity,
  currency,
  original_amount,
  amount,
  is_sold,
  refunded_at IS NOT NULL AS is_refund,
  IF(is_sold, amount, 0) AS sold_amount,
  IF(refunded_at IS NULL, 0, ABS(amount)) AS refund_amount,
  refunded_at,
  DATE(refunded_at) AS refund_date,
  discount_amount,
  tax_amount,
  shipping_amount,
  promotion_code,
  channel,
  store_id
FROM classified
