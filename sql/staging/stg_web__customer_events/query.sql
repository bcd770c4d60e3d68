WITH newest AS (
  SELECT
    TRIM(event_id) AS event_key,
    MAX(_loaded_date) AS newest_date,
    MIN(_loaded_date) AS first_loaded_date
  FROM raw_web.customer_events
  WHERE _loaded_date <= @run_date
  GROUP BY event_key
),

-- No ranking within a load is needed: a load holds an event_id once, the contract refuses repeats.
events AS (
  SELECT
    newest.event_key,
    newest.first_loaded_date,
    events.* REPLACE (NULLIF(TRIM(events.event_type), '') AS event_type),
    COALESCE(
      UPPER(TRIM(events.event_type)) IN (
        'PAGE_VIEW', 'BUTTON_CLICK', 'FORM_SUBMIT', 'QUOTE_REQUEST', 'QUOTE_VIEW', 'DOCUMENT_UPLOAD', 'DOCUMENT_VIEW',
        'MESSAGE_SENT', 'MESSAGE_READ', 'PROFILE_UPDATE', 'LOGIN', 'LOGOUT', 'PURCHASE', 'POLICY_VIEW', 'CLAIM_SUBMIT',
        'SEARCH', 'CUSTOM'
      ), FALSE
    ) AS is_known_type
  FROM raw_web.customer_events AS events
  INNER JOIN newest
    ON TRIM(events.event_id) = newest.event_key AND events._loaded_date = newest.newest_date
  WHERE events._loaded_date <= @run_date
)

SELECT
  events.event_key AS event_id,
  -- An empty customer_id is an anonymous visitor, like a missing one.
  IF(
    TRIM(events.customer_id) != '', COALESCE(NULLIF(LOWER(TRIM(events.customer_system)), ''), 'crm'), NULL
  ) AS source_system,
  NULLIF(TRIM(events.customer_id), '') AS customer_id,
  NULLIF(TRIM(events.anonymous_id), '') AS anonymous_id,
  NULLIF(TRIM(events.session_id), '') AS session_id,
  IF(events.is_known_type, UPPER(events.event_type), 'CUSTOM') AS event_type,
  COALESCE(
    NULLIF(TRIM(events.event_name), ''), IF(events.is_known_type, NULL, events.event_type)
  ) AS event_name,
  NULLIF(TRIM(events.event_category), '') AS event_category,
  events.event_value,
  SAFE.PARSE_JSON(events.properties, wide_number_mode => 'round') AS properties,
  NULLIF(TRIM(events.page_url), '') AS page_url,
  NULLIF(TRIM(events.referrer_url), '') AS referrer_url,
  NULLIF(TRIM(events.utm_source), '') AS utm_source,
  NULLIF(TRIM(events.utm_medium), '') AS utm_medium,
  NULLIF(TRIM(events.utm_campaign), '') AS utm_campaign,
  NULLIF(TRIM(events.device_type), '') AS device_type,
  NULLIF(TRIM(events.browser), '') AS browser,
  NULLIF(TRIM(events.os), '') AS os,
  NULLIF(UPPER(TRIM(events.country)), '') AS country,
  NULLIF(TRIM(events.city), '') AS city,
  events.occurred_at,
  events.first_loaded_date,
  events._loaded_date
FROM events
