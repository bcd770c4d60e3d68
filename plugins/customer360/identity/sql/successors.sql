-- One row per id that is merged into another, with the strongest identifier that its customers share with the others.
WITH merged AS (
  SELECT
    c.previous_id,
    c.component,
    p.customer360_id
  FROM scratch.claims AS c
  INNER JOIN scratch.people AS p ON c.component = p.component
  WHERE c.is_heir AND NOT c.is_kept
),

components AS (
  SELECT DISTINCT component
  FROM merged
),

trusted AS (
  SELECT
    identity_type,
    trust
  FROM UNNEST(@identity_types) AS identity_type WITH OFFSET AS trust
),

held AS (
  SELECT
    m.component,
    COALESCE(m.previous_id, '') AS previous_id,
    CONCAT(m.source_system, ':', m.source_customer_id) AS source_key,
    e.identity_type,
    e.identity_value,
    t.trust
  FROM scratch.members AS m
  INNER JOIN components AS c ON m.component = c.component
  INNER JOIN target.edges AS e
    ON m.source_system = e.source_system AND m.source_customer_id = e.source_customer_id
  INNER JOIN trusted AS t ON e.identity_type = t.identity_type
  LEFT JOIN target.cuts AS x
    ON
      e.source_system = x.source_system AND e.source_customer_id = x.source_customer_id
      AND e.identity_type = x.identity_type AND e.identity_value = x.identity_value
  WHERE e.source_customers > 1 AND x.source_system IS NULL
),

bridges AS (
  SELECT
    g.previous_id,
    i.identity_type,
    IF(i.identity_type = 'OVERRIDE', i.identity_value, NULL) AS override_id,
    i.source_key AS own_key,
    o.source_key AS other_key
  FROM merged AS g
  INNER JOIN held AS i ON g.component = i.component AND g.previous_id = i.previous_id
  INNER JOIN held AS o ON i.identity_type = o.identity_type AND i.identity_value = o.identity_value
  WHERE o.previous_id <> g.previous_id
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY g.previous_id ORDER BY i.trust, i.identity_value, i.source_key, o.source_key
    ) = 1
)

SELECT
  m.previous_id,
  m.customer360_id,
  IF(b.override_id IS NOT NULL, 'override', 'merged') AS cause,
  CASE
    WHEN b.override_id IS NOT NULL
      THEN CONCAT('decision ', b.override_id, ' joins ', b.own_key, ' and ', b.other_key)
    WHEN b.identity_type = 'PROBABILISTIC'
      THEN CONCAT(b.own_key, ' and ', b.other_key, ' are probably one person: see identity_matches')
    ELSE CONCAT(b.own_key, ' and ', b.other_key, ' share ', b.identity_type)
  END AS why
FROM merged AS m
LEFT JOIN bridges AS b ON m.previous_id = b.previous_id
