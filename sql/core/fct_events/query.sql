WITH events AS (
  SELECT
    event_id,
    source_system,
    customer_id,
    anonymous_id,
    session_id,
    event_type,
    event_name,
    event_category,
    event_value,
    page_url,
    utm_source,
    utm_medium,
    utm_campaign,
    device_type,
    occurred_at
  FROM staging.stg_web__customer_events
)

SELECT
  event_id,
  -- A visitor without a name is a customer of the source `anonymous`, as in fct_sessions.
  IF(customer_id IS NULL AND anonymous_id IS NOT NULL, 'anonymous', source_system) AS source_system,
  COALESCE(customer_id, anonymous_id) AS source_customer_id,
  anonymous_id,
  session_id,
  occurred_at,
  DATE(occurred_at) AS event_date,
  event_type,
  event_name,
  event_category,
  event_value,
  -- What people do in the customer portal, as opposed to looking around.
  event_type IN ('LOGIN', 'PROFILE_UPDATE', 'POLICY_VIEW', 'CLAIM_SUBMIT')
  OR STARTS_WITH(event_type, 'DOCUMENT_')
  OR STARTS_WITH(event_type, 'MESSAGE_')
  OR STARTS_WITH(event_type, 'QUOTE_') AS is_portal,
  page_url,
  utm_source,
  utm_medium,
  utm_campaign,
  device_type
FROM events
WHERE DATE(occurred_at) <= @run_date
