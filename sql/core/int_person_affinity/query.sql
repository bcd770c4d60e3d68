-- Which categories and brands a person buys most, by units.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

customer_products AS (
  SELECT
    source_system,
    source_customer_id,
    product_id,
    category,
    brand,
    units,
    revenue,
    last_purchased_at
  FROM core.int_customer_products
),

person_products AS (
  SELECT
    identity_map.customer360_id,
    customer_products.product_id,
    customer_products.category,
    customer_products.brand,
    customer_products.units,
    customer_products.revenue,
    customer_products.last_purchased_at
  FROM customer_products
  INNER JOIN identity_map
    ON
      customer_products.source_system = identity_map.source_system
      AND customer_products.source_customer_id = identity_map.source_customer_id
),

person_categories AS (
  SELECT
    customer360_id,
    category,
    -- A sold line may state a quantity of 0 or less; a share of the units must stay a share.
    GREATEST(SUM(units), 0) AS units,
    SUM(revenue) AS revenue,
    MAX(last_purchased_at) AS last_purchased_at,
    COUNT(product_id) AS products
  FROM person_products
  GROUP BY customer360_id, category
),

-- Only several source customers of one person can name a product twice. Counting the distinct products of everybody
-- would be the most expensive step of this query.
merged_people AS (
  SELECT customer360_id
  FROM identity_map
  GROUP BY customer360_id
  HAVING COUNT(*) > 1
),

repeated_products AS (
  SELECT
    person_products.customer360_id,
    COUNT(person_products.product_id) - COUNT(DISTINCT person_products.product_id) AS products
  FROM person_products
  INNER JOIN merged_people ON person_products.customer360_id = merged_people.customer360_id
  GROUP BY person_products.customer360_id
),

person_totals AS (
  SELECT
    customer360_id,
    SUM(products) AS products,
    SUM(IF(category IS NULL, 0, units)) AS categorised_units
  FROM person_categories
  GROUP BY customer360_id
),

ranked_categories AS (
  SELECT
    customer360_id,
    category,
    units,
    ROW_NUMBER() OVER (
      PARTITION BY customer360_id
      ORDER BY units DESC, revenue DESC, last_purchased_at DESC, category
    ) AS position
  FROM person_categories
  WHERE category IS NOT NULL
),

category_weights AS (
  SELECT
    ranked_categories.customer360_id,
    ranked_categories.category,
    ranked_categories.position,
    CAST(
      SAFE_DIVIDE(CAST(ranked_categories.units AS NUMERIC), person_totals.categorised_units) AS NUMERIC
    ) AS weight
  FROM ranked_categories
  INNER JOIN person_totals ON ranked_categories.customer360_id = person_totals.customer360_id
  WHERE ranked_categories.position <= 10 AND person_totals.categorised_units > 0
),

category_affinity AS (
  SELECT
    customer360_id,
    MAX(IF(position = 1, category, NULL)) AS favorite_category,
    ARRAY_AGG(IF(position <= 3, category, NULL) IGNORE NULLS ORDER BY position) AS interests,
    ARRAY_AGG(STRUCT(category AS category, weight AS weight) ORDER BY position) AS recommendation_vector
  FROM category_weights
  GROUP BY customer360_id
),

person_brands AS (
  SELECT
    customer360_id,
    brand,
    SUM(units) AS units,
    SUM(revenue) AS revenue,
    MAX(last_purchased_at) AS last_purchased_at
  FROM person_products
  WHERE brand IS NOT NULL
  GROUP BY customer360_id, brand
),

ranked_brands AS (
  SELECT
    customer360_id,
    brand,
    ROW_NUMBER() OVER (
      PARTITION BY customer360_id
      ORDER BY units DESC, revenue DESC, last_purchased_at DESC, brand
    ) AS position
  FROM person_brands
)

SELECT
  person_totals.customer360_id,
  person_totals.products - COALESCE(repeated_products.products, 0) AS distinct_products,
  category_affinity.favorite_category,
  ranked_brands.brand AS favorite_brand,
  COALESCE(category_affinity.interests, ARRAY<STRING>[]) AS interests,
  COALESCE(
    category_affinity.recommendation_vector, ARRAY<STRUCT<category STRING, weight NUMERIC>>[]
  ) AS recommendation_vector
FROM person_totals
LEFT JOIN repeated_products ON person_totals.customer360_id = repeated_products.customer360_id
LEFT JOIN category_affinity ON person_totals.customer360_id = category_affinity.customer360_id
LEFT JOIN ranked_brands
  ON
    person_totals.customer360_id = ranked_brands.customer360_id
    AND ranked_brands.position = 1
