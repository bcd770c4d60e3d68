-- The customer, whole. A column whose source is not connected, or whose model is not fitted, is NULL; a count of what a
-- connected source knows nothing of is 0.
WITH
-- Which sources this deployment knows. What it does not know is unknown, which is not the same as none.
connected AS (
  SELECT
    'raw_web.website_behavior' NOT IN UNNEST(@unconnected_tables) AS web,
    'raw_support.customer_service' NOT IN UNNEST(@unconnected_tables) AS support,
    'raw_commerce.purchase_transactions' NOT IN UNNEST(@unconnected_tables) AS commerce,
    'raw_marketing.campaign_responses' NOT IN UNNEST(@unconnected_tables) AS marketing,
    -- Only the campaign says whether a response was to an e-mail or a push message.
    'raw_marketing.campaign_responses' NOT IN UNNEST(@unconnected_tables)
    AND 'raw_marketing.marketing_campaigns' NOT IN UNNEST(@unconnected_tables) AS channels
),

profile AS (
  SELECT
    customer360_id,
    primary_source,
    source_ids,
    created_at,
    profile_updated_at,
    first_name,
    last_name,
    full_name,
    primary_email,
    emails,
    primary_phone,
    phones,
    language,
    country,
    region,
    city,
    postal_code,
    timezone,
    date_of_birth,
    dob_precision,
    age,
    age_group,
    gender,
    registration_date,
    acquisition_channel,
    acquisition_campaign,
    customer_type
  FROM core.int_person_profile
),

activity AS (
  SELECT
    customer360_id,
    first_seen_at,
    last_seen_at,
    last_channel_seen,
    days_since_first_seen,
    days_since_last_seen,
    tenure_days,
    last_interaction_at,
    last_interaction_type,
    gap_before_last_30_days,
    events_last_30_days,
    last_source_at
  FROM core.int_person_activity
),

web AS (
  SELECT
    customer360_id,
    total_sessions,
    total_page_views,
    avg_pages_per_visit,
    avg_time_per_visit,
    most_viewed_category
  FROM core.int_person_web
),

marketing AS (
  SELECT
    customer360_id,
    email_opens,
    email_clicks,
    push_notifications,
    campaigns_sent,
    campaigns_engaged,
    positive_responses,
    campaign_response_rate,
    preferred_channel
  FROM core.int_person_marketing
),

support AS (
  SELECT
    customer360_id,
    support_tickets,
    resolved_tickets,
    service_resolution_rate,
    avg_satisfaction_score,
    last_support_interaction_at
  FROM core.int_person_support
),

commerce AS (
  SELECT
    customer360_id,
    orders_count,
    first_purchase_at,
    last_purchase_at,
    days_since_last_purchase,
    gross_revenue,
    refunds_count,
    refunds_amount,
    total_revenue,
    avg_order_value,
    items_purchased
  FROM core.int_person_commerce
),

affinity AS (
  SELECT
    customer360_id,
    distinct_products,
    favorite_category,
    favorite_brand,
    interests,
    recommendation_vector
  FROM core.int_person_affinity
),

rfm AS (
  SELECT
    customer360_id,
    recency_score,
    frequency_score,
    monetary_score,
    rfm_segment
  FROM core.int_person_rfm
),

components AS (
  SELECT
    customer360_id,
    email_score,
    web_score,
    portal_score,
    recency_component,
    frequency_component,
    monetary_component,
    overall_score
  FROM core.int_person_components
),

