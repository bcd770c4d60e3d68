WITH events AS (
  SELECT
    source_system,
    source_customer_id,
    event_date,
    occurred_at,
    event_type,
    is_portal,
    LOWER(device_type) LIKE '%app' AS is_app
  FROM core.fct_events
  WHERE event_date <= @run_date AND source_customer_id IS NOT NULL
)

SELECT
  source_system,
  source_customer_id,
  event_date AS activity_date,
  COUNT(*) AS events,
  COUNTIF(event_type = 'PAGE_VIEW') AS page_views,
  COUNTIF(is_portal) AS portal_events,
  MIN(occurred_at) AS first_event_at,
  MAX(occurred_at) AS last_event_at,
  MAX(IF(is_app, occurred_at, NULL)) AS last_app_event_at
FROM events
GROUP BY source_system, source_customer_id, event_date
