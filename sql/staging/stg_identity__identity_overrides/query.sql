WITH overrides AS (
  SELECT
    override_id,
    LOWER(TRIM(action)) AS action,
    TRIM(left_id) AS left_id,
    -- Only of these two decisions is there another side.
    IF(LOWER(TRIM(action)) IN ('merge', 'split'), TRIM(right_id), NULL) AS right_id,
    decided_by,
    decided_at,
    _loaded_date,
    MIN(_loaded_date) OVER (PARTITION BY TRIM(override_id)) AS first_loaded_date
  FROM raw_identity.identity_overrides
  WHERE _loaded_date <= @run_date
  -- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY TRIM(override_id)
    ORDER BY _loaded_date DESC, override_id ASC
  ) = 1
),

-- What stands before the first colon is the system, so an id may hold colons of its own.
parsed AS (
  SELECT
    override_id,
    action,
    COALESCE(NULLIF(LOWER(TRIM(REGEXP_EXTRACT(left_id, r'^([^:]*):'))), ''), 'crm') AS left_source_system,
    NULLIF(TRIM(REGEXP_REPLACE(left_id, r'^[^:]*:', '')), '') AS left_source_customer_id,
    COALESCE(NULLIF(LOWER(TRIM(REGEXP_EXTRACT(right_id, r'^([^:]*):'))), ''), 'crm') AS right_source_system,
    NULLIF(TRIM(REGEXP_REPLACE(right_id, r'^[^:]*:', '')), '') AS right_source_customer_id,
    decided_by,
    decided_at,
    first_loaded_date,
    _loaded_date
  FROM overrides
)

SELECT
  TRIM(override_id) AS override_id,
  action,
  IF(left_source_customer_id IS NULL, NULL, left_source_system) AS left_source_system,
  left_source_customer_id,
  IF(right_source_customer_id IS NULL, NULL, right_source_system) AS right_source_system,
  right_source_customer_id,
  NULLIF(TRIM(decided_by), '') AS decided_by,
  decided_at,
  first_loaded_date,
  _loaded_date
FROM parsed
