-- The source customers that are the person @customer360_id: the one that the profile names first, then by trust in
-- their systems, then whoever was loaded first. One row per source customer, the first @most; `total` counts all.
WITH
identity_map AS (
  SELECT
    source_system,
    source_customer_id,
    first_loaded_date,
    valid_from,
    run_date
  FROM identity.identity_map
  WHERE customer360_id = @customer360_id
),

trusted AS (
  SELECT
    trusted_system,
    trust
  FROM UNNEST(@trusted_systems) AS trusted_system WITH OFFSET AS trust
),

ranked AS (
  SELECT
    identity_map.source_system,
    identity_map.source_customer_id,
    identity_map.first_loaded_date,
    identity_map.valid_from,
    identity_map.run_date,
    COUNT(*) OVER () AS total,
    ROW_NUMBER() OVER (
      ORDER BY
        IF(
          identity_map.source_system = @primary_system AND identity_map.source_customer_id = @primary_customer_id, 0, 1
        ),
        COALESCE(trusted.trust, ARRAY_LENGTH(@trusted_systems)),
        identity_map.first_loaded_date,
        identity_map.source_system,
        identity_map.source_customer_id
    ) AS position
  FROM identity_map
  LEFT JOIN trusted ON identity_map.source_system = trusted.trusted_system
)

SELECT
  source_system,
  source_customer_id,
  first_loaded_date,
  valid_from,
  run_date,
  total
FROM ranked
WHERE position <= @most
ORDER BY position
