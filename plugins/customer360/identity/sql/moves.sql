SELECT
  source_system,
  source_customer_id,
  customer360_id,
  valid_from,
  valid_to,
  cause,
  why
FROM previous.moves
WHERE valid_to < @run_date
UNION ALL
SELECT
  p.source_system,
  p.source_customer_id,
  p.customer360_id,
  p.valid_from,
  @run_date AS valid_to,
  CASE
    WHEN n.customer360_id IS NULL THEN 'removed'
    ELSE COALESCE(x.cause, s.cause)
  END AS cause,
  CASE
    WHEN n.customer360_id IS NULL THEN 'no source names it any longer'
    ELSE COALESCE(x.why, s.why)
  END AS why
FROM scratch.previous AS p
LEFT JOIN target.map AS n
  ON p.source_system = n.source_system AND p.source_customer_id = n.source_customer_id
LEFT JOIN scratch.members AS m
  ON p.source_system = m.source_system AND p.source_customer_id = m.source_customer_id
LEFT JOIN scratch.separations AS x ON m.component = x.component AND p.customer360_id = x.previous_id
LEFT JOIN scratch.successors AS s ON p.customer360_id = s.previous_id
WHERE n.customer360_id IS NULL OR n.customer360_id <> p.customer360_id
