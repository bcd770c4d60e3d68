-- Edges between representatives that are still two.
SELECT DISTINCT
  LEAST(a.representative, b.representative) AS u,
  GREATEST(a.representative, b.representative) AS v
FROM scratch.remaining AS e
INNER JOIN scratch.representatives AS a ON e.u = a.node
INNER JOIN scratch.representatives AS b ON e.v = b.node
WHERE a.representative <> b.representative
