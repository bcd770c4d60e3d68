-- The edges of disputed components, numbered from the strongest: decisions to merge from the latest, then the types of
-- identifiers in the configuration's order, the older evidence first. Identifiers are nodes below zero.
WITH trusted AS (
  SELECT
    identity_type,
    trust
  FROM UNNEST(@identity_types) AS identity_type WITH OFFSET AS trust
),

held AS (
  SELECT
    c.node,
    c.age_key,
    e.identity_type,
    e.identity_value,
    e.first_loaded_date,
    t.trust,
    IF(e.identity_type = 'OVERRIDE', e.last_seen_at, NULL) AS decided_at
  FROM target.edges AS e
  INNER JOIN scratch.customers AS c
    ON e.source_system = c.source_system AND e.source_customer_id = c.source_customer_id
  INNER JOIN scratch.labels AS l ON c.node = l.node
  INNER JOIN scratch.disputed AS d ON l.component = d.component
  INNER JOIN trusted AS t ON e.identity_type = t.identity_type
  WHERE e.source_customers > 1
)

SELECT
  ROW_NUMBER() OVER (
    ORDER BY trust, decided_at DESC, first_loaded_date, identity_type, identity_value, age_key
  ) AS strength,
  node AS u,
  -DENSE_RANK() OVER (ORDER BY identity_type, identity_value) AS v,
  decided_at,
  identity_type,
  identity_value
FROM held
