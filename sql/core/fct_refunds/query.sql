WITH refund_lines AS (
  SELECT
    transaction_id,
    transaction_date,
    refund_date,
    source_system,
    source_customer_id,
    refunded_at,
    refund_amount
  FROM core.fct_order_lines
  WHERE is_refund
),

refunds AS (
  -- All lines of a transaction have the same customer.
  SELECT
    transaction_id,
    refund_date,
    MIN(transaction_date) AS transaction_date,
    MIN(source_system) AS source_system,
    MIN(source_customer_id) AS source_customer_id,
    MIN(refunded_at) AS refunded_at,
    SUM(refund_amount) AS refunds_amount,
    COUNT(*) AS lines
  FROM refund_lines
  GROUP BY transaction_id, refund_date
)

SELECT
  transaction_id,
  transaction_date,
  refund_date,
  source_system,
  source_customer_id,
  refunded_at,
  refunds_amount,
  lines,
  refund_date = MIN(refund_date) OVER (PARTITION BY transaction_id) AS is_first
FROM refunds
