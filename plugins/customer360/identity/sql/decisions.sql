-- One row per pair of known source customers that somebody decided about: the latest decision of the pair.
WITH sides AS (
  SELECT
    o.override_id,
    o.action,
    o.decided_at,
    l.own_id AS left_id,
    r.own_id AS right_id
  FROM input.overrides AS o
  INNER JOIN scratch.sources AS l
    ON o.left_source_system = l.source_system AND o.left_source_customer_id = l.source_customer_id
  INNER JOIN scratch.sources AS r
    ON o.right_source_system = r.source_system AND o.right_source_customer_id = r.source_customer_id
  WHERE o.action IN ('merge', 'split') AND DATE(o.decided_at) <= @run_date AND l.own_id <> r.own_id
)

SELECT
  override_id,
  action,
  decided_at,
  LEAST(left_id, right_id) AS left_id,
  GREATEST(left_id, right_id) AS right_id
FROM sides
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY LEAST(left_id, right_id), GREATEST(left_id, right_id)
    ORDER BY decided_at DESC, override_id DESC
  ) = 1
