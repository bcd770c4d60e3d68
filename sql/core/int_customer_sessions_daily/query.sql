WITH sessions AS (
  SELECT
    source_system,
    source_customer_id,
    visit_date,
    visited_at,
    pages_viewed,
    time_spent_seconds,
    device_type
  FROM core.fct_sessions
  WHERE visit_date <= @run_date AND source_customer_id IS NOT NULL
),

-- Sessions of the same instant are taken together first, so that "the device of the last session" has one answer.
session_moments AS (
  SELECT
    source_system,
    source_customer_id,
    visit_date AS activity_date,
    visited_at,
    COUNT(*) AS sessions,
    SUM(pages_viewed) AS page_views,
    SUM(time_spent_seconds) AS time_spent_seconds,
    MIN(device_type) AS device_type
  FROM sessions
  GROUP BY source_system, source_customer_id, activity_date, visited_at
)

SELECT
  source_system,
  source_customer_id,
  activity_date,
  SUM(sessions) AS sessions,
  SUM(page_views) AS page_views,
  SUM(time_spent_seconds) AS time_spent_seconds,
  MIN(visited_at) AS first_visit_at,
  MAX(visited_at) AS last_visit_at,
  ANY_VALUE(device_type HAVING MAX IF(device_type IS NULL, NULL, visited_at)) AS last_device_type
FROM session_moments
GROUP BY source_system, source_customer_id, activity_date
