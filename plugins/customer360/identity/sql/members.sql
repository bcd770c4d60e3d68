-- One row per source customer that was resolved: its component, of which a decision may have left a part.
SELECT
  COALESCE(p.component, l.component, c.node) AS component,
  c.node,
  c.own_id,
  c.source_system,
  c.source_customer_id,
  c.first_loaded_date,
  c.age_key,
  c.previous_id
FROM scratch.customers AS c
LEFT JOIN scratch.labels AS l ON c.node = l.node
LEFT JOIN scratch.parts AS p ON c.node = p.node
