WITH newest AS (
  -- A session that was still open at one load arrives again, longer, with a later one.
  SELECT
    TRIM(session_id) AS session_key,
    MAX(_loaded_date) AS newest_date,
    MIN(_loaded_date) AS first_loaded_date
  FROM raw_web.website_behavior
  WHERE _loaded_date <= @run_date
  GROUP BY session_key
)

-- No ranking within a load is needed: a load holds a session_id once, the contract refuses repeats.
SELECT
  newest.session_key AS session_id,
  -- An empty customer_id is an anonymous visitor, like a missing one.
  IF(
    TRIM(sessions.customer_id) != '', COALESCE(NULLIF(LOWER(TRIM(sessions.customer_system)), ''), 'crm'), NULL
  ) AS source_system,
  NULLIF(TRIM(sessions.customer_id), '') AS customer_id,
  NULLIF(TRIM(sessions.anonymous_id), '') AS anonymous_id,
  sessions.visit_date AS visited_at,
  sessions.pages_viewed,
  sessions.time_spent AS time_spent_seconds,
  NULLIF(TRIM(sessions.source), '') AS source,
  NULLIF(TRIM(sessions.device_type), '') AS device_type,
  NULLIF(TRIM(sessions.landing_category), '') AS landing_category,
  newest.first_loaded_date,
  sessions._loaded_date
FROM raw_web.website_behavior AS sessions
INNER JOIN newest
  ON TRIM(sessions.session_id) = newest.session_key AND sessions._loaded_date = newest.newest_date
WHERE sessions._loaded_date <= @run_date
