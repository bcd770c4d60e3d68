WITH sold_lines AS (
  -- A line without a product says nothing about what the customer likes.
  SELECT
    source_system,
    source_customer_id,
    product_id,
    quantity,
    sold_amount,
    purchased_at
  FROM core.fct_order_lines
  WHERE is_sold AND source_customer_id IS NOT NULL AND product_id IS NOT NULL
),

products AS (
  SELECT
    product_id,
    category,
    brand
  FROM staging.stg_commerce__product_catalog
),

purchases AS (
  SELECT
    source_system,
    source_customer_id,
    product_id,
    SUM(quantity) AS units,
    SUM(sold_amount) AS revenue,
    MAX(purchased_at) AS last_purchased_at
  FROM sold_lines
  GROUP BY source_system, source_customer_id, product_id
)

SELECT
  purchases.source_system,
  purchases.source_customer_id,
  purchases.product_id,
  products.category,
  products.brand,
  purchases.units,
  purchases.revenue,
  purchases.last_purchased_at
FROM purchases
LEFT JOIN products
  ON purchases.product_id = products.product_id
