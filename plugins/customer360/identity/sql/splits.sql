-- Decisions to split, between nodes of one disputed component.
WITH sides AS (
  SELECT
    override_id,
    decided_at,
    left_id AS own_id
  FROM scratch.decisions
  WHERE action = 'split'
  UNION ALL
  SELECT
    override_id,
    decided_at,
    right_id AS own_id
  FROM scratch.decisions
  WHERE action = 'split'
)

SELECT
  MIN(c.node) AS u,
  MAX(c.node) AS v,
  s.decided_at
FROM sides AS s
INNER JOIN scratch.customers AS c ON s.own_id = c.own_id
INNER JOIN scratch.labels AS l ON c.node = l.node
GROUP BY s.override_id, s.decided_at, l.component
HAVING COUNT(*) = 2
