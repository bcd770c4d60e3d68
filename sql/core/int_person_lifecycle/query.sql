-- Where a person is in the life of a customer, by when they were seen and when they first bought.
WITH
activity AS (
  SELECT
    customer360_id,
    days_since_first_seen,
    days_since_last_seen,
    gap_before_last_30_days
  FROM core.int_person_activity
),

commerce AS (
  SELECT
    customer360_id,
    orders_count,
    first_purchase_at
  FROM core.int_person_commerce
),

traits AS (
  SELECT
    customer360_id,
    is_suspended
  FROM core.int_person_traits
)

SELECT
  activity.customer360_id,
  CASE
    WHEN activity.days_since_last_seen > 90 THEN 'churned'
    WHEN activity.days_since_last_seen > 30 THEN 'at_risk'
    WHEN activity.days_since_last_seen < 30 AND activity.gap_before_last_30_days > 90 THEN 'reactivated'
    WHEN DATE_DIFF(@run_date, DATE(commerce.first_purchase_at), DAY) <= 30 THEN 'activated'
    WHEN activity.days_since_first_seen <= 30 AND COALESCE(commerce.orders_count, 0) = 0 THEN 'new'
    WHEN activity.days_since_last_seen IS NOT NULL THEN 'engaged'
  END AS lifecycle_stage,
  CASE
    WHEN traits.is_suspended THEN 'suspended'
    WHEN activity.days_since_last_seen <= 90 THEN 'active'
    WHEN activity.days_since_last_seen <= 365 THEN 'inactive'
    WHEN activity.days_since_last_seen > 365 THEN 'churned'
  END AS customer_status,
  COALESCE(activity.days_since_last_seen < 7, FALSE) AS active_last_7_days
FROM activity
LEFT JOIN commerce ON activity.customer360_id = commerce.customer360_id
LEFT JOIN traits ON activity.customer360_id = traits.customer360_id
