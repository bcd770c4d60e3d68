SELECT
  e.source_system,
  e.source_customer_id,
  e.identity_type,
  e.identity_value,
  e.first_loaded_date,
  e.last_seen_at,
  n.source_customers,
  @run_date AS run_date
FROM scratch.evidence AS e
INNER JOIN target.nodes AS n
  ON e.identity_type = n.identity_type AND e.identity_value = n.identity_value
WHERE e.reason IS NULL AND n.blocked IS NULL
