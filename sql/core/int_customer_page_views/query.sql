WITH page_views AS (
  -- A page without a category says nothing about what the customer looks at.
  SELECT
    source_system,
    source_customer_id,
    event_category,
    occurred_at
  FROM core.fct_events
  WHERE
    event_date <= @run_date
    AND event_type = 'PAGE_VIEW'
    AND event_category IS NOT NULL
    AND source_customer_id IS NOT NULL
)

SELECT
  source_system,
  source_customer_id,
  event_category AS category,
  COUNT(*) AS page_views,
  MAX(occurred_at) AS last_viewed_at
FROM page_views
GROUP BY source_system, source_customer_id, category
