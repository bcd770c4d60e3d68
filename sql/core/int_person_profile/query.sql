-- Who a person is: one profile out of the records of all their source customers, each attribute from the first record
-- that has it.
WITH
records AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id,
    trust_rank,
    survivorship_rank,
    is_crm_record,
    changed_at,
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
    customer_type
  FROM core.int_customer_records
),

id_history AS (
  SELECT
    customer360_id,
    MIN(valid_from) AS given_on
  FROM identity.identity_id_history
  GROUP BY customer360_id
),

traits AS (
  SELECT
    customer360_id,
    born_from,
    birth_precision
  FROM core.int_person_traits
),

-- Survivorship: the value of the smallest rank among the records that have one.
survivors AS (
  SELECT
    customer360_id,
    ARRAY_AGG(
      STRUCT(source_system AS source_system, source_customer_id AS source_customer_id)
      ORDER BY trust_rank, source_system, source_customer_id
    ) AS source_ids,
    LOGICAL_OR(is_crm_record) AS is_known,
    MAX(changed_at) AS profile_updated_at,
    ANY_VALUE(first_name HAVING MIN IF(first_name IS NULL, NULL, survivorship_rank)) AS first_name,
    ANY_VALUE(last_name HAVING MIN IF(last_name IS NULL, NULL, survivorship_rank)) AS last_name,
    ANY_VALUE(date_of_birth HAVING MIN IF(date_of_birth IS NULL, NULL, survivorship_rank)) AS date_of_birth,
    ANY_VALUE(registration_date HAVING MIN IF(registration_date IS NULL, NULL, survivorship_rank))
      AS registration_date,
    ANY_VALUE(gender HAVING MIN IF(gender IS NULL, NULL, survivorship_rank)) AS gender,
    ANY_VALUE(language HAVING MIN IF(language IS NULL, NULL, survivorship_rank)) AS language,
    ANY_VALUE(country HAVING MIN IF(country IS NULL, NULL, survivorship_rank)) AS country,
    ANY_VALUE(region HAVING MIN IF(region IS NULL, NULL, survivorship_rank)) AS region,
    ANY_VALUE(city HAVING MIN IF(city IS NULL, NULL, survivorship_rank)) AS city,
    ANY_VALUE(postal_code HAVING MIN IF(postal_code IS NULL, NULL, survivorship_rank)) AS postal_code,
    ANY_VALUE(timezone HAVING MIN IF(timezone IS NULL, NULL, survivorship_rank)) AS timezone,
    ANY_VALUE(acquisition_channel HAVING MIN IF(acquisition_channel IS NULL, NULL, survivorship_rank))
      AS acquisition_channel,
    ANY_VALUE(acquisition_campaign HAVING MIN IF(acquisition_campaign IS NULL, NULL, survivorship_rank))
      AS acquisition_campaign,
    ANY_VALUE(customer_type HAVING MIN IF(customer_type IS NULL, NULL, survivorship_rank)) AS customer_type
  FROM records
  GROUP BY customer360_id
),

profiles AS (
  SELECT
    survivors.customer360_id,
    -- Sorted by trust, so the first one is of the most trusted system present.
    survivors.source_ids[SAFE_OFFSET(0)].source_system AS primary_source,
    survivors.source_ids,
    survivors.is_known,
    TIMESTAMP(id_history.given_on) AS created_at,
    survivors.profile_updated_at,
    survivors.first_name,
    survivors.last_name,
    survivors.language,
    survivors.country,
    survivors.region,
    survivors.city,
    survivors.postal_code,
    survivors.timezone,
    COALESCE(survivors.date_of_birth, traits.born_from) AS date_of_birth,
    IF(survivors.date_of_birth IS NOT NULL, 'day', traits.birth_precision) AS dob_precision,
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
  LEFT JOIN id_history ON survivors.customer360_id = id_history.customer360_id
  LEFT JOIN traits ON survivors.customer360_id = traits.customer360_id
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
  language,
  country,
  region,
  city,
  postal_code,
  timezone,
  date_of_birth,
  dob_precision,
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