people AS (
  SELECT
    profile.customer360_id,
    profile.primary_source,
    profile.source_ids,
    profile.created_at,
    -- GREATEST of a NULL is NULL, so where nothing was ever recorded the profile stands in.
    GREATEST(profile.profile_updated_at, COALESCE(activity.last_source_at, profile.profile_updated_at)) AS updated_at,
    profile.first_name,
    profile.last_name,
    profile.full_name,
    profile.primary_email,
    profile.emails,
    profile.primary_phone,
    profile.phones,
    profile.language,
    profile.country,
    profile.region,
    profile.city,
    profile.postal_code,
    profile.timezone,
    profile.date_of_birth,
    profile.dob_precision,
    profile.age,
    profile.age_group,
    profile.gender,
    profile.registration_date,
    profile.acquisition_channel,
    profile.acquisition_campaign,
    profile.customer_type,
    activity.first_seen_at,
    activity.last_seen_at,
    activity.last_channel_seen,
    activity.days_since_first_seen,
    activity.days_since_last_seen,
    activity.tenure_days,
    activity.last_interaction_at,
    activity.last_interaction_type,
    activity.gap_before_last_30_days,
    COALESCE(activity.events_last_30_days, 0) AS events_last_30_days,
    IF(connected.web, COALESCE(web.total_sessions, 0), NULL) AS total_sessions,
    IF(connected.web, COALESCE(web.total_page_views, 0), NULL) AS total_page_views,
    web.avg_pages_per_visit,
    web.avg_time_per_visit,
    web.most_viewed_category,
    IF(connected.channels, COALESCE(marketing.email_opens, 0), NULL) AS email_opens,
    IF(connected.channels, COALESCE(marketing.email_clicks, 0), NULL) AS email_clicks,
    IF(connected.channels, COALESCE(marketing.push_notifications, 0), NULL) AS push_notifications,
    IF(connected.marketing, COALESCE(marketing.campaigns_sent, 0), NULL) AS campaigns_sent,
    IF(connected.marketing, COALESCE(marketing.campaigns_engaged, 0), NULL) AS campaigns_engaged,
    IF(connected.marketing, COALESCE(marketing.positive_responses, 0), NULL) AS positive_responses,
    marketing.campaign_response_rate,
    marketing.preferred_channel,
    IF(connected.support, COALESCE(support.support_tickets, 0), NULL) AS support_tickets,
    IF(connected.support, COALESCE(support.resolved_tickets, 0), NULL) AS resolved_tickets,
    support.service_resolution_rate,
    support.avg_satisfaction_score,
    support.last_support_interaction_at,
    IF(connected.commerce, COALESCE(commerce.orders_count, 0), NULL) AS orders_count,
    commerce.first_purchase_at,
    commerce.last_purchase_at,
    commerce.days_since_last_purchase,
    IF(connected.commerce, COALESCE(commerce.days_since_last_purchase < 30, FALSE), NULL) AS purchased_last_30_days,
    IF(connected.commerce, COALESCE(commerce.gross_revenue, 0), NULL) AS gross_revenue,
    IF(connected.commerce, COALESCE(commerce.refunds_count, 0), NULL) AS refunds_count,
    IF(connected.commerce, COALESCE(commerce.refunds_amount, 0), NULL) AS refunds_amount,
    IF(connected.commerce, COALESCE(commerce.total_revenue, 0), NULL) AS total_revenue,
    commerce.avg_order_value,
    IF(connected.commerce, COALESCE(commerce.items_purchased, 0), NULL) AS items_purchased,
    IF(connected.commerce, COALESCE(affinity.distinct_products, 0), NULL) AS distinct_products,
    affinity.favorite_category,
    affinity.favorite_brand,
    IF(connected.commerce, COALESCE(affinity.interests, ARRAY<STRING>[]), NULL) AS interests,
    IF(
      connected.commerce,
      COALESCE(affinity.recommendation_vector, ARRAY<STRUCT<category STRING, weight NUMERIC>>[]),
      NULL
    ) AS recommendation_vector,
    rfm.recency_score,
    rfm.frequency_score,
    rfm.monetary_score,
    rfm.rfm_segment,
    components.email_score,
    components.web_score,
    components.portal_score,
    components.recency_component,
    components.frequency_component,
    components.monetary_component,
    components.overall_score,
    -- Fitted by the lifetime value model, which is not there yet.
    CAST(NULL AS NUMERIC) AS predicted_value
  FROM profile
  CROSS JOIN connected
  LEFT JOIN activity ON profile.customer360_id = activity.customer360_id
  LEFT JOIN web ON profile.customer360_id = web.customer360_id
  LEFT JOIN marketing ON profile.customer360_id = marketing.customer360_id
  LEFT JOIN support ON profile.customer360_id = support.customer360_id
  LEFT JOIN commerce ON profile.customer360_id = commerce.customer360_id
  LEFT JOIN affinity ON profile.customer360_id = affinity.customer360_id
  LEFT JOIN rfm ON profile.customer360_id = rfm.customer360_id
  LEFT JOIN components ON profile.customer360_id = components.customer360_id
),

classified AS (
  SELECT
    people.*,
    CASE
      WHEN days_since_last_seen > 90 THEN 'churned'
      WHEN days_since_last_seen > 30 THEN 'at_risk'
      WHEN days_since_last_seen < 30 AND gap_before_last_30_days > 90 THEN 'reactivated'
      WHEN DATE_DIFF(@run_date, DATE(first_purchase_at), DAY) <= 30 THEN 'activated'
      WHEN days_since_first_seen <= 30 AND COALESCE(orders_count, 0) = 0 THEN 'new'
      WHEN days_since_last_seen IS NOT NULL THEN 'engaged'
    END AS lifecycle_stage,
    CASE
      WHEN days_since_last_seen <= 90 THEN 'active'
      WHEN days_since_last_seen <= 365 THEN 'inactive'
      WHEN days_since_last_seen > 365 THEN 'churned'
    END AS customer_status,
    CASE
      WHEN total_revenue > @high_value THEN 'High Value'
      WHEN total_revenue > @medium_value THEN 'Medium Value'
      WHEN orders_count > 0 THEN 'Low Value'
      WHEN orders_count = 0 THEN 'No Purchases'
    END AS value_segment,
    CASE
      WHEN days_since_last_seen <= 1 THEN 40
      WHEN days_since_last_seen <= 7 THEN 30
      WHEN days_since_last_seen <= 30 THEN 20
      WHEN days_since_last_seen <= 90 THEN 10
      ELSE 0
    END AS recency_points,
    -- Sessions, responses and support contacts stand in for events while customer_events is not connected. Points are
    -- given for what is known, so what is not connected earns none.
    CASE
      WHEN events_last_30_days >= 50 THEN 30
      WHEN events_last_30_days >= 20 THEN 20
      WHEN events_last_30_days >= 5 THEN 10
      WHEN events_last_30_days >= 1 THEN 5
      ELSE 0
    END AS event_points,
    CASE
      WHEN orders_count >= 5 THEN 30
      WHEN orders_count >= 2 THEN 20
      WHEN orders_count >= 1 THEN 10
      ELSE 0
    END AS order_points
  FROM people
)

