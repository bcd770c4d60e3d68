-- The components of a person's engagement, each 100 × the share of people strictly worse among those for whom it is
-- known. Counted over the distinct values, as in int_person_rfm.
WITH
connected AS (
  SELECT
    'raw_web.website_behavior' NOT IN UNNEST(@unconnected_tables) AS web,
    'raw_web.customer_events' NOT IN UNNEST(@unconnected_tables) AS events,
    'raw_commerce.purchase_transactions' NOT IN UNNEST(@unconnected_tables) AS commerce
),

profile AS (
  SELECT customer360_id
  FROM core.int_person_profile
),

commerce AS (
  SELECT
    customer360_id,
    days_since_last_purchase,
    orders_count,
    total_revenue
  FROM core.int_person_commerce
),

web AS (
  SELECT
    customer360_id,
    sessions_last_90_days
  FROM core.int_person_web
),

events AS (
  SELECT
    customer360_id,
    portal_events_last_90_days
  FROM core.int_person_events
),

marketing AS (
  SELECT
    customer360_id,
    email_engagement_rate
  FROM core.int_person_marketing
),

-- No visits, no portal events and no orders are known facts where their source is connected, so they are 0 there; a
-- recency without orders, or the answers of somebody who was never sent an e-mail, are unknown.
measures AS (
  SELECT
    profile.customer360_id,
    marketing.email_engagement_rate,
    IF(connected.web, COALESCE(web.sessions_last_90_days, 0), NULL) AS sessions_last_90_days,
    IF(connected.events, COALESCE(events.portal_events_last_90_days, 0), NULL) AS portal_events_last_90_days,
    commerce.days_since_last_purchase,
    IF(connected.commerce, COALESCE(commerce.orders_count, 0), NULL) AS orders_count,
    IF(connected.commerce, COALESCE(commerce.total_revenue, 0), NULL) AS total_revenue
  FROM profile
  CROSS JOIN connected
  LEFT JOIN commerce ON profile.customer360_id = commerce.customer360_id
  LEFT JOIN web ON profile.customer360_id = web.customer360_id
  LEFT JOIN events ON profile.customer360_id = events.customer360_id
  LEFT JOIN marketing ON profile.customer360_id = marketing.customer360_id
),

email_values AS (
  SELECT
    email_engagement_rate,
    COUNT(*) AS people
  FROM measures
  WHERE email_engagement_rate IS NOT NULL
  GROUP BY email_engagement_rate
),

