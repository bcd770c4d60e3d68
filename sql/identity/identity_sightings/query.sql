-- What every source says of who is who, before values are spelt alike: names of customers, identifiers, attributes.
WITH
crm AS (
  SELECT
    customer_id,
    first_name,
    last_name,
    date_of_birth,
    email,
    phone_number,
    city,
    postal_code,
    country,
    updated_at,
    first_loaded_date
  FROM staging.stg_crm__customer_info
),

loyalty AS (
  SELECT
    loyalty_id,
    source_system,
    customer_id,
    email,
    phone,
    updated_at,
    first_loaded_date
  FROM staging.stg_loyalty__loyalty_accounts
  WHERE COALESCE(DATE(enrolled_at), first_loaded_date) <= @run_date
),

identities AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    -- An id without a system is its provider's: two shops may both have a customer 1.
    IF(
      identity_type = 'EXTERNAL_ID' AND provider IS NOT NULL AND STRPOS(identity_value, ':') = 0,
      CONCAT(provider, ':', identity_value),
      identity_value
    ) AS identity_value,
    is_primary,
    COALESCE(DATE(verified_at) <= @run_date, FALSE) AS is_verified,
    seen_at,
    first_loaded_date
  FROM staging.stg_identity__customer_identities
  WHERE COALESCE(DATE(seen_at), first_loaded_date) <= @run_date
),

-- Visits and events in one shape: who was there, and on which device.
activity AS (
  SELECT
    source_system,
    customer_id,
    anonymous_id,
    visited_at AS seen_at,
    first_loaded_date
  FROM staging.stg_web__website_behavior
  WHERE DATE(visited_at) <= @run_date
  UNION ALL
  SELECT
    source_system,
    customer_id,
    anonymous_id,
    occurred_at AS seen_at,
    first_loaded_date
  FROM staging.stg_web__customer_events
  WHERE DATE(occurred_at) <= @run_date
),

-- Whoever bought, visited, called, answered, agreed or is described is a customer, explained by the CRM or not.
naming_rows AS (
  SELECT
    'crm' AS source_system,
    customer_id,
    first_loaded_date
  FROM crm
  UNION ALL
  SELECT
    'loyalty' AS source_system,
    loyalty_id AS customer_id,
    first_loaded_date
  FROM loyalty
  UNION ALL
  SELECT
    source_system,
    customer_id,
    first_loaded_date
  FROM loyalty
  UNION ALL
  SELECT
    source_system,
    source_customer_id AS customer_id,
    first_loaded_date
  FROM identities
  UNION ALL
  SELECT
    source_system,
    customer_id,
    MIN(first_loaded_date) AS first_loaded_date
  FROM activity
  GROUP BY source_system, customer_id
  UNION ALL
  SELECT
    source_system,
    customer_id,
    MIN(first_loaded_date) AS first_loaded_date
  FROM staging.stg_commerce__purchase_transactions
  WHERE DATE(purchased_at) <= @run_date
  GROUP BY source_system, customer_id
  UNION ALL
  SELECT
    source_system,
    customer_id,
    first_loaded_date
  FROM staging.stg_commerce__promotion_redemptions
  WHERE DATE(redeemed_at) <= @run_date
  UNION ALL
  SELECT
    source_system,
    customer_id,
    first_loaded_date
  FROM staging.stg_support__customer_service
  WHERE DATE(interacted_at) <= @run_date
  UNION ALL
  SELECT
    source_system,
    customer_id,
    MIN(first_loaded_date) AS first_loaded_date
  FROM staging.stg_marketing__campaign_responses
  WHERE DATE(responded_at) <= @run_date
  GROUP BY source_system, customer_id
  UNION ALL
  SELECT
    source_system,
    customer_id,
    first_loaded_date
  FROM staging.stg_privacy__customer_consents
  WHERE DATE(recorded_at) <= @run_date
  UNION ALL
  SELECT
    source_system,
    customer_id,
    first_loaded_date
  FROM staging.stg_traits__customer_traits
  WHERE COALESCE(DATE(computed_at), first_loaded_date) <= @run_date
),

named AS (
  SELECT
    source_system,
    customer_id,
    MIN(first_loaded_date) AS first_loaded_date
  FROM naming_rows
  WHERE customer_id IS NOT NULL
  GROUP BY source_system, customer_id
),

