-- How a person uses the web site. From the sessions themselves: the daily roll-up knows neither what they landed on nor
-- how many of them were measured, and averages are over those.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

sessions AS (
  SELECT
    source_system,
    source_customer_id,
    visited_at,
    visit_date,
    pages_viewed,
    time_spent_seconds,
    landing_category,
    LOWER(device_type) LIKE '%app' AS is_app
  FROM core.fct_sessions
  -- Anonymous visits are nobody's until an identifier links them: then the visitor is in the id map.
  WHERE visit_date <= @run_date AND source_customer_id IS NOT NULL
),

-- One pass over the sessions; what follows reads far fewer rows.
person_landings AS (
  SELECT
    identity_map.customer360_id,
    sessions.landing_category,
    COUNT(*) AS visits,
    SUM(sessions.pages_viewed) AS page_views,
    COUNT(sessions.pages_viewed) AS sessions_with_pages,
    SUM(sessions.time_spent_seconds) AS time_spent_seconds,
    COUNT(sessions.time_spent_seconds) AS sessions_with_time,
    MIN(sessions.visited_at) AS first_visit_at,
    MAX(sessions.visited_at) AS last_visit_at,
    MAX(IF(sessions.is_app, sessions.visited_at, NULL)) AS last_app_visit_at,
    COUNTIF(sessions.visit_date >= DATE_SUB(@run_date, INTERVAL 6 DAY)) AS sessions_last_7_days,
    COUNTIF(sessions.visit_date >= DATE_SUB(@run_date, INTERVAL 29 DAY)) AS sessions_last_30_days,
    COUNTIF(sessions.visit_date >= DATE_SUB(@run_date, INTERVAL 89 DAY)) AS sessions_last_90_days,
    MIN(
      IF(sessions.visit_date >= DATE_SUB(@run_date, INTERVAL 29 DAY), sessions.visit_date, NULL)
    ) AS first_recent_visit_date,
    MAX(
      IF(sessions.visit_date < DATE_SUB(@run_date, INTERVAL 29 DAY), sessions.visit_date, NULL)
    ) AS last_earlier_visit_date
  FROM sessions
  INNER JOIN identity_map
    ON
      sessions.source_system = identity_map.source_system
      AND sessions.source_customer_id = identity_map.source_customer_id
  GROUP BY identity_map.customer360_id, sessions.landing_category
),

totals AS (
  SELECT
    customer360_id,
    SUM(visits) AS total_sessions,
    COALESCE(SUM(page_views), 0) AS total_page_views,
    CAST(SAFE_DIVIDE(CAST(SUM(page_views) AS NUMERIC), SUM(sessions_with_pages)) AS NUMERIC) AS avg_pages_per_visit,
    CAST(
      SAFE_DIVIDE(CAST(SUM(time_spent_seconds) AS NUMERIC), SUM(sessions_with_time)) AS NUMERIC
    ) AS avg_time_per_visit,
    MIN(first_visit_at) AS first_visit_at,
    MAX(last_visit_at) AS last_visit_at,
    MAX(last_app_visit_at) AS last_app_visit_at,
    SUM(sessions_last_7_days) AS sessions_last_7_days,
    SUM(sessions_last_30_days) AS sessions_last_30_days,
    SUM(sessions_last_90_days) AS sessions_last_90_days,
    MIN(first_recent_visit_date) AS first_recent_visit_date,
    MAX(last_earlier_visit_date) AS last_earlier_visit_date
  FROM person_landings
  GROUP BY customer360_id
),

ranked_landings AS (
  SELECT
    customer360_id,
    landing_category,
    ROW_NUMBER() OVER (
      PARTITION BY customer360_id
      ORDER BY visits DESC, last_visit_at DESC, landing_category
    ) AS position
  FROM person_landings
  WHERE landing_category IS NOT NULL
)

SELECT
  totals.customer360_id,
  totals.total_sessions,
  totals.total_page_views,
  totals.avg_pages_per_visit,
  totals.avg_time_per_visit,
  totals.first_visit_at,
  totals.last_visit_at,
  IF(totals.last_app_visit_at = totals.last_visit_at, 'app', 'web') AS last_visit_channel,
  ranked_landings.landing_category AS most_viewed_category,
  totals.sessions_last_7_days,
  totals.sessions_last_30_days,
  totals.sessions_last_90_days,
  totals.first_recent_visit_date,
  totals.last_earlier_visit_date
FROM totals
LEFT JOIN ranked_landings
  ON
    totals.customer360_id = ranked_landings.customer360_id
    AND ranked_landings.position = 1
