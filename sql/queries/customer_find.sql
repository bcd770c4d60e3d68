-- Who is meant by @text: an id of a person (in use, merged away or split), `system:id` or the id of a source customer,
-- or one of the identifiers in @identity_types and @identity_values, which the caller has spelt as the warehouse does.
-- Only the best kind of match counts: whoever gives an id of a person means that one.
-- One row per person, the first @most of them; `people` counts all.
WITH
history AS (
  SELECT
    customer360_id AS given_id,
    COALESCE(merged_into, customer360_id) AS customer360_id
  FROM identity.identity_id_history
  WHERE valid_to IS NULL
),

identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

removed AS (
  SELECT
    source_system,
    source_customer_id,
    customer360_id AS given_id
  FROM identity.identity_moves
  WHERE cause = 'removed'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY source_system, source_customer_id ORDER BY valid_to DESC) = 1
),

observations AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value
  FROM identity.identity_observations
),

profiles AS (
  SELECT
    customer360_id,
    full_name,
    primary_email,
    last_seen_at
  FROM marts.customer_360
),

wanted AS (
  SELECT
    identity_type,
    identity_value
  FROM UNNEST(@identity_types) AS identity_type WITH OFFSET AS type_position
  INNER JOIN UNNEST(@identity_values) AS identity_value WITH OFFSET AS value_position
    ON type_position = value_position
),

-- Source customers that no source names any longer are still found: they stand for who they were last.
source_customers AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity_map
  UNION ALL
  SELECT
    history.customer360_id,
    removed.source_system,
    removed.source_customer_id
  FROM removed
  INNER JOIN history ON removed.given_id = history.given_id
  LEFT JOIN identity_map
    ON
      removed.source_system = identity_map.source_system
      AND removed.source_customer_id = identity_map.source_customer_id
  WHERE identity_map.source_system IS NULL
),

matches AS (
  SELECT
    customer360_id,
    1 AS kind,
    'customer360_id' AS matched,
    given_id AS matched_value
  FROM history
  WHERE given_id = @text
  UNION ALL
  SELECT
    customer360_id,
    IF(source_customer_id = @text, 3, 2) AS kind,
    'source customer' AS matched,
    CONCAT(source_system, ':', source_customer_id) AS matched_value
  FROM source_customers
  WHERE source_customer_id = @text OR CONCAT(source_system, ':', source_customer_id) = @text
  UNION ALL
  SELECT
    identity_map.customer360_id,
    3 AS kind,
    observations.identity_type AS matched,
    observations.identity_value AS matched_value
  FROM observations
  INNER JOIN wanted
    ON
      observations.identity_type = wanted.identity_type
      AND observations.identity_value = wanted.identity_value
  INNER JOIN identity_map
    ON
      observations.source_system = identity_map.source_system
      AND observations.source_customer_id = identity_map.source_customer_id
),

best AS (
  SELECT
    customer360_id,
    kind,
    matched,
    matched_value
  FROM matches
  QUALIFY ROW_NUMBER() OVER (PARTITION BY customer360_id ORDER BY kind, matched, matched_value) = 1
),

chosen AS (
  SELECT
    customer360_id,
    matched,
    matched_value,
    COUNT(*) OVER () AS people
  FROM best
  WHERE kind = (SELECT MIN(b.kind) FROM best AS b)
)

SELECT
  chosen.customer360_id,
  chosen.matched,
  chosen.matched_value,
  chosen.people,
  profiles.full_name,
  profiles.primary_email,
  profiles.last_seen_at
FROM chosen
LEFT JOIN profiles ON chosen.customer360_id = profiles.customer360_id
QUALIFY ROW_NUMBER() OVER (ORDER BY chosen.customer360_id) <= @most
ORDER BY chosen.customer360_id