email_ranks AS (
  SELECT
    email_engagement_rate,
    COALESCE(
      SUM(people) OVER (ORDER BY email_engagement_rate ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    ) AS people_worse,
    SUM(people) OVER () AS people_known
  FROM email_values
),

web_values AS (
  SELECT
    sessions_last_90_days,
    COUNT(*) AS people
  FROM measures
  WHERE sessions_last_90_days IS NOT NULL
  GROUP BY sessions_last_90_days
),

web_ranks AS (
  SELECT
    sessions_last_90_days,
    COALESCE(
      SUM(people) OVER (ORDER BY sessions_last_90_days ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    ) AS people_worse,
    SUM(people) OVER () AS people_known
  FROM web_values
),

portal_values AS (
  SELECT
    portal_events_last_90_days,
    COUNT(*) AS people
  FROM measures
  WHERE portal_events_last_90_days IS NOT NULL
  GROUP BY portal_events_last_90_days
),

portal_ranks AS (
  SELECT
    portal_events_last_90_days,
    COALESCE(
      SUM(people) OVER (ORDER BY portal_events_last_90_days ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    ) AS people_worse,
    SUM(people) OVER () AS people_known
  FROM portal_values
),

recency_values AS (
  SELECT
    days_since_last_purchase,
    COUNT(*) AS people
  FROM measures
  WHERE days_since_last_purchase IS NOT NULL
  GROUP BY days_since_last_purchase
),

recency_ranks AS (
  SELECT
    days_since_last_purchase,
    COALESCE(
      SUM(people) OVER (
        ORDER BY days_since_last_purchase DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ),
      0
    ) AS people_worse,
    SUM(people) OVER () AS people_known
  FROM recency_values
),

frequency_values AS (
  SELECT
    orders_count,
    COUNT(*) AS people
  FROM measures
  WHERE orders_count IS NOT NULL
  GROUP BY orders_count
),

frequency_ranks AS (
  SELECT
    orders_count,
    COALESCE(
      SUM(people) OVER (ORDER BY orders_count ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    ) AS people_worse,
    SUM(people) OVER () AS people_known
  FROM frequency_values
),

monetary_values AS (
  SELECT
    total_revenue,
    COUNT(*) AS people
  FROM measures
  WHERE total_revenue IS NOT NULL
  GROUP BY total_revenue
),

monetary_ranks AS (
  SELECT
    total_revenue,
    COALESCE(
      SUM(people) OVER (ORDER BY total_revenue ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    ) AS people_worse,
    SUM(people) OVER () AS people_known
  FROM monetary_values
),

components AS (
  SELECT
    measures.customer360_id,
    CAST(
      SAFE_DIVIDE(CAST(100 * email_ranks.people_worse AS NUMERIC), email_ranks.people_known) AS NUMERIC
    ) AS email_score,
    CAST(SAFE_DIVIDE(CAST(100 * web_ranks.people_worse AS NUMERIC), web_ranks.people_known) AS NUMERIC) AS web_score,
    CAST(
      SAFE_DIVIDE(CAST(100 * portal_ranks.people_worse AS NUMERIC), portal_ranks.people_known) AS NUMERIC
    ) AS portal_score,
    CAST(
      SAFE_DIVIDE(CAST(100 * recency_ranks.people_worse AS NUMERIC), recency_ranks.people_known) AS NUMERIC
    ) AS recency_component,
    CAST(
      SAFE_DIVIDE(CAST(100 * frequency_ranks.people_worse AS NUMERIC), frequency_ranks.people_known) AS NUMERIC
    ) AS frequency_component,
    CAST(
      SAFE_DIVIDE(CAST(100 * monetary_ranks.people_worse AS NUMERIC), monetary_ranks.people_known) AS NUMERIC
    ) AS monetary_component
  FROM measures
  LEFT JOIN email_ranks ON measures.email_engagement_rate = email_ranks.email_engagement_rate
  LEFT JOIN web_ranks ON measures.sessions_last_90_days = web_ranks.sessions_last_90_days
  LEFT JOIN portal_ranks ON measures.portal_events_last_90_days = portal_ranks.portal_events_last_90_days
  LEFT JOIN recency_ranks ON measures.days_since_last_purchase = recency_ranks.days_since_last_purchase
  LEFT JOIN frequency_ranks ON measures.orders_count = frequency_ranks.orders_count
  LEFT JOIN monetary_ranks ON measures.total_revenue = monetary_ranks.total_revenue
)

SELECT
  customer360_id,
  email_score,
  web_score,
  portal_score,
  recency_component,
  frequency_component,
  monetary_component,
  CAST(
    SAFE_DIVIDE(
      COALESCE(email_score, 0)
      + COALESCE(web_score, 0)
      + COALESCE(portal_score, 0)
      + COALESCE(recency_component, 0)
      + COALESCE(frequency_component, 0)
      + COALESCE(monetary_component, 0),
      IF(email_score IS NULL, 0, 1)
      + IF(web_score IS NULL, 0, 1)
      + IF(portal_score IS NULL, 0, 1)
      + IF(recency_component IS NULL, 0, 1)
      + IF(frequency_component IS NULL, 0, 1)
      + IF(monetary_component IS NULL, 0, 1)
    ) AS NUMERIC
  ) AS overall_score
FROM components
