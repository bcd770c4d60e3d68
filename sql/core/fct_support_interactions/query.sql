WITH contacts AS (
  SELECT
    interaction_id,
    source_system,
    customer_id,
    interacted_at,
    interaction_type,
    product_id,
    resolution_status,
    satisfaction_score
  FROM staging.stg_support__customer_service
)

SELECT
  interaction_id,
  source_system,
  customer_id AS source_customer_id,
  interacted_at,
  DATE(interacted_at) AS interaction_date,
  interaction_type,
  product_id,
  resolution_status,
  COALESCE(resolution_status = 'resolved', FALSE) AS is_resolved,
  satisfaction_score
FROM contacts
WHERE DATE(interacted_at) <= @run_date
