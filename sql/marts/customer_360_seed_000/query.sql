-- The 26 columns of the first document's customer_360, by its names and in its order, for whoever built on them.
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
    orders_count,
    total_revenue,
    last_purchase_at,
    avg_order_value,
    favorite_category,
    favorite_brand,
    support_tickets,
    avg_satisfaction_score,
    resolved_tickets,
    campaigns_engaged,
    positive_responses,
    avg_pages_per_visit,
    avg_time_per_visit,
    total_sessions,
    value_segment,
    days_since_last_purchase,
    service_resolution_rate,
    campaign_response_rate,
    website_engagement_rate
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
  orders_count AS total_orders,
  total_revenue AS total_lifetime_value,
  DATE(last_purchase_at) AS last_purchase_date,
  avg_order_value AS average_order_value,
  favorite_category,
  favorite_brand,
  support_tickets AS total_interactions,
  avg_satisfaction_score,
  resolved_tickets AS resolved_interactions,
  campaigns_engaged,
  positive_responses,
  avg_pages_per_visit,
  avg_time_per_visit,
  total_sessions AS total_visits,
  value_segment AS customer_segment,
  days_since_last_purchase,
  service_resolution_rate,
  campaign_response_rate,
  website_engagement_rate
FROM customer_360
