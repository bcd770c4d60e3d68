-- One row per id and component that holds some of its customers without being its heir: why they left.
WITH splits AS (
  SELECT
    override_id,
    left_id AS own_id
  FROM scratch.decisions
  WHERE action = 'split'
  UNION ALL
  SELECT
    override_id,
    right_id AS own_id
  FROM scratch.decisions
  WHERE action = 'split'
),

sides AS (
  SELECT
    s.override_id,
    m.previous_id,
    m.component
  FROM splits AS s
  INNER JOIN scratch.members AS m ON s.own_id = m.own_id
  WHERE m.previous_id IS NOT NULL
),

apart AS (
  SELECT
    override_id,
    previous_id
  FROM sides
  GROUP BY override_id, previous_id
  HAVING COUNT(DISTINCT component) = 2
),

decided AS (
  SELECT
    s.component,
    s.previous_id,
    MIN(s.override_id) AS override_id
  FROM sides AS s
  INNER JOIN apart AS a ON s.override_id = a.override_id AND s.previous_id = a.previous_id
  GROUP BY s.component, s.previous_id
)

SELECT
  c.previous_id,
  c.component,
  c.source_customers,
  c.age_key,
  IF(d.override_id IS NULL, 'split', 'override') AS cause,
  IF(
    d.override_id IS NULL,
    CONCAT('nothing joins it to ', c.previous_id, ' any longer'),
    CONCAT('decision ', d.override_id, ' keeps it apart from ', c.previous_id)
  ) AS why
FROM scratch.claims AS c
LEFT JOIN decided AS d ON c.component = d.component AND c.previous_id = d.previous_id
WHERE NOT c.is_heir
