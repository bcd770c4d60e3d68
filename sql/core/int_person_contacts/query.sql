-- How to reach a person, and whether anybody has proved it. Addresses and numbers are those that identity resolution
-- took for identifiers: one spelling each, placeholders and nonsense left out.
WITH
records AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id,
    trust_rank,
    preferred_since
  FROM core.int_customer_records
),

observations AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value,
    is_primary,
    is_verified,
    seen_at
  FROM identity.identity_observations
  WHERE identity_type IS NOT NULL AND reason IS NULL
),

verified_customers AS (
  SELECT DISTINCT
    left_source_system AS source_system,
    left_source_customer_id AS source_customer_id
  FROM staging.stg_identity__identity_overrides
  WHERE action = 'verify' AND DATE(decided_at) <= @run_date
),

-- Survivorship as in int_customer_records; within a system what the source calls primary comes first.
contacts AS (
  SELECT
    records.customer360_id,
    observations.identity_type,
    observations.identity_value,
    observations.seen_at,
    ROW_NUMBER() OVER (
      PARTITION BY records.customer360_id, observations.identity_type
      ORDER BY
        records.preferred_since DESC,
        records.trust_rank,
        COALESCE(observations.is_primary, FALSE) DESC,
        observations.seen_at DESC,
        records.source_system,
        records.source_customer_id,
        observations.identity_value
    ) AS position
  FROM observations
  INNER JOIN records
    ON
      observations.source_system = records.source_system
      AND observations.source_customer_id = records.source_customer_id
  WHERE observations.identity_type IN ('EMAIL', 'PHONE')
),

reachable AS (
  SELECT
    customer360_id,
    MAX(IF(identity_type = 'EMAIL' AND position = 1, identity_value, NULL)) AS primary_email,
    MAX(IF(identity_type = 'PHONE' AND position = 1, identity_value, NULL)) AS primary_phone,
    ARRAY_AGG(
      DISTINCT IF(identity_type = 'EMAIL', identity_value, NULL) IGNORE NULLS
      ORDER BY IF(identity_type = 'EMAIL', identity_value, NULL)
    ) AS emails,
    ARRAY_AGG(
      DISTINCT IF(identity_type = 'PHONE', identity_value, NULL) IGNORE NULLS
      ORDER BY IF(identity_type = 'PHONE', identity_value, NULL)
    ) AS phones,
    MAX(seen_at) AS last_observed_at
  FROM contacts
  GROUP BY customer360_id
),

proofs AS (
  SELECT
    source_system,
    source_customer_id
  FROM observations
  WHERE is_verified
  UNION DISTINCT
  SELECT
    source_system,
    source_customer_id
  FROM verified_customers
),

people AS (
  SELECT
    records.customer360_id,
    LOGICAL_OR(proofs.source_customer_id IS NOT NULL) AS is_verified
  FROM records
  LEFT JOIN proofs
    ON
      records.source_system = proofs.source_system
      AND records.source_customer_id = proofs.source_customer_id
  GROUP BY records.customer360_id
)

SELECT
  people.customer360_id,
  reachable.primary_email,
  COALESCE(reachable.emails, ARRAY<STRING>[]) AS emails,
  reachable.primary_phone,
  COALESCE(reachable.phones, ARRAY<STRING>[]) AS phones,
  people.is_verified,
  -- Sources are read after midnight, so they may have been seen on the day after D.
  LEAST(
    reachable.last_observed_at,
    TIMESTAMP_SUB(TIMESTAMP(DATE_ADD(@run_date, INTERVAL 1 DAY)), INTERVAL 1 MICROSECOND)
  ) AS last_observed_at
FROM people
LEFT JOIN reachable ON people.customer360_id = reachable.customer360_id
