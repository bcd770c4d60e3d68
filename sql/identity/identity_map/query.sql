WITH customers AS (
  SELECT
    customer_id,
    first_loaded_date
  FROM staging.stg_crm__customer_info
),

-- An id that the CRM does not explain (yet) is still a customer: whoever bought, visited, called or answered.
named AS (
  SELECT
    customer_id,
    TRUE AS is_known,
    first_loaded_date
  FROM customers
  UNION ALL
  SELECT
    customer_id,
    FALSE AS is_known,
    MIN(first_loaded_date) AS first_loaded_date
  FROM staging.stg_commerce__purchase_transactions
  WHERE DATE(purchased_at) <= @run_date
  GROUP BY customer_id
  UNION ALL
  SELECT
    customer_id,
    FALSE AS is_known,
    MIN(first_loaded_date) AS first_loaded_date
  FROM staging.stg_web__website_behavior
  WHERE DATE(visited_at) <= @run_date
  GROUP BY customer_id
  UNION ALL
  SELECT
    customer_id,
    FALSE AS is_known,
    MIN(first_loaded_date) AS first_loaded_date
  FROM staging.stg_support__customer_service
  WHERE DATE(interacted_at) <= @run_date
  GROUP BY customer_id
  UNION ALL
  SELECT
    customer_id,
    FALSE AS is_known,
    MIN(first_loaded_date) AS first_loaded_date
  FROM staging.stg_marketing__campaign_responses
  WHERE DATE(responded_at) <= @run_date
  GROUP BY customer_id
),

source_customers AS (
  SELECT
    'crm' AS source_system,
    customer_id AS source_customer_id,
    MIN(first_loaded_date) AS first_loaded_date,
    LOGICAL_OR(is_known) AS is_known
  FROM named
  WHERE customer_id IS NOT NULL
  GROUP BY customer_id
)

SELECT
  -- A hash of the source's key: the same on every engine and in every replay, and not the source's own id.
  CONCAT('c360_', SUBSTR(TO_HEX(SHA256(CONCAT(source_system, ':', source_customer_id))), 1, 24)) AS customer360_id,
  source_system,
  source_customer_id,
  first_loaded_date,
  is_known
FROM source_customers
