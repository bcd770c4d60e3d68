-- Every identifier joins its customers to the first of them: as many edges as customers, not as pairs.
WITH shared AS (
  SELECT
    e.identity_type,
    e.identity_value,
    c.node
  FROM target.edges AS e
  INNER JOIN scratch.customers AS c
    ON e.source_system = c.source_system AND e.source_customer_id = c.source_customer_id
  WHERE e.source_customers > 1
),

firsts AS (
  SELECT
    node AS v,
    MIN(node) OVER (PARTITION BY identity_type, identity_value) AS u
  FROM shared
)

SELECT DISTINCT
  u,
  v
FROM firsts
WHERE u <> v
