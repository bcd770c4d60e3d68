-- The loyalty account of a person: of several, the one that changed last.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

loyalty_accounts AS (
  SELECT
    'loyalty' AS source_system,
    loyalty_id,
    tier,
    points_balance,
    updated_at
  FROM staging.stg_loyalty__loyalty_accounts
),

ranked AS (
  SELECT
    identity_map.customer360_id,
    loyalty_accounts.loyalty_id,
    loyalty_accounts.tier,
    loyalty_accounts.points_balance,
    ROW_NUMBER() OVER (
      PARTITION BY identity_map.customer360_id
      ORDER BY loyalty_accounts.updated_at DESC, loyalty_accounts.loyalty_id
    ) AS position
  FROM loyalty_accounts
  INNER JOIN identity_map
    ON
      loyalty_accounts.source_system = identity_map.source_system
      AND loyalty_accounts.loyalty_id = identity_map.source_customer_id
)

SELECT
  customer360_id,
  loyalty_id,
  tier AS loyalty_tier,
  points_balance AS loyalty_points_balance
FROM ranked
WHERE position = 1
