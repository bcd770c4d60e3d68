-- Parts that may be joined now: exactly those that joining edge by edge, from the strongest, would join as well.
WITH between_parts AS (
  SELECT
    e.strength,
    e.decided_at,
    LEAST(a.component, b.component) AS u,
    GREATEST(a.component, b.component) AS v
  FROM scratch.disputed_edges AS e
  INNER JOIN scratch.parts_now AS a ON e.u = a.node
  INNER JOIN scratch.parts_now AS b ON e.v = b.node
  WHERE a.component <> b.component
),

apart AS (
  SELECT
    LEAST(a.component, b.component) AS u,
    GREATEST(a.component, b.component) AS v,
    MAX(s.decided_at) AS decided_at
  FROM scratch.splits AS s
  INNER JOIN scratch.parts_now AS a ON s.u = a.node
  INNER JOIN scratch.parts_now AS b ON s.v = b.node
  WHERE a.component <> b.component
  GROUP BY LEAST(a.component, b.component), GREATEST(a.component, b.component)
),

-- Only a later decision to merge outweighs a decision to split.
allowed AS (
  SELECT
    p.strength,
    p.u,
    p.v
  FROM between_parts AS p
  LEFT JOIN apart AS x ON p.u = x.u AND p.v = x.v
  WHERE x.u IS NULL OR p.decided_at > x.decided_at
),

bounds AS (
  SELECT u AS component
  FROM apart
  UNION DISTINCT
  SELECT v AS component
  FROM apart
),

strongest AS (
  SELECT
    component,
    MIN(strength) AS strength
  FROM (
    SELECT
      u AS component,
      strength
    FROM allowed
    UNION ALL
    SELECT
      v AS component,
      strength
    FROM allowed
  ) AS ends
  GROUP BY component
)

-- A part that nothing keeps from others goes where its strongest edge leads; two that are bound, when both agree.
SELECT DISTINCT
  e.u,
  e.v
FROM allowed AS e
INNER JOIN strongest AS a ON e.u = a.component
INNER JOIN strongest AS b ON e.v = b.component
LEFT JOIN bounds AS x ON e.u = x.component
LEFT JOIN bounds AS y ON e.v = y.component
WHERE
  (e.strength = a.strength AND (x.component IS NULL OR e.strength = b.strength))
  OR (e.strength = b.strength AND y.component IS NULL)
