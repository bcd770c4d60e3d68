-- What each product category sells and gives back, guests included.
WITH
catalogue AS (
  SELECT
    product_id,
    category
  FROM staging.stg_commerce__product_catalog
),

order_lines AS (
  SELECT
    product_id,
    quantity,
    is_sold,
    is_refund,
    sold_amount,
    refund_amount
  FROM core.fct_order_lines
  WHERE is_sold OR is_refund
),

-- By product first: few rows are left to count products in.
products AS (
  SELECT
    product_id,
    COUNTIF(is_sold) AS lines,
    SUM(IF(is_sold, quantity, 0)) AS units,
    SUM(sold_amount) AS gross_revenue,
    SUM(refund_amount) AS refunds_amount
  FROM order_lines
  GROUP BY product_id
),

categories AS (
  SELECT
    COALESCE(catalogue.category, 'unknown') AS category,
    COUNTIF(products.lines > 0) AS products_sold,
    SUM(products.lines) AS lines,
    SUM(products.units) AS units,
    COALESCE(SUM(products.gross_revenue), 0) AS gross_revenue,
    COALESCE(SUM(products.refunds_amount), 0) AS refunds_amount
  FROM products
  LEFT JOIN catalogue
    ON products.product_id = catalogue.product_id
  GROUP BY category
)

SELECT
  @run_date AS run_date,
  category,
  gross_revenue,
  CAST(SAFE_DIVIDE(gross_revenue, SUM(gross_revenue) OVER ()) AS NUMERIC) AS gross_revenue_share,
  refunds_amount,
  gross_revenue - refunds_amount AS net_revenue,
  units,
  lines,
  products_sold,
  CAST(SAFE_DIVIDE(gross_revenue, units) AS NUMERIC) AS avg_unit_price
FROM categories
