-- Points for being seen lately, for what was done in the last 30 days and for orders. Points are given for what is
-- known, so what is not connected earns none.
WITH
activity AS (
  SELECT
    customer360_id,
    days_since_last_seen,
    events_last_30_days
  FROM core.int_person_activity
),

commerce AS (
  SELECT
    customer360_id,
    orders_count
  FROM core.int_person_commerce
),

points AS (
  SELECT
    activity.customer360_id,
    CASE
      WHEN activity.days_since_last_seen <= 1 THEN 40
      WHEN activity.days_since_last_seen <= 7 THEN 30
      WHEN activity.days_since_last_seen <= 30 THEN 20
      WHEN activity.days_since_last_seen <= 90 THEN 10
      ELSE 0
    END AS recency_points,
    CASE
      WHEN activity.events_last_30_days >= 50 THEN 30
      WHEN activity.events_last_30_days >= 20 THEN 20
      WHEN activity.events_last_30_days >= 5 THEN 10
      WHEN activity.events_last_30_days >= 1 THEN 5
      ELSE 0
    END AS event_points,
    CASE
      WHEN commerce.orders_count >= 5 THEN 30
      WHEN commerce.orders_count >= 2 THEN 20
      WHEN commerce.orders_count >= 1 THEN 10
      ELSE 0
    END AS order_points
  FROM activity
  LEFT JOIN commerce ON activity.customer360_id = commerce.customer360_id
)

SELECT
  customer360_id,
  recency_points,
  event_points,
  order_points,
  LEAST(recency_points + event_points + order_points, 100) AS engagement_score
FROM points
