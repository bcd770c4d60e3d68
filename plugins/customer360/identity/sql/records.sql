-- One row per source customer of whom an attribute is known that a model may compare: the latest value of each, in
-- lower case. What placeholders and over-shared identifiers would say of two customers (the address of a whole company)
-- is nothing, so they are left out.
WITH known AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    LOWER(TRIM(identity_value)) AS identity_value,
    first_loaded_date,
    seen_at
  FROM input.observations
  WHERE
    first_loaded_date <= @run_date AND reason IS NULL AND TRIM(identity_value) <> ''
    AND LOWER(TRIM(identity_value)) NOT IN UNNEST(@placeholders)
    AND identity_type IN (
      'FIRST_NAME', 'LAST_NAME', 'DATE_OF_BIRTH', 'GENDER', 'EMAIL', 'PHONE', 'POSTAL_CODE', 'CITY', 'COUNTRY'
    )
),

limits AS (
  SELECT
    identity_type,
    share_limit
  FROM UNNEST(@identity_types) AS identity_type WITH OFFSET AS position
  INNER JOIN UNNEST(@share_limits) AS share_limit WITH OFFSET AS limit_position
    ON position = limit_position
  WHERE identity_type IN UNNEST(@identifiers)
),

holders AS (
  SELECT DISTINCT
    k.source_system,
    k.source_customer_id,
    k.identity_type,
    k.identity_value
  FROM known AS k
  INNER JOIN limits AS l ON k.identity_type = l.identity_type
),

over_shared AS (
  SELECT
    h.identity_type,
    h.identity_value
  FROM holders AS h
  INNER JOIN limits AS l ON h.identity_type = l.identity_type
  GROUP BY h.identity_type, h.identity_value, l.share_limit
  HAVING COUNT(*) > l.share_limit
),

latest AS (
  SELECT
    k.source_system,
    k.source_customer_id,
    k.identity_type,
    k.identity_value,
    k.first_loaded_date,
    k.seen_at
  FROM known AS k
  LEFT JOIN over_shared AS o ON k.identity_type = o.identity_type AND k.identity_value = o.identity_value
  WHERE o.identity_type IS NULL
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY k.source_system, k.source_customer_id, k.identity_type
      ORDER BY k.seen_at DESC, k.first_loaded_date DESC, k.identity_value ASC
    ) = 1
)

SELECT
  source_system,
  source_customer_id,
  MAX(IF(identity_type = 'FIRST_NAME', identity_value, NULL)) AS first_name,
  MAX(IF(identity_type = 'LAST_NAME', identity_value, NULL)) AS last_name,
  MAX(IF(identity_type = 'DATE_OF_BIRTH', identity_value, NULL)) AS date_of_birth,
  MAX(IF(identity_type = 'GENDER', identity_value, NULL)) AS gender,
  MAX(IF(identity_type = 'EMAIL', identity_value, NULL)) AS email,
  MAX(IF(identity_type = 'PHONE', identity_value, NULL)) AS phone,
  MAX(IF(identity_type = 'POSTAL_CODE', identity_value, NULL)) AS postal_code,
  MAX(IF(identity_type = 'CITY', identity_value, NULL)) AS city,
  MAX(IF(identity_type = 'COUNTRY', identity_value, NULL)) AS country,
  MAX(first_loaded_date) AS first_loaded_date,
  MAX(seen_at) AS last_seen_at
FROM latest
GROUP BY source_system, source_customer_id
