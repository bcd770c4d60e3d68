-- What the RFM and engagement scores of @customer360_id are made from. Of the `buyers`, people with an order, `…_worse`
-- counts those strictly worse: more days since their latest order, fewer orders, less revenue. A score is
-- 1 + DIV(5 × worse, buyers); engagement is the sum of the three `…_points`, at most 100. One row, or none.
-- Whoever refuses PROFILING is not to be asked about.
WITH
person AS (
  SELECT
    customer360_id,
    days_since_last_purchase,
    orders_count,
    total_revenue,
    recency_score,
    frequency_score,
    monetary_score,
    rfm_segment,
    engagement_score,
    email_score,
    web_score,
    portal_score,
    recency_component,
    frequency_component,
    monetary_component,
    overall_score
  FROM marts.customer_360
  WHERE customer360_id = @customer360_id
),

buyers AS (
  SELECT
    days_since_last_purchase,
    orders_count,
    total_revenue
  FROM core.int_person_commerce
  WHERE orders_count > 0
),

activity AS (
  SELECT
    customer360_id,
    days_since_last_seen,
    events_last_30_days
  FROM core.int_person_activity
  WHERE customer360_id = @customer360_id
),

engagement AS (
  SELECT
    customer360_id,
    recency_points,
    event_points,
    order_points
  FROM core.int_person_engagement
  WHERE customer360_id = @customer360_id
),

events AS (
  SELECT
    customer360_id,
    portal_events_last_90_days
  FROM core.int_person_events
  WHERE customer360_id = @customer360_id
),

web AS (
  SELECT
    customer360_id,
    sessions_last_90_days
  FROM core.int_person_web
  WHERE customer360_id = @customer360_id
),

marketing AS (
  SELECT
    customer360_id,
    email_engagement_rate
  FROM core.int_person_marketing
  WHERE customer360_id = @customer360_id
),

ranks AS (
  SELECT
    COUNT(*) AS buyers,
    COUNTIF(buyers.days_since_last_purchase > person.days_since_last_purchase) AS recency_worse,
    COUNTIF(buyers.orders_count < person.orders_count) AS frequency_worse,
    COUNTIF(buyers.total_revenue < person.total_revenue) AS monetary_worse
  FROM buyers
  CROSS JOIN person
)

SELECT
  person.days_since_last_purchase,
  person.orders_count,
  person.total_revenue,
  ranks.buyers,
  ranks.recency_worse,
  ranks.frequency_worse,
  ranks.monetary_worse,
  person.recency_score,
  person.frequency_score,
  person.monetary_score,
  person.rfm_segment,
  activity.days_since_last_seen,
  COALESCE(activity.events_last_30_days, 0) AS events_last_30_days,
  COALESCE(engagement.recency_points, 0) AS recency_points,
  COALESCE(engagement.event_points, 0) AS event_points,
  COALESCE(engagement.order_points, 0) AS order_points,
  person.engagement_score,
  marketing.email_engagement_rate,
  web.sessions_last_90_days,
  events.portal_events_last_90_days,
  person.email_score,
  person.web_score,
  person.portal_score,
  person.recency_component,
  person.frequency_component,
  person.monetary_component,
  person.overall_score
FROM person
CROSS JOIN ranks
LEFT JOIN activity ON person.customer360_id = activity.customer360_id
LEFT JOIN engagement ON person.customer360_id = engagement.customer360_id
LEFT JOIN events ON person.customer360_id = events.customer360_id
LEFT JOIN web ON person.customer360_id = web.customer360_id
LEFT JOIN marketing ON person.customer360_id = marketing.customer360_id
