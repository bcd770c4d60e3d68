-- What a person did and what was done for them, until @run_date: orders, refunds, sessions, events, contacts with
-- support and campaign responses of all their source customers. `what` is the type of the event, support contact or
-- response, or where the session came from; `about` the store, the category, the product or the campaign; `outcome` the
-- state of the support contact, or the event's own name; `quantity` units, refunded lines or pages.
-- One row per fact, newest first, the first @most; `total` counts all.
WITH
identity_map AS (
  SELECT
    source_system,
    source_customer_id
  FROM identity.identity_map
  WHERE customer360_id = @customer360_id
),

facts AS (
  SELECT
    ordered_at AS happened_at,
    'order' AS kind,
    transaction_id AS reference,
    CAST(NULL AS STRING) AS what,
    channel,
    store_id AS about,
    CAST(NULL AS STRING) AS outcome,
    items AS quantity,
    gross_revenue AS amount,
    CAST(NULL AS NUMERIC) AS rating,
    source_system,
    source_customer_id
  FROM core.fct_orders
  WHERE order_date <= @run_date
  UNION ALL
  SELECT
    refunded_at AS happened_at,
    'refund' AS kind,
    transaction_id AS reference,
    CAST(NULL AS STRING) AS what,
    CAST(NULL AS STRING) AS channel,
    CAST(NULL AS STRING) AS about,
    CAST(NULL AS STRING) AS outcome,
    lines AS quantity,
    refunds_amount AS amount,
    CAST(NULL AS NUMERIC) AS rating,
    source_system,
    source_customer_id
  FROM core.fct_refunds
  WHERE refund_date <= @run_date
  UNION ALL
  SELECT
    visited_at AS happened_at,
    'session' AS kind,
    session_id AS reference,
    source AS what,
    device_type AS channel,
    landing_category AS about,
    CAST(NULL AS STRING) AS outcome,
    pages_viewed AS quantity,
    CAST(NULL AS NUMERIC) AS amount,
    CAST(NULL AS NUMERIC) AS rating,
    source_system,
    source_customer_id
  FROM core.fct_sessions
  WHERE visit_date <= @run_date
  UNION ALL
  SELECT
    interacted_at AS happened_at,
    'support' AS kind,
    interaction_id AS reference,
    interaction_type AS what,
    CAST(NULL AS STRING) AS channel,
    product_id AS about,
    resolution_status AS outcome,
    CAST(NULL AS INT64) AS quantity,
    CAST(NULL AS NUMERIC) AS amount,
    satisfaction_score AS rating,
    source_system,
    source_customer_id
  FROM core.fct_support_interactions
  WHERE interaction_date <= @run_date
  UNION ALL
  SELECT
    responded_at AS happened_at,
    'campaign' AS kind,
    response_id AS reference,
    response_type AS what,
    channel,
    campaign_id AS about,
    CAST(NULL AS STRING) AS outcome,
    CAST(NULL AS INT64) AS quantity,
    CAST(NULL AS NUMERIC) AS amount,
    CAST(NULL AS NUMERIC) AS rating,
    source_system,
    source_customer_id
  FROM core.fct_campaign_responses
  WHERE response_date <= @run_date
  UNION ALL
  SELECT
    occurred_at AS happened_at,
    'event' AS kind,
    event_id AS reference,
    LOWER(event_type) AS what,
    device_type AS channel,
    event_category AS about,
    event_name AS outcome,
    CAST(NULL AS INT64) AS quantity,
    CAST(NULL AS NUMERIC) AS amount,
    CAST(NULL AS NUMERIC) AS rating,
    source_system,
    source_customer_id
  FROM core.fct_events
  WHERE event_date <= @run_date
)

SELECT
  facts.happened_at,
  facts.kind,
  facts.reference,
  facts.what,
  facts.channel,
  facts.about,
  facts.outcome,
  facts.quantity,
  facts.amount,
  facts.rating,
  facts.source_system,
  facts.source_customer_id,
  COUNT(*) OVER () AS total
FROM facts
INNER JOIN identity_map
  ON facts.source_system = identity_map.source_system AND facts.source_customer_id = identity_map.source_customer_id
QUALIFY ROW_NUMBER() OVER (ORDER BY facts.happened_at DESC, facts.kind, facts.reference) <= @most
ORDER BY facts.happened_at DESC, facts.kind, facts.reference