-- A loyalty account that names its customer shares that name with the customer.
external_ids AS (
  SELECT
    'loyalty' AS source_system,
    loyalty_id AS customer_id,
    CONCAT(source_system, ':', customer_id) AS identity_value,
    first_loaded_date,
    updated_at AS seen_at
  FROM loyalty
  WHERE customer_id IS NOT NULL
),

external_names AS (
  SELECT
    identity_value,
    MIN(first_loaded_date) AS first_loaded_date
  FROM external_ids
  GROUP BY identity_value
  UNION ALL
  SELECT
    identity_value,
    MIN(first_loaded_date) AS first_loaded_date
  FROM identities
  WHERE identity_type = 'EXTERNAL_ID'
  GROUP BY identity_value
),

own_names AS (
  SELECT
    named.source_system,
    named.customer_id,
    external_names.identity_value,
    MIN(GREATEST(external_names.first_loaded_date, named.first_loaded_date)) AS first_loaded_date
  FROM named
  INNER JOIN external_names ON CONCAT(named.source_system, ':', named.customer_id) = external_names.identity_value
  GROUP BY named.source_system, named.customer_id, external_names.identity_value
),

-- Which customers were seen on which device, by who is logged in there and by what other sources say.
devices AS (
  SELECT
    'COOKIE_ID' AS identity_type,
    anonymous_id AS identity_value,
    source_system,
    customer_id,
    MIN(first_loaded_date) AS first_loaded_date,
    MAX(seen_at) AS seen_at
  FROM activity
  WHERE customer_id IS NOT NULL AND anonymous_id IS NOT NULL
  GROUP BY anonymous_id, source_system, customer_id
),

known_devices AS (
  SELECT
    identity_type,
    identity_value,
    source_system,
    customer_id,
    first_loaded_date,
    seen_at
  FROM devices
  UNION ALL
  SELECT
    identity_type,
    identity_value,
    source_system,
    source_customer_id AS customer_id,
    first_loaded_date,
    seen_at
  FROM identities
  WHERE identity_type IN ('COOKIE_ID', 'DEVICE_ID')
),

device_limits AS (
  SELECT
    identity_type,
    share_limit
  FROM UNNEST(@identity_types) AS identity_type WITH OFFSET AS position
  INNER JOIN UNNEST(@share_limits) AS share_limit WITH OFFSET AS limit_position
    ON position = limit_position
),

-- An anonymous visitor is somebody from the day a customer is known on the device. One that too many customers share (a
-- kiosk) stays nobody.
linked_devices AS (
  SELECT
    known_devices.identity_type,
    known_devices.identity_value,
    MIN(known_devices.first_loaded_date) AS first_loaded_date,
    MAX(known_devices.seen_at) AS seen_at
  FROM known_devices
  INNER JOIN device_limits ON known_devices.identity_type = device_limits.identity_type
  GROUP BY known_devices.identity_type, known_devices.identity_value, device_limits.share_limit
  HAVING
    COUNT(DISTINCT CONCAT(known_devices.source_system, ':', known_devices.customer_id)) <= device_limits.share_limit
),

visitors AS (
  SELECT DISTINCT anonymous_id
  FROM activity
  WHERE anonymous_id IS NOT NULL
),

crm_values AS (
  SELECT
    crm.customer_id,
    entry.identity_type,
    entry.raw_value,
    crm.country,
    crm.first_loaded_date,
    COALESCE(crm.updated_at, TIMESTAMP(crm.first_loaded_date)) AS seen_at
  FROM crm
  CROSS JOIN UNNEST([
    STRUCT('EMAIL' AS identity_type, crm.email AS raw_value),
    STRUCT('PHONE' AS identity_type, crm.phone_number AS raw_value),
    STRUCT('FIRST_NAME' AS identity_type, crm.first_name AS raw_value),
    STRUCT('LAST_NAME' AS identity_type, crm.last_name AS raw_value),
    STRUCT('DATE_OF_BIRTH' AS identity_type, CAST(crm.date_of_birth AS STRING) AS raw_value),
    STRUCT('CITY' AS identity_type, crm.city AS raw_value),
    STRUCT('POSTAL_CODE' AS identity_type, crm.postal_code AS raw_value)
  ]) AS entry
),

