WITH sessions AS (
  SELECT
    session_id,
    source_system,
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
  -- A visitor without a name is a customer of the source `anonymous`: from the day an identifier links the visitor to
  -- somebody, the id map says to whom, and past visits need no change.
  IF(customer_id IS NULL AND anonymous_id IS NOT NULL, 'anonymous', source_system) AS source_system,
  COALESCE(customer_id, anonymous_id) AS source_customer_id,
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
