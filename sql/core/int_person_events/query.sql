-- What a person did on the web site, in the app and in the portal, event by event.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

events_daily AS (
  SELECT
    source_system,
    source_customer_id,
    activity_date,
    events,
    portal_events,
    first_event_at,
    last_event_at,
    last_app_event_at
  FROM core.int_customer_events_daily
),

category_views AS (
  SELECT
    source_system,
    source_customer_id,
    category,
    page_views,
    last_viewed_at
  FROM core.int_customer_page_views
),

totals AS (
  SELECT
    identity_map.customer360_id,
    SUM(events_daily.events) AS total_events,
    SUM(IF(events_daily.activity_date >= DATE_SUB(@run_date, INTERVAL 6 DAY), events_daily.events, 0))
      AS events_last_7_days,
    SUM(IF(events_daily.activity_date >= DATE_SUB(@run_date, INTERVAL 29 DAY), events_daily.events, 0))
      AS events_last_30_days,
    SUM(IF(events_daily.activity_date >= DATE_SUB(@run_date, INTERVAL 89 DAY), events_daily.events, 0))
      AS events_last_90_days,
    SUM(IF(events_daily.activity_date >= DATE_SUB(@run_date, INTERVAL 89 DAY), events_daily.portal_events, 0))
      AS portal_events_last_90_days,
    MIN(events_daily.first_event_at) AS first_event_at,
    MAX(events_daily.last_event_at) AS last_event_at,
    MAX(events_daily.last_app_event_at) AS last_app_event_at,
    MIN(
      IF(events_daily.activity_date >= DATE_SUB(@run_date, INTERVAL 29 DAY), events_daily.activity_date, NULL)
    ) AS first_recent_event_date,
    MAX(
      IF(events_daily.activity_date < DATE_SUB(@run_date, INTERVAL 29 DAY), events_daily.activity_date, NULL)
    ) AS last_earlier_event_date
  FROM events_daily
  INNER JOIN identity_map
    ON
      events_daily.source_system = identity_map.source_system
      AND events_daily.source_customer_id = identity_map.source_customer_id
  GROUP BY identity_map.customer360_id
),

person_categories AS (
  SELECT
    identity_map.customer360_id,
    category_views.category,
    SUM(category_views.page_views) AS page_views,
    MAX(category_views.last_viewed_at) AS last_viewed_at
  FROM category_views
  INNER JOIN identity_map
    ON
      category_views.source_system = identity_map.source_system
      AND category_views.source_customer_id = identity_map.source_customer_id
  GROUP BY identity_map.customer360_id, category_views.category
),

ranked_categories AS (
  SELECT
    customer360_id,
    category,
    ROW_NUMBER() OVER (
      PARTITION BY customer360_id
      ORDER BY page_views DESC, last_viewed_at DESC, category
    ) AS position
  FROM person_categories
)

SELECT
  totals.customer360_id,
  totals.total_events,
  totals.events_last_7_days,
  totals.events_last_30_days,
  totals.events_last_90_days,
  totals.portal_events_last_90_days,
  totals.first_event_at,
  totals.last_event_at,
  IF(totals.last_app_event_at = totals.last_event_at, 'app', 'web') AS last_event_channel,
  ranked_categories.category AS most_viewed_category,
  totals.first_recent_event_date,
  totals.last_earlier_event_date
FROM totals
LEFT JOIN ranked_categories
  ON
    totals.customer360_id = ranked_categories.customer360_id
    AND ranked_categories.position = 1
