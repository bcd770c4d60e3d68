-- Who a person is: one record out of all their source customers, each attribute from the best source record with it.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id,
    first_loaded_date
  FROM identity.identity_map
),

customer_info AS (
  SELECT
    -- A column rather than a condition of the join below, which would cost DuckDB its hash join.
    'crm' AS source_system,
    customer_id AS source_customer_id,
    first_name,
    last_name,
    email,
    phone_number,
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

source_records AS (
  SELECT
    identity_map.customer360_id,
    identity_map.source_system,
    identity_map.source_customer_id,
    identity_map.first_loaded_date,
    customer_info.source_customer_id IS NOT NULL AS is_known,
    -- Trust in source systems, best first. Only the crm describes people so far.
    IF(identity_map.source_system = 'crm', 1, 2) AS trust_rank,
    customer_info.first_name,
    customer_info.last_name,
    customer_info.email,
    customer_info.phone_number,
    -- The crm is read after midnight, so it may already say what happened on the day after D: that is not known at D.
    IF(customer_info.date_of_birth <= @run_date, customer_info.date_of_birth, NULL) AS date_of_birth,
    IF(customer_info.registration_date <= @run_date, customer_info.registration_date, NULL) AS registration_date,
    customer_info.gender,
    customer_info.language,
    customer_info.country,
    customer_info.region,
    customer_info.city,
    customer_info.postal_code,
    customer_info.timezone,
    customer_info.acquisition_channel,
    customer_info.acquisition_campaign,
    customer_info.customer_type,
    customer_info.updated_at,
    LEAST(
      COALESCE(customer_info.updated_at, TIMESTAMP(identity_map.first_loaded_date)),
      TIMESTAMP_SUB(TIMESTAMP(DATE_ADD(@run_date, INTERVAL 1 DAY)), INTERVAL 1 MICROSECOND)
    ) AS changed_at
  FROM identity_map
  LEFT JOIN customer_info
    ON
      identity_map.source_system = customer_info.source_system
      AND identity_map.source_customer_id = customer_info.source_customer_id
),

-- Survivorship: trust in the system, then the latest change, then the key; a source record without a value passes.
survivors AS (
  SELECT
    customer360_id,
    ROW_NUMBER() OVER (
      PARTITION BY customer360_id
      ORDER BY trust_rank, updated_at DESC, source_system, source_customer_id
    ) AS position,
    FIRST_VALUE(source_system) OVER best_first AS primary_source,
    FIRST_VALUE(first_name IGNORE NULLS) OVER best_first AS first_name,
    FIRST_VALUE(last_name IGNORE NULLS) OVER best_first AS last_name,
    FIRST_VALUE(email IGNORE NULLS) OVER best_first AS primary_email,
    FIRST_VALUE(phone_number IGNORE NULLS) OVER best_first AS primary_phone,
    FIRST_VALUE(language IGNORE NULLS) OVER best_first AS language,
    FIRST_VALUE(country IGNORE NULLS) OVER best_first AS country,
    FIRST_VALUE(region IGNORE NULLS) OVER best_first AS region,
    FIRST_VALUE(city IGNORE NULLS) OVER best_first AS city,
    FIRST_VALUE(postal_code IGNORE NULLS) OVER best_first AS postal_code,
    FIRST_VALUE(timezone IGNORE NULLS) OVER best_first AS timezone,
    FIRST_VALUE(date_of_birth IGNORE NULLS) OVER best_first AS date_of_birth,
    FIRST_VALUE(gender IGNORE NULLS) OVER best_first AS gender,
    FIRST_VALUE(registration_date IGNORE NULLS) OVER best_first AS registration_date,
    FIRST_VALUE(acquisition_channel IGNORE NULLS) OVER best_first AS acquisition_channel,
    FIRST_VALUE(acquisition_campaign IGNORE NULLS) OVER best_first AS acquisition_campaign,
    FIRST_VALUE(customer_type IGNORE NULLS) OVER best_first AS customer_type
  FROM source_records
  WINDOW
    best_first AS (
      PARTITION BY customer360_id
      ORDER BY trust_rank, updated_at DESC, source_system, source_customer_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
),

collected AS (
  SELECT
    customer360_id,
    ARRAY_AGG(
      STRUCT(source_system AS source_system, source_customer_id AS source_customer_id)
      ORDER BY trust_rank, source_system, source_customer_id
    ) AS source_ids,
    COALESCE(ARRAY_AGG(DISTINCT email IGNORE NULLS ORDER BY email), ARRAY<STRING>[]) AS emails,
    COALESCE(ARRAY_AGG(DISTINCT phone_number IGNORE NULLS ORDER BY phone_number), ARRAY<STRING>[]) AS phones,
    TIMESTAMP(MIN(first_loaded_date)) AS created_at,
    MAX(changed_at) AS profile_updated_at,
    LOGICAL_OR(is_known) AS is_known
  FROM source_records
  GROUP BY customer360_id
),

profiles AS (
  SELECT
    survivors.customer360_id,
    survivors.primary_source,
    collected.source_ids,
    collected.is_known,
    collected.created_at,
    collected.profile_updated_at,
    survivors.first_name,
    survivors.last_name,
    survivors.primary_email,
    collected.emails,
    survivors.primary_phone,
    collected.phones,
    survivors.language,
    survivors.country,
    survivors.region,
    survivors.city,
    survivors.postal_code,
    survivors.timezone,
    survivors.date_of_birth,
    -- Month and day decide, so somebody born on 29 February is a year older on 1 March of a common year.
    DATE_DIFF(@run_date, survivors.date_of_birth, YEAR)
    - CASE
      WHEN
        EXTRACT(MONTH FROM @run_date) * 100 + EXTRACT(DAY FROM @run_date)
        < EXTRACT(MONTH FROM survivors.date_of_birth) * 100 + EXTRACT(DAY FROM survivors.date_of_birth)
        THEN 1
      ELSE 0
    END AS age,
    survivors.gender,
    survivors.registration_date,
    survivors.acquisition_channel,
    survivors.acquisition_campaign,
    survivors.customer_type
  FROM survivors
  INNER JOIN collected ON survivors.customer360_id = collected.customer360_id
  WHERE survivors.position = 1
)

SELECT
  customer360_id,
  primary_source,
  source_ids,
  is_known,
  created_at,
  profile_updated_at,
  first_name,
  last_name,
  NULLIF(TRIM(CONCAT(COALESCE(first_name, ''), ' ', COALESCE(last_name, ''))), '') AS full_name,
  primary_email,
  emails,
  primary_phone,
  phones,
  language,
  country,
  region,
  city,
  postal_code,
  timezone,
  date_of_birth,
  IF(date_of_birth IS NULL, NULL, 'day') AS dob_precision,
  age,
  CASE
    WHEN age < 18 THEN 'under 18'
    WHEN age < 25 THEN '18-24'
    WHEN age < 35 THEN '25-34'
    WHEN age < 45 THEN '35-44'
    WHEN age < 55 THEN '45-54'
    WHEN age < 65 THEN '55-64'
    WHEN age >= 65 THEN '65+'
  END AS age_group,
  gender,
  registration_date,
  acquisition_channel,
  acquisition_campaign,
  customer_type
FROM profiles
