-- What the source customers of @customer360_id are known by, cut evidence included. `source_customers` counts who has
-- the identifier, `own_customers` those of them who are this person. One row per source customer and identifier, the
-- first @most: shared ones first, then the stronger (@identity_types). `total` counts all, `identifiers` the distinct
-- ones.
WITH
identity_map AS (
  SELECT
    source_system,
    source_customer_id
  FROM identity.identity_map
  WHERE customer360_id = @customer360_id
),

edges AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value,
    first_loaded_date,
    last_seen_at,
    source_customers
  FROM identity.identity_edges
),

cuts AS (
  SELECT
    source_system,
    source_customer_id,
    identity_type,
    identity_value
  FROM identity.identity_cuts
),

trusted AS (
  SELECT
    identity_type,
    strength
  FROM UNNEST(@identity_types) AS identity_type WITH OFFSET AS strength
),

own_edges AS (
  SELECT
    edges.source_system,
    edges.source_customer_id,
    edges.identity_type,
    edges.identity_value,
    edges.first_loaded_date,
    edges.last_seen_at,
    edges.source_customers,
    cuts.source_system IS NOT NULL AS is_cut,
    COALESCE(trusted.strength, ARRAY_LENGTH(@identity_types)) AS strength,
    COUNT(*) OVER (PARTITION BY edges.identity_type, edges.identity_value) AS own_customers,
    ROW_NUMBER() OVER (
      PARTITION BY edges.identity_type, edges.identity_value ORDER BY edges.source_system, edges.source_customer_id
    ) AS holder
  FROM edges
  INNER JOIN identity_map
    ON
      edges.source_system = identity_map.source_system
      AND edges.source_customer_id = identity_map.source_customer_id
  LEFT JOIN cuts
    ON
      edges.source_system = cuts.source_system
      AND edges.source_customer_id = cuts.source_customer_id
      AND edges.identity_type = cuts.identity_type
      AND edges.identity_value = cuts.identity_value
  LEFT JOIN trusted ON edges.identity_type = trusted.identity_type
),

ranked AS (
  SELECT
    own_edges.*,
    COUNT(*) OVER () AS total,
    COUNTIF(holder = 1) OVER () AS identifiers,
    ROW_NUMBER() OVER (
      ORDER BY IF(own_customers > 1, 0, 1), strength, identity_value, source_system, source_customer_id
    ) AS position
  FROM own_edges
)

SELECT
  source_system,
  source_customer_id,
  identity_type,
  identity_value,
  first_loaded_date,
  last_seen_at,
  source_customers,
  own_customers,
  is_cut,
  total,
  identifiers
FROM ranked
WHERE position <= @most
ORDER BY position
