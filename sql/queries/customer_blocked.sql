-- Values of the source customers of @customer360_id that join nobody, and why. Of combinations of attributes the latest
-- values count, as in the evidence; empty values are left out. `own_customers` counts the person's source customers
-- that have it, `source_customers` all. One row per value, the first @most; `total` counts all.
WITH
identity_map AS (
  SELECT
    source_system,
    source_customer_id
  FROM identity.identity_map
  WHERE customer360_id = @customer360_id
),

observed AS (
  SELECT
    observations.source_system,
    observations.source_customer_id,
    observations.identity_type,
    COALESCE(observations.identity_value, '') AS identity_value,
    observations.reason,
    observations.first_loaded_date,
    observations.seen_at
  FROM identity.identity_observations AS observations
  INNER JOIN identity_map
    ON
      observations.source_system = identity_map.source_system
      AND observations.source_customer_id = identity_map.source_customer_id
),

blocked AS (
  SELECT
    identity_type,
    identity_value,
    reason,
    source_customers
  FROM identity.identity_blocked
  WHERE reason <> 'empty'
),

single AS (
  SELECT
    observed.source_system,
    observed.source_customer_id,
    blocked.identity_type,
    blocked.identity_value,
    blocked.reason,
    blocked.source_customers
  FROM observed
  INNER JOIN blocked
    ON
      observed.identity_type = blocked.identity_type
      AND observed.identity_value = blocked.identity_value
  WHERE observed.reason IS NULL OR observed.reason = blocked.reason
),

attributes AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type AS attribute,
    REPLACE(LOWER(TRIM(identity_value)), '|', ' ') AS attribute_value
  FROM observed
  WHERE reason IS NULL AND identity_value <> ''
  QUALIFY
    ROW_NUMBER() OVER (
      PARTITION BY source_system, source_customer_id, identity_type
      ORDER BY seen_at DESC, first_loaded_date DESC, identity_value ASC
    ) = 1
),

-- A combination such as LAST_NAME+DATE_OF_BIRTH has the values of its parts in their order, parted by |.
blocked_parts AS (
  SELECT
    blocked.identity_type,
    blocked.identity_value,
    blocked.reason,
    blocked.source_customers,
    attribute,
    SPLIT(blocked.identity_value, '|')[SAFE_OFFSET(position)] AS attribute_value
  FROM blocked
  CROSS JOIN UNNEST(SPLIT(blocked.identity_type, '+')) AS attribute WITH OFFSET AS position
  WHERE STRPOS(blocked.identity_type, '+') > 0
),

combined AS (
  SELECT
    attributes.source_system,
    attributes.source_customer_id,
    blocked_parts.identity_type,
    blocked_parts.identity_value,
    blocked_parts.reason,
    blocked_parts.source_customers
  FROM attributes
  INNER JOIN blocked_parts
    ON
      attributes.attribute = blocked_parts.attribute
      AND attributes.attribute_value = blocked_parts.attribute_value
  GROUP BY
    attributes.source_system,
    attributes.source_customer_id,
    blocked_parts.identity_type,
    blocked_parts.identity_value,
    blocked_parts.reason,
    blocked_parts.source_customers
  HAVING COUNT(*) = ARRAY_LENGTH(SPLIT(blocked_parts.identity_type, '+'))
),

own AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value,
    reason,
    source_customers
  FROM single
  UNION DISTINCT
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value,
    reason,
    source_customers
  FROM combined
),

counted AS (
  SELECT
    identity_type,
    identity_value,
    reason,
    source_customers,
    COUNT(*) AS own_customers,
    MIN(CONCAT(source_system, ':', source_customer_id)) AS example
  FROM own
  GROUP BY identity_type, identity_value, reason, source_customers
)

SELECT
  identity_type,
  identity_value,
  reason,
  source_customers,
  own_customers,
  example,
  COUNT(*) OVER () AS total
FROM counted
QUALIFY ROW_NUMBER() OVER (ORDER BY identity_type, identity_value, reason) <= @most
ORDER BY identity_type, identity_value, reason
