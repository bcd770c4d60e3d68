SELECT
  TRIM(consents.consent_id) AS consent_id,
  IF(
    TRIM(consents.customer_id) != '', COALESCE(NULLIF(LOWER(TRIM(consents.customer_system)), ''), 'crm'), NULL
  ) AS source_system,
  NULLIF(TRIM(consents.customer_id), '') AS customer_id,
  NULLIF(UPPER(TRIM(consents.consent_type)), '') AS consent_type,
  COALESCE(consents.granted, FALSE) AS granted,
  NULLIF(TRIM(consents.source), '') AS source,
  consents.recorded_at,
  consents.expires_at,
  MIN(consents._loaded_date) OVER (PARTITION BY TRIM(consents.consent_id)) AS first_loaded_date,
  consents._loaded_date
FROM raw_privacy.customer_consents AS consents
WHERE consents._loaded_date <= @run_date
-- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY TRIM(consents.consent_id)
  ORDER BY consents._loaded_date DESC, consents.consent_id ASC
) = 1
