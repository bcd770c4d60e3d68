WITH traits AS (
  SELECT
    COALESCE(NULLIF(LOWER(TRIM(customer_system)), ''), 'crm') AS source_system,
    TRIM(customer_id) AS customer_id,
    customer_id AS raw_customer_id,
    LOWER(TRIM(trait_key)) AS trait_key,
    trait_key AS raw_trait_key,
    trait_value,
    trait_type,
    source,
    computed_at,
    expires_at,
    _loaded_date
  FROM raw_traits.customer_traits
  -- A value computed after the run date must not stand in the way of the one that holds.
  WHERE _loaded_date <= @run_date AND DATE(computed_at) <= @run_date
)

SELECT
  source_system,
  customer_id,
  trait_key,
  SAFE.PARSE_JSON(trait_value, wide_number_mode => 'round') AS trait_value,
  NULLIF(UPPER(TRIM(trait_type)), '') AS trait_type,
  NULLIF(TRIM(source), '') AS source,
  computed_at,
  expires_at,
  MIN(_loaded_date) OVER (PARTITION BY source_system, customer_id, trait_key) AS first_loaded_date,
  _loaded_date
FROM traits
-- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY source_system, customer_id, trait_key
  ORDER BY computed_at DESC, _loaded_date DESC, raw_customer_id ASC, raw_trait_key ASC
) = 1
