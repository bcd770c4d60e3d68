-- The last 90 days, day by day.
WITH
connected AS (
  SELECT 'raw_web.customer_events' NOT IN UNNEST(@unconnected_tables) AS events
),

orders_daily AS (
  SELECT
    source_system,
    source_customer_id,
    activity_date,
    orders_count,
    gross_revenue,
    refunds_amount
  FROM core.int_customer_orders_daily
  WHERE activity_date >= DATE_SUB(@run_date, INTERVAL 89 DAY)
),

sessions AS (
  SELECT
    source_system,
    source_customer_id,
    visit_date
  FROM core.fct_sessions
  WHERE visit_date >= DATE_SUB(@run_date, INTERVAL 89 DAY)
),

events AS (
  SELECT
    source_system,
    source_customer_id,
    event_date
  FROM core.fct_events
  WHERE event_date >= DATE_SUB(@run_date, INTERVAL 89 DAY)
),

interactions AS (
  SELECT
    source_system,
    source_customer_id,
    interaction_date
  FROM core.fct_support_interactions
  WHERE interaction_date >= DATE_SUB(@run_date, INTERVAL 89 DAY)
),

-- Answers only: a message that was sent is nothing the customer did.
answers AS (
  SELECT
    source_system,
    source_customer_id,
    response_date,
    sentiment
  FROM core.fct_campaign_responses
  WHERE
    response_date >= DATE_SUB(@run_date, INTERVAL 89 DAY)
    AND sentiment IN ('positive', 'negative')
),

identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

customer_360 AS (
  SELECT first_seen_at
  FROM marts.customer_360
  WHERE DATE(first_seen_at) >= DATE_SUB(@run_date, INTERVAL 89 DAY)
),

-- What a customer began makes the customer active. Interactions stand in for events while those are not connected.
activities AS (
  SELECT
    source_system,
    source_customer_id,
    activity_date,
    orders_count > 0 AS is_begun,
    0 AS events,
    0 AS interactions,
    orders_count,
    gross_revenue,
    refunds_amount
  FROM orders_daily
  UNION ALL
  SELECT
    source_system,
    source_customer_id,
    visit_date AS activity_date,
    TRUE AS is_begun,
    0 AS events,
    COUNT(*) AS interactions,
    0 AS orders_count,
    CAST(0 AS NUMERIC) AS gross_revenue,
    CAST(0 AS NUMERIC) AS refunds_amount
  FROM sessions
  GROUP BY source_system, source_customer_id, visit_date
  UNION ALL
  SELECT
    source_system,
    source_customer_id,
    event_date AS activity_date,
    TRUE AS is_begun,
    COUNT(*) AS events,
    0 AS interactions,
    0 AS orders_count,
    CAST(0 AS NUMERIC) AS gross_revenue,
    CAST(0 AS NUMERIC) AS refunds_amount
  FROM events
  GROUP BY source_system, source_customer_id, event_date
  UNION ALL
  SELECT
    source_system,
    source_customer_id,
    interaction_date AS activity_date,
    TRUE AS is_begun,
    0 AS events,
    1 AS interactions,
    0 AS orders_count,
    CAST(0 AS NUMERIC) AS gross_revenue,
    CAST(0 AS NUMERIC) AS refunds_amount
  FROM interactions
  UNION ALL
  SELECT
    source_system,
    source_customer_id,
    response_date AS activity_date,
    sentiment = 'positive' AS is_begun,
    0 AS events,
    1 AS interactions,
    0 AS orders_count,
    CAST(0 AS NUMERIC) AS gross_revenue,
    CAST(0 AS NUMERIC) AS refunds_amount
  FROM answers
),

person_days AS (
  SELECT
    activities.activity_date,
    identity_map.customer360_id,
    LOGICAL_OR(activities.is_begun) AS is_active,
    SUM(activities.events) AS events,
    SUM(activities.interactions) AS interactions,
    SUM(activities.orders_count) AS orders_count,
    SUM(activities.gross_revenue) AS gross_revenue,
    SUM(activities.refunds_amount) AS refunds_amount
  FROM activities
  LEFT JOIN identity_map
    ON
      activities.source_system = identity_map.source_system
      AND activities.source_customer_id = identity_map.source_customer_id
  GROUP BY activities.activity_date, identity_map.customer360_id
),

daily AS (
  SELECT
    activity_date,
    -- Guests and visitors whom nothing links to a customer are no person: what they do counts, they do not.
    COUNTIF(is_active AND customer360_id IS NOT NULL) AS active_customers,
    SUM(events) AS events,
    SUM(interactions) AS interactions,
    SUM(orders_count) AS orders_count,
    SUM(gross_revenue) AS gross_revenue,
    SUM(refunds_amount) AS refunds_amount
  FROM person_days
  GROUP BY activity_date
),

sign_ups AS (
  SELECT
    DATE(first_seen_at) AS activity_date,
    COUNT(*) AS people
  FROM customer_360
  GROUP BY activity_date
),

calendar AS (
  SELECT activity_date
  FROM
    UNNEST(
      GENERATE_DATE_ARRAY(DATE_SUB(@run_date, INTERVAL 89 DAY), @run_date, INTERVAL 1 DAY)
    ) AS activity_date
)

SELECT
  @run_date AS run_date,
  calendar.activity_date,
  COALESCE(daily.active_customers, 0) AS active_customers,
  COALESCE(IF(connected.events, daily.events, daily.interactions), 0) AS events,
  COALESCE(daily.orders_count, 0) AS orders_count,
  COALESCE(daily.gross_revenue, 0) AS gross_revenue,
  COALESCE(daily.refunds_amount, 0) AS refunds_amount,
  COALESCE(daily.gross_revenue, 0) - COALESCE(daily.refunds_amount, 0) AS net_revenue,
  COALESCE(sign_ups.people, 0) AS sign_ups
FROM calendar
CROSS JOIN connected
LEFT JOIN daily ON calendar.activity_date = daily.activity_date
LEFT JOIN sign_ups ON calendar.activity_date = sign_ups.activity_date
