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
  action IN ('merge', 'split')
  AND left_source_customer_id IS NOT NULL
  AND right_source_customer_id IS NOT NULL
  AND DATE(decided_at) <= @run_date
