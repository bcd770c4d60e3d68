WITH sold_lines AS (
  SELECT
    transaction_id,
    transaction_date,
    source_system,
    source_customer_id,
    purchased_at,
    sold_amount,
    quantity,
    channel,
    store_id
  FROM core.fct_order_lines
  WHERE is_sold
),

orders AS (
  -- All lines of a transaction have the same customer. Where lines differ in channel or store the smallest name stands
  -- for the order, so that the answer does not depend on the order of rows.
  SELECT
    transaction_id,
    MIN(transaction_date) AS transaction_date,
    MIN(source_system) AS source_system,
    MIN(source_customer_id) AS source_customer_id,
    MIN(purchased_at) AS ordered_at,
    SUM(sold_amount) AS gross_revenue,
    SUM(quantity) AS items,
    COUNT(*) AS lines,
    MIN(channel) AS channel,
    MIN(store_id) AS store_id
  FROM sold_lines
  GROUP BY transaction_id
)

SELECT
  transaction_id,
  transaction_date,
  source_system,
  source_customer_id,
  ordered_at,
  DATE(ordered_at) AS order_date,
  gross_revenue,
  items,
  lines,
  channel,
  store_id
FROM orders
