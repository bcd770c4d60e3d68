-- One row per component: the id it keeps, or a new one. An id that was ever given is never given again: then the day
-- goes into the hash.
WITH founders AS (
  SELECT
    component,
    ANY_VALUE(own_id HAVING MIN age_key) AS own_id,
    ANY_VALUE(CONCAT(source_system, ':', source_customer_id) HAVING MIN age_key) AS source_key
  FROM scratch.members
  GROUP BY component
),

kept AS (
  SELECT
    component,
    previous_id
  FROM scratch.claims
  WHERE is_kept
),

-- A person that keeps no id inherited none; most of its customers, if it has any that were known, left this person.
origins AS (
  SELECT
    component,
    cause,
    why
  FROM scratch.separations
  QUALIFY ROW_NUMBER() OVER (PARTITION BY component ORDER BY source_customers DESC, age_key, previous_id) = 1
),

given AS (
  SELECT DISTINCT customer360_id
  FROM scratch.earlier
)

SELECT
  f.component,
  CASE
    WHEN k.previous_id IS NOT NULL THEN k.previous_id
    WHEN g.customer360_id IS NULL THEN f.own_id
    ELSE
      CONCAT(
        'c360_', SUBSTR(TO_HEX(SHA256(CONCAT(f.source_key, ' since ', CAST(@run_date AS STRING)))), 1, 24)
      )
  END AS customer360_id,
  k.previous_id IS NULL AS is_new,
  COALESCE(o.cause, 'created') AS cause,
  COALESCE(o.why, CONCAT('first source customer: ', f.source_key)) AS why
FROM founders AS f
LEFT JOIN kept AS k ON f.component = k.component
LEFT JOIN origins AS o ON f.component = o.component
LEFT JOIN given AS g ON f.own_id = g.customer360_id
