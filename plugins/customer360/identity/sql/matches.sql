-- The pairs that the model found, with when both records were known as they are.
SELECT
  CONCAT(
    p.left_source_system, ':', p.left_source_customer_id, '|', p.right_source_system, ':', p.right_source_customer_id
  ) AS match_id,
  p.left_source_system,
  p.left_source_customer_id,
  p.right_source_system,
  p.right_source_customer_id,
  p.match_probability,
  p.match_weight,
  p.evidence,
  p.model,
  GREATEST(l.first_loaded_date, r.first_loaded_date) AS first_loaded_date,
  COALESCE(GREATEST(l.last_seen_at, r.last_seen_at), l.last_seen_at, r.last_seen_at) AS last_seen_at
FROM scratch.pairs AS p
INNER JOIN scratch.records AS l
  ON p.left_source_system = l.source_system AND p.left_source_customer_id = l.source_customer_id
INNER JOIN scratch.records AS r
  ON p.right_source_system = r.source_system AND p.right_source_customer_id = r.source_customer_id
