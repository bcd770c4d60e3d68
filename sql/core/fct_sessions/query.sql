WITH sessions AS (
  SELECT
    session_id,
    customer_id,
    anonymous_id,
    visited_at,
    pages_viewed,
    time_spent_seconds,
    source,
    device_type,
    landing_category
  FROM staging.stg_web__website_behavior
)

SELECT
  session_id,
  IF(customer_id IS NULL, NULL, 'crm') AS source_system,
  customer_id AS source_customer_id,
  anonymous_id,
  visited_at,
  DATE(visited_at) AS visit_date,
  pages_viewed,
  time_spent_seconds,
  source,
  device_type,
  landing_category
FROM sessions
WHERE DATE(visited_at) <= @run_date