loyalty_values AS (
  SELECT
    loyalty.loyalty_id,
    loyalty.source_system,
    loyalty.customer_id,
    entry.identity_type,
    entry.raw_value,
    loyalty.first_loaded_date,
    COALESCE(loyalty.updated_at, TIMESTAMP(loyalty.first_loaded_date)) AS seen_at
  FROM loyalty
  CROSS JOIN UNNEST([
    STRUCT('EMAIL' AS identity_type, loyalty.email AS raw_value),
    STRUCT('PHONE' AS identity_type, loyalty.phone AS raw_value)
  ]) AS entry
),

-- `crm_id`: the CRM's customer whose country a phone number without one is in.
sightings AS (
  SELECT
    source_system,
    customer_id,
    CAST(NULL AS STRING) AS identity_type,
    CAST(NULL AS STRING) AS raw_value,
    CAST(NULL AS STRING) AS crm_id,
    CAST(NULL AS BOOL) AS is_primary,
    CAST(NULL AS BOOL) AS is_verified,
    first_loaded_date,
    CAST(NULL AS TIMESTAMP) AS seen_at
  FROM named
  UNION ALL
  SELECT
    'crm' AS source_system,
    customer_id,
    identity_type,
    raw_value,
    customer_id AS crm_id,
    CAST(NULL AS BOOL) AS is_primary,
    CAST(NULL AS BOOL) AS is_verified,
    first_loaded_date,
    seen_at
  FROM crm_values
  WHERE raw_value IS NOT NULL
  UNION ALL
  SELECT
    'loyalty' AS source_system,
    loyalty_id AS customer_id,
    identity_type,
    raw_value,
    IF(source_system = 'crm', customer_id, NULL) AS crm_id,
    CAST(NULL AS BOOL) AS is_primary,
    CAST(NULL AS BOOL) AS is_verified,
    first_loaded_date,
    seen_at
  FROM loyalty_values
  WHERE raw_value IS NOT NULL
  UNION ALL
  SELECT
    source_system,
    source_customer_id AS customer_id,
    identity_type,
    identity_value AS raw_value,
    IF(source_system = 'crm', source_customer_id, NULL) AS crm_id,
    is_primary,
    is_verified,
    first_loaded_date,
    seen_at
  FROM identities
  UNION ALL
  SELECT
    source_system,
    customer_id,
    'EXTERNAL_ID' AS identity_type,
    identity_value AS raw_value,
    CAST(NULL AS STRING) AS crm_id,
    CAST(NULL AS BOOL) AS is_primary,
    CAST(NULL AS BOOL) AS is_verified,
    first_loaded_date,
    seen_at
  FROM external_ids
  UNION ALL
  SELECT
    source_system,
    customer_id,
    'EXTERNAL_ID' AS identity_type,
    identity_value AS raw_value,
    CAST(NULL AS STRING) AS crm_id,
    CAST(NULL AS BOOL) AS is_primary,
    CAST(NULL AS BOOL) AS is_verified,
    first_loaded_date,
    CAST(NULL AS TIMESTAMP) AS seen_at
  FROM own_names
  UNION ALL
  SELECT
    source_system,
    customer_id,
    identity_type,
    identity_value AS raw_value,
    CAST(NULL AS STRING) AS crm_id,
    CAST(NULL AS BOOL) AS is_primary,
    CAST(NULL AS BOOL) AS is_verified,
    first_loaded_date,
    seen_at
  FROM devices
  UNION ALL
  SELECT
    'anonymous' AS source_system,
    visitors.anonymous_id AS customer_id,
    linked_devices.identity_type,
    linked_devices.identity_value AS raw_value,
    CAST(NULL AS STRING) AS crm_id,
    CAST(NULL AS BOOL) AS is_primary,
    CAST(NULL AS BOOL) AS is_verified,
    linked_devices.first_loaded_date,
    linked_devices.seen_at
  FROM visitors
  INNER JOIN linked_devices ON visitors.anonymous_id = linked_devices.identity_value
)

SELECT
  sightings.source_system,
  sightings.customer_id AS source_customer_id,
  sightings.identity_type,
  sightings.raw_value,
  IF(sightings.identity_type = 'PHONE', crm.country, NULL) AS country,
  LOGICAL_OR(sightings.is_primary) AS is_primary,
  LOGICAL_OR(sightings.is_verified) AS is_verified,
  MIN(sightings.first_loaded_date) AS first_loaded_date,
  MAX(sightings.seen_at) AS seen_at
FROM sightings
LEFT JOIN crm ON sightings.crm_id = crm.customer_id
GROUP BY source_system, source_customer_id, identity_type, raw_value, country
