-- The 26 columns of the second document's customer_360, by its names and in its order, for whoever built on them.
WITH
customer_360 AS (
  SELECT
    source_ids,
    first_name,
    last_name,
    primary_email,
    primary_phone,
    date_of_birth,
    registration_date,
    total_revenue,
    orders_count,
    last_purchase_at,
    favorite_category,
    favorite_brand,
    avg_order_value,
    value_segment,
    recency_score,
    frequency_score,
    monetary_score,
    last_interaction_date,
    last_interaction_type,
    avg_satisfaction_score,
    total_sessions,
    avg_time_per_visit,
    most_viewed_category,
    campaign_response_rate,
    preferred_channel,
    churn_risk_score
  FROM marts.customer_360
)

SELECT
  -- source_ids begins with the primary source, smallest id first.
  source_ids[SAFE_OFFSET(0)].source_customer_id AS customer_id,
  first_name,
  last_name,
  primary_email AS email,
  primary_phone AS phone_number,
  date_of_birth,
  registration_date,
  total_revenue AS total_lifetime_value,
  orders_count AS total_purchases,
  DATE(last_purchase_at) AS last_purchase_date,
  favorite_category AS favorite_product_category,
  favorite_brand,
  avg_order_value AS average_order_value,
  value_segment AS customer_segment,
  recency_score,
  frequency_score,
  monetary_score,
  last_interaction_date,
  last_interaction_type,
  avg_satisfaction_score AS average_satisfaction_score,
  total_sessions AS total_website_visits,
  avg_time_per_visit AS average_time_spent_on_site,
  most_viewed_category AS most_viewed_product_category,
  campaign_response_rate,
  preferred_channel AS preferred_marketing_channel,
  churn_risk_score
FROM customer_360
