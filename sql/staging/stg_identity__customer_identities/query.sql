SELECT
  TRIM(identities.identity_id) AS identity_id,
  COALESCE(NULLIF(LOWER(TRIM(identities.source_system)), ''), 'crm') AS source_system,
  NULLIF(TRIM(identities.source_customer_id), '') AS source_customer_id,
  NULLIF(UPPER(TRIM(identities.identity_type)), '') AS identity_type,
  NULLIF(TRIM(identities.identity_value), '') AS identity_value,
  NULLIF(TRIM(identities.provider), '') AS provider,
  identities.is_primary,
  identities.verified_at,
  identities.seen_at,
  MIN(identities._loaded_date) OVER (PARTITION BY TRIM(identities.identity_id)) AS first_loaded_date,
  identities._loaded_date
FROM raw_identity.customer_identities AS identities
WHERE identities._loaded_date <= @run_date
-- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY TRIM(identities.identity_id)
  ORDER BY identities._loaded_date DESC, identities.identity_id ASC
) = 1
