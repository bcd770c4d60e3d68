SELECT
  c.source_system,
  c.source_customer_id,
  e.identity_type,
  e.identity_value
FROM scratch.disputed_edges AS e
INNER JOIN scratch.parts AS a ON e.u = a.node
INNER JOIN scratch.parts AS b ON e.v = b.node
INNER JOIN scratch.customers AS c ON e.u = c.node
WHERE a.component <> b.component
