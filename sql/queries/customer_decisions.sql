-- Decisions of people about the source customers of @customer360_id, known by @run_date, and who their sides are now.
-- One row per decision, newest first, the first @most; `total` counts all.
WITH
decisions AS (
  SELECT
    override_id,
    action,
    left_source_system,
    left_source_customer_id,
    right_source_system,
    right_source_customer_id,
    decided_by,
    decided_at
  FROM staging.stg_identity__identity_overrides
  WHERE
    DATE(decided_at) <= @run_date
    AND (action NOT IN ('merge', 'split') OR right_source_customer_id IS NOT NULL)
),

identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
)

SELECT
  decisions.override_id,
  decisions.action,
  decisions.left_source_system,
  decisions.left_source_customer_id,
  left_side.customer360_id AS left_customer360_id,
  decisions.right_source_system,
  decisions.right_source_customer_id,
  right_side.customer360_id AS right_customer360_id,
  decisions.decided_by,
  decisions.decided_at,
  COUNT(*) OVER () AS total
FROM decisions
LEFT JOIN identity_map AS left_side
  ON
    decisions.left_source_system = left_side.source_system
    AND decisions.left_source_customer_id = left_side.source_customer_id
LEFT JOIN identity_map AS right_side
  ON
    decisions.right_source_system = right_side.source_system
    AND decisions.right_source_customer_id = right_side.source_customer_id
WHERE left_side.customer360_id = @customer360_id OR right_side.customer360_id = @customer360_id
QUALIFY ROW_NUMBER() OVER (ORDER BY decisions.decided_at DESC, decisions.override_id) <= @most
ORDER BY decisions.decided_at DESC, decisions.override_id
