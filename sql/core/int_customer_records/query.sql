-- What each source says of its customers, in one shape, and how much it counts when sources of one person differ.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id,
    first_loaded_date
  FROM identity.identity_map
),

-- Trust in source systems, best first.
trusted_systems AS (
  SELECT
    source_system,
    MIN(trust_rank) AS trust_rank
  FROM UNNEST(@trusted_systems) AS source_system WITH OFFSET AS trust_rank
  GROUP BY source_system
),

customer_info AS (
  SELECT
    -- A column rather than a condition of the join below, which would cost DuckDB its hash join.
    'crm' AS source_system,
    customer_id AS source_customer_id,
    first_name,
    last_name,
    date_of_birth,
    registration_date,
    gender,
    language,
    country,
    region,
    city,
    postal_code,
    timezone,
    acquisition_channel,
    acquisition_campaign,
    customer_type,
    updated_at
  FROM staging.stg_crm__customer_info
),

loyalty_accounts AS (
  SELECT
    'loyalty' AS source_system,
    loyalty_id AS source_customer_id,
    DATE(enrolled_at) AS enrolment_date,
    updated_at
  FROM staging.stg_loyalty__loyalty_accounts
),

-- Somebody decided that this customer's values come first; the latest decision before all others.
decisions AS (
  SELECT
    left_source_system AS source_system,
    left_source_customer_id AS source_customer_id,
    MAX(decided_at) AS preferred_since
  FROM staging.stg_identity__identity_overrides
  WHERE action = 'set_primary' AND DATE(decided_at) <= @run_date
  GROUP BY left_source_system, left_source_customer_id
),

records AS (
  SELECT
    identity_map.customer360_id,
    identity_map.source_system,
    identity_map.source_customer_id,
    -- Systems that are not listed come after those that are, and visitors without a name last of all.
    IF(
      identity_map.source_system = 'anonymous',
      ARRAY_LENGTH(@trusted_systems) + 1,
      COALESCE(trusted_systems.trust_rank, ARRAY_LENGTH(@trusted_systems))
    ) AS trust_rank,
    decisions.preferred_since,
    customer_info.source_customer_id IS NOT NULL AS is_crm_record,
    COALESCE(customer_info.updated_at, loyalty_accounts.updated_at) AS updated_at,
    identity_map.first_loaded_date,
    customer_info.first_name,
    customer_info.last_name,
    customer_info.date_of_birth,
    COALESCE(customer_info.registration_date, loyalty_accounts.enrolment_date) AS registration_date,
    customer_info.gender,
    customer_info.language,
    customer_info.country,
    customer_info.region,
    customer_info.city,
    customer_info.postal_code,
    customer_info.timezone,
    customer_info.acquisition_channel,
    customer_info.acquisition_campaign,
    customer_info.customer_type
  FROM identity_map
  LEFT JOIN trusted_systems ON identity_map.source_system = trusted_systems.source_system
  LEFT JOIN customer_info
    ON
      identity_map.source_system = customer_info.source_system
      AND identity_map.source_customer_id = customer_info.source_customer_id
  LEFT JOIN loyalty_accounts
    ON
      identity_map.source_system = loyalty_accounts.source_system
      AND identity_map.source_customer_id = loyalty_accounts.source_customer_id
  LEFT JOIN decisions
    ON
      identity_map.source_system = decisions.source_system
      AND identity_map.source_customer_id = decisions.source_customer_id
)

SELECT
  customer360_id,
  source_system,
  source_customer_id,
  trust_rank,
  preferred_since,
  ROW_NUMBER() OVER (
    PARTITION BY customer360_id
    ORDER BY preferred_since DESC, trust_rank, updated_at DESC, source_system, source_customer_id
  ) AS survivorship_rank,
  is_crm_record,
  -- Sources are read after midnight, so they may already say what happened on the day after D: that is not known at D.
  LEAST(
    COALESCE(updated_at, TIMESTAMP(first_loaded_date)),
    TIMESTAMP_SUB(TIMESTAMP(DATE_ADD(@run_date, INTERVAL 1 DAY)), INTERVAL 1 MICROSECOND)
  ) AS changed_at,
  first_name,
  last_name,
  IF(date_of_birth <= @run_date, date_of_birth, NULL) AS date_of_birth,
  IF(registration_date <= @run_date, registration_date, NULL) AS registration_date,
  gender,
  language,
  country,
  region,
  city,
  postal_code,
  timezone,
  acquisition_channel,
  acquisition_campaign,
  customer_type
FROM records
