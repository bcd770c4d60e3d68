SELECT
  p.node,
  COALESCE(j.component, p.component) AS component
FROM scratch.parts_now AS p
LEFT JOIN scratch.joined AS j ON p.component = j.node
