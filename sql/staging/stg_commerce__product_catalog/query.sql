SELECT
  TRIM(products.product_id) AS product_id,
  NULLIF(TRIM(products.product_name), '') AS product_name,
  NULLIF(TRIM(products.category), '') AS category,
  NULLIF(TRIM(products.brand), '') AS brand,
  products.price,
  products.launch_date,
  products._loaded_date
FROM raw_commerce.product_catalog AS products
WHERE products._loaded_date <= @run_date
-- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY TRIM(products.product_id)
  ORDER BY products._loaded_date DESC, products.product_id ASC
) = 1
