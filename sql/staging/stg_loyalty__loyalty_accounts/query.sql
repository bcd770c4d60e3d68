WITH newest AS (
  -- As in the CRM, snapshots repeat every account every day: no ranking of whole rows.
  SELECT
    TRIM(loyalty_id) AS loyalty_key,
    MAX(_loaded_date) AS newest_date,
    MIN(_loaded_date) AS first_loaded_date
  FROM raw_loyalty.loyalty_accounts
  WHERE _loaded_date <= @run_date
  GROUP BY loyalty_key
)

-- No ranking within a load is needed: a load holds a loyalty_id once, the contract refuses repeats.
SELECT
  newest.loyalty_key AS loyalty_id,
  IF(
    TRIM(accounts.customer_id) != '', COALESCE(NULLIF(LOWER(TRIM(accounts.customer_system)), ''), 'crm'), NULL
  ) AS source_system,
  NULLIF(TRIM(accounts.customer_id), '') AS customer_id,
  NULLIF(TRIM(REGEXP_REPLACE(LOWER(TRIM(accounts.email)), r'^mailto:', '')), '') AS email,
  NULLIF(TRIM(accounts.phone), '') AS phone,
  NULLIF(TRIM(accounts.tier), '') AS tier,
  accounts.points_balance,
  accounts.enrolled_at,
  accounts.updated_at,
  newest.first_loaded_date,
  accounts._loaded_date
FROM raw_loyalty.loyalty_accounts AS accounts
INNER JOIN newest
  ON TRIM(accounts.loyalty_id) = newest.loyalty_key AND accounts._loaded_date = newest.newest_date
WHERE accounts._loaded_date <= @run_date
