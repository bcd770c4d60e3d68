SELECT
  TRIM(contacts.interaction_id) AS interaction_id,
  IF(
    TRIM(contacts.customer_id) != '', COALESCE(NULLIF(LOWER(TRIM(contacts.customer_system)), ''), 'crm'), NULL
  ) AS source_system,
  NULLIF(TRIM(contacts.customer_id), '') AS customer_id,
  contacts.interaction_date AS interacted_at,
  NULLIF(LOWER(TRIM(contacts.interaction_type)), '') AS interaction_type,
  NULLIF(TRIM(contacts.product_id), '') AS product_id,
  NULLIF(LOWER(TRIM(contacts.resolution_status)), '') AS resolution_status,
  contacts.satisfaction_score,
  MIN(contacts._loaded_date) OVER (PARTITION BY TRIM(contacts.interaction_id)) AS first_loaded_date,
  contacts._loaded_date
FROM raw_support.customer_service AS contacts
WHERE contacts._loaded_date <= @run_date
-- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY TRIM(contacts.interaction_id)
  ORDER BY contacts._loaded_date DESC, contacts.interaction_id ASC
) = 1
