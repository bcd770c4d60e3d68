-- Every node of a disputed component, alone.
SELECT
  u AS node,
  u AS component
FROM scratch.disputed_edges
UNION DISTINCT
SELECT
  v AS node,
  v AS component
FROM scratch.disputed_edges
