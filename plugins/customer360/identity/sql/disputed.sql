-- Components that hold both sides of a decision to split. Grouped, not joined side to side: a component may be large.
WITH sides AS (
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

pairs AS (
  SELECT
    s.override_id,
    l.component
  FROM sides AS s
  INNER JOIN scratch.customers AS c ON s.own_id = c.own_id
  INNER JOIN scratch.labels AS l ON c.node = l.node
  GROUP BY s.override_id, l.component
  HAVING COUNT(*) = 2
)

SELECT DISTINCT component
FROM pairs
