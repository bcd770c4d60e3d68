WITH deliveries AS (
  SELECT
    TRIM(transaction_id) AS transaction_key,
    _loaded_date AS delivery_date,
    MIN(DATE(purchase_date)) AS transaction_date
  FROM raw_commerce.purchase_transactions
  WHERE _loaded_date <= @run_date
  GROUP BY transaction_key, delivery_date
),

-- A delivery of a transaction is complete, so the newest one replaces all its lines: a line that is no longer in it is
-- gone.
newest AS (
  SELECT
    transaction_key,
    MAX(delivery_date) AS newest_date,
    MIN(delivery_date) AS first_loaded_date,
    ANY_VALUE(transaction_date HAVING MAX delivery_date) AS transaction_date
  FROM deliveries
  GROUP BY transaction_key
)

-- No ranking of lines is needed: a load holds a (transaction_id, line_number) once, the contract refuses repeats.
SELECT
  newest.transaction_key AS transaction_id,
  lines.line_number,
  -- An empty customer_id is a guest, like a missing one.
  IF(
    TRIM(lines.customer_id) != '', COALESCE(NULLIF(LOWER(TRIM(lines.customer_system)), ''), 'crm'), NULL
  ) AS source_system,
  NULLIF(TRIM(lines.customer_id), '') AS customer_id,
  NULLIF(TRIM(lines.product_id), '') AS product_id,
  lines.purchase_date AS purchased_at,
  newest.transaction_date,
  lines.quantity,
  lines.total_amount,
  COALESCE(NULLIF(UPPER(TRIM(lines.currency)), ''), UPPER(@reporting_currency)) AS currency,
  COALESCE(NULLIF(LOWER(TRIM(lines.order_status)), ''), 'delivered') AS order_status,
  lines.discount_amount,
  lines.tax_amount,
  lines.shipping_amount,
  NULLIF(TRIM(lines.promotion_code), '') AS promotion_code,
  NULLIF(LOWER(TRIM(lines.channel)), '') AS channel,
  NULLIF(TRIM(lines.store_id), '') AS store_id,
  lines.updated_at,
  newest.first_loaded_date,
  lines._loaded_date
FROM raw_commerce.purchase_transactions AS lines
INNER JOIN newest
  ON TRIM(lines.transaction_id) = newest.transaction_key AND lines._loaded_date = newest.newest_date
WHERE lines._loaded_date <= @run_date
