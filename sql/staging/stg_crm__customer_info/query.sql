WITH newest AS (
  -- Snapshots repeat every customer every day: an aggregate over two columns finds the newest version of each far
  -- cheaper than a ranking of all whole rows.
  SELECT
    TRIM(customer_id) AS customer_key,
    MAX(_loaded_date) AS newest_date,
    MIN(_loaded_date) AS first_loaded_date
  FROM raw_crm.customer_info
  WHERE _loaded_date <= @run_date
  GROUP BY customer_key
)

SELECT
  newest.customer_key AS customer_id,
  NULLIF(TRIM(customers.first_name), '') AS first_name,
  NULLIF(TRIM(customers.last_name), '') AS last_name,
  -- Exports of address books write links, "mailto:Ann@Example.com".
  NULLIF(TRIM(REGEXP_REPLACE(LOWER(TRIM(customers.email)), r'^mailto:', '')), '') AS email,
  NULLIF(TRIM(customers.phone_number), '') AS phone_number,
  customers.date_of_birth,
  customers.registration_date,
  NULLIF(TRIM(customers.gender), '') AS gender,
  NULLIF(TRIM(customers.language), '') AS language,
  NULLIF(UPPER(TRIM(customers.country)), '') AS country,
  NULLIF(TRIM(customers.region), '') AS region,
  NULLIF(TRIM(customers.city), '') AS city,
  NULLIF(TRIM(customers.postal_code), '') AS postal_code,
  NULLIF(TRIM(customers.timezone), '') AS timezone,
  NULLIF(TRIM(customers.acquisition_channel), '') AS acquisition_channel,
  NULLIF(TRIM(customers.acquisition_campaign), '') AS acquisition_campaign,
  NULLIF(LOWER(TRIM(customers.customer_type)), '') AS customer_type,
  customers.updated_at,
  newest.first_loaded_date,
  customers._loaded_date
FROM raw_crm.customer_info AS customers
INNER JOIN newest
  ON TRIM(customers.customer_id) = newest.customer_key AND customers._loaded_date = newest.newest_date
WHERE customers._loaded_date <= @run_date
-- One load may hold "C1" and " C1": the later change wins, then the raw key, which is unique within a load.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY newest.customer_key
  ORDER BY customers.updated_at DESC, customers.customer_id ASC
) = 1
