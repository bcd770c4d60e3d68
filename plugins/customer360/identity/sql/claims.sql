-- One row per id that was in use and component that holds some of its customers. The largest part is the id's heir; of
-- the ids that a component inherits, it keeps the one that was given first.
WITH parts AS (
  SELECT
    previous_id,
    component,
    COUNT(*) AS source_customers,
    MIN(age_key) AS age_key
  FROM scratch.members
  WHERE previous_id IS NOT NULL
  GROUP BY previous_id, component
),

given AS (
  SELECT
    customer360_id,
    MIN(valid_from) AS given_on
  FROM scratch.earlier
  GROUP BY customer360_id
),

heirs AS (
  SELECT
    p.previous_id,
    p.component,
    p.source_customers,
    p.age_key,
    g.given_on,
    ROW_NUMBER() OVER (PARTITION BY p.previous_id ORDER BY p.source_customers DESC, p.age_key) = 1 AS is_heir
  FROM parts AS p
  LEFT JOIN given AS g ON p.previous_id = g.customer360_id
)

SELECT
  previous_id,
  component,
  source_customers,
  age_key,
  is_heir,
  is_heir
  AND ROW_NUMBER() OVER (PARTITION BY component, is_heir ORDER BY given_on, age_key, previous_id) = 1 AS is_kept
FROM heirs