SELECT
  -- Identity
  customer360_id,
  primary_source,
  source_ids,
  created_at,
  updated_at,

  -- Contact
  first_name,
  last_name,
  full_name,
  primary_email,
  emails,
  primary_phone,
  phones,
  CAST(NULL AS BOOL) AS is_verified,
  language,
  country,
  region,
  city,
  postal_code,
  timezone,

  -- Demographics
  date_of_birth,
  dob_precision,
  age,
  age_group,
  gender,
  preferred_channel,
  CAST(NULL AS STRING) AS opt_in_status,
  CAST(NULL AS ARRAY<STRING>) AS consent_scopes,
  interests,
  CAST(NULL AS ARRAY<STRING>) AS tags,

  -- Lifecycle
  registration_date,
  first_seen_at,
  last_seen_at,
  last_channel_seen,
  DATE(last_interaction_at) AS last_interaction_date,
  last_interaction_type,
  lifecycle_stage,
  customer_status,
  customer_type,
  first_purchase_at AS activated_at,
  acquisition_channel,
  CAST(NULL AS STRING) AS acquisition_source,
  acquisition_campaign,
  COALESCE(days_since_last_seen < 7, FALSE) AS active_last_7_days,
  purchased_last_30_days,
  tenure_days AS customer_tenure_days,

  -- Engagement
  total_sessions,
  total_page_views,
  avg_pages_per_visit,
  avg_time_per_visit,
  -- Whoever registered today has been here for a day.
  CAST(
    SAFE_DIVIDE(
      CAST(total_sessions AS NUMERIC), GREATEST(DATE_DIFF(@run_date, registration_date, DAY), 1)
    ) AS NUMERIC
  ) AS website_engagement_rate,
  CAST(NULL AS INT64) AS total_events,
  email_opens,
  email_clicks,
  push_notifications,
  campaigns_sent,
  campaigns_engaged,
  positive_responses,
  campaign_response_rate,
  most_viewed_category,

  -- Support
  support_tickets,
  resolved_tickets,
  service_resolution_rate,
  avg_satisfaction_score,
  last_support_interaction_at,

  -- Commerce
  orders_count,
  first_purchase_at,
  last_purchase_at,
  days_since_last_purchase,
  gross_revenue,
  refunds_count,
  refunds_amount,
  total_revenue,
  avg_order_value,
  CAST(SAFE_DIVIDE(CAST(30 * orders_count AS NUMERIC), tenure_days) AS NUMERIC) AS purchase_frequency,
  items_purchased,
  distinct_products,
  favorite_category,
  favorite_brand,
  CAST(NULL AS STRING) AS loyalty_tier,
  CAST(NULL AS NUMERIC) AS loyalty_points_balance,

  -- Value and segments
  value_segment,
  recency_score,
  frequency_score,
  monetary_score,
  rfm_segment,
  COALESCE(rfm_segment, lifecycle_stage) AS primary_segment,
  CASE
    WHEN value_segment IS NULL THEN NULL
    WHEN rfm_segment IS NULL THEN [value_segment]
    ELSE [value_segment, rfm_segment]
  END AS segments,

  -- Scores
  LEAST(recency_points + event_points + order_points, 100) AS engagement_score,
  email_score,
  web_score,
  portal_score,
  recency_component,
  frequency_component,
  monetary_component,
  overall_score,
  CAST(NULL AS NUMERIC) AS churn_risk_score,
  CAST(NULL AS INT64) AS churn_risk_pct,
  CAST(NULL AS STRING) AS churn_risk_band,
  CAST(NULL AS NUMERIC) AS propensity_to_buy_score,
  CAST(NULL AS NUMERIC) AS predicted_purchases_90d,
  total_revenue AS current_value,
  predicted_value,
  total_revenue + COALESCE(predicted_value, 0) AS lifetime_value,
  recommendation_vector,

  -- Housekeeping
  @run_date AS run_date
FROM classified
