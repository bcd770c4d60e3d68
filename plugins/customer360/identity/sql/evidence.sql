-- One row per source customer and value: identifiers, combinations of attributes, decisions to merge, and pairs that
-- are probably one person. `reason` says why a value is no identifier.
WITH observed AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    COALESCE(identity_value, '') AS identity_value,
    CASE
      WHEN COALESCE(identity_value, '') = '' THEN 'empty'
      WHEN reason IS NOT NULL THEN reason
      WHEN LOWER(TRIM(identity_value)) IN UNNEST(@placeholders) THEN 'placeholder'
    END AS reason,
    first_loaded_date,
    seen_at
  FROM input.observations
  WHERE first_loaded_date <= @run_date AND identity_type IS NOT NULL
),

identifiers AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value,
    reason,
    MIN(first_loaded_date) AS first_loaded_date,
    MAX(seen_at) AS last_seen_at
  FROM observed
  WHERE identity_type IN UNNEST(@identifiers)
  GROUP BY source_system, source_customer_id, identity_type, identity_value, reason
),

parts AS (
  SELECT
    combination,
    attribute,
    position,
    COUNT(*) OVER (PARTITION BY combination) AS size
  FROM UNNEST(@part_combinations) AS combination WITH OFFSET AS position
  INNER JOIN UNNEST(@part_attributes) AS attribute WITH OFFSET AS same_position
    ON position = same_position
),

-- A combination is of what is known now: the latest value of each attribute.
attributes AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    REPLACE(LOWER(TRIM(identity_value)), '|', ' ') AS identity_value,
    first_loaded_date,
    seen_at
  FROM observed
  WHERE reason IS NULL AND identity_type IN UNNEST(@part_attributes)
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY source_system, source_customer_id, identity_type
      ORDER BY seen_at DESC, first_loaded_date DESC, identity_value ASC
    ) = 1
),

combinations AS (
  SELECT
    a.source_system,
    a.source_customer_id,
    p.combination AS identity_type,
    STRING_AGG(a.identity_value, '|' ORDER BY p.position) AS identity_value,
    MAX(a.first_loaded_date) AS first_loaded_date,
    MAX(a.seen_at) AS last_seen_at
  FROM attributes AS a
  INNER JOIN parts AS p ON a.identity_type = p.attribute
  WHERE a.identity_value <> ''
  GROUP BY a.source_system, a.source_customer_id, p.combination, p.size
  HAVING COUNT(*) = p.size
),

merges AS (
  SELECT
    override_id,
    decided_at,
    left_id AS own_id
  FROM scratch.decisions
  WHERE action = 'merge'
  UNION ALL
  SELECT
    override_id,
    decided_at,
    right_id AS own_id
  FROM scratch.decisions
  WHERE action = 'merge'
),

matched AS (
  SELECT
    match_id,
    left_source_system AS source_system,
    left_source_customer_id AS source_customer_id,
    first_loaded_date,
    last_seen_at
  FROM target.matches
  UNION ALL
  SELECT
    match_id,
    right_source_system AS source_system,
    right_source_customer_id AS source_customer_id,
    first_loaded_date,
    last_seen_at
  FROM target.matches
)

SELECT
  source_system,
  source_customer_id,
  identity_type,
  identity_value,
  reason,
  first_loaded_date,
  last_seen_at
FROM identifiers
UNION ALL
SELECT
  source_system,
  source_customer_id,
  identity_type,
  identity_value,
  CAST(NULL AS STRING) AS reason,
  first_loaded_date,
  last_seen_at
FROM combinations
UNION ALL
SELECT
  s.source_system,
  s.source_customer_id,
  'OVERRIDE' AS identity_type,
  m.override_id AS identity_value,
  CAST(NULL AS STRING) AS reason,
  DATE(m.decided_at) AS first_loaded_date,
  m.decided_at AS last_seen_at
FROM merges AS m
INNER JOIN scratch.sources AS s ON m.own_id = s.own_id
UNION ALL
SELECT
  source_system,
  source_customer_id,
  'PROBABILISTIC' AS identity_type,
  match_id AS identity_value,
  CAST(NULL AS STRING) AS reason,
  first_loaded_date,
  last_seen_at
FROM matched
