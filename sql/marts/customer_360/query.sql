-- The customer, whole: everything that core knows of each person, side by side. Every table joined has at most one row
-- per person. A column whose source is not connected, or whose model is not fitted, is NULL; a count of what a
-- connected source knows nothing of is 0.
WITH
-- Which sources this deployment knows. What it does not know is unknown, which is not the same as none.
connected AS (
  SELECT
    'raw_web.website_behavior' NOT IN UNNEST(@unconnected_tables) AS web,
    'raw_web.customer_events' NOT IN UNNEST(@unconnected_tables) AS events,
    'raw_support.customer_service' NOT IN UNNEST(@unconnected_tables) AS support,
    'raw_commerce.purchase_transactions' NOT IN UNNEST(@unconnected_tables) AS commerce,
    'raw_marketing.campaign_responses' NOT IN UNNEST(@unconnected_tables) AS marketing,
    -- Only the campaign says whether a response was to an e-mail or a push message.
    'raw_marketing.campaign_responses' NOT IN UNNEST(@unconnected_tables)
    AND 'raw_marketing.marketing_campaigns' NOT IN UNNEST(@unconnected_tables) AS channels,
    'raw_privacy.customer_consents' NOT IN UNNEST(@unconnected_tables) AS consents,
    'raw_traits.customer_traits' NOT IN UNNEST(@unconnected_tables) AS traits,
    'raw_identity.customer_identities' NOT IN UNNEST(@unconnected_tables)
    OR 'raw_identity.identity_overrides' NOT IN UNNEST(@unconnected_tables) AS verification
)

SELECT
  -- Identity
  profile.customer360_id,
  profile.primary_source,
  profile.source_ids,
  profile.created_at,
  -- GREATEST of a NULL is NULL, so the profile stands in for what no source tells.
  GREATEST(
    profile.profile_updated_at,
    COALESCE(contacts.last_observed_at, profile.profile_updated_at),
    COALESCE(activity.last_source_at, profile.profile_updated_at),
    COALESCE(traits.last_computed_at, profile.profile_updated_at),
    COALESCE(opt_in.last_recorded_at, profile.profile_updated_at)
  ) AS updated_at,

  -- Contact
  profile.first_name,
  profile.last_name,
  profile.full_name,
  contacts.primary_email,
  contacts.emails,
  contacts.primary_phone,
  contacts.phones,
  IF(connected.verification, COALESCE(contacts.is_verified, FALSE), NULL) AS is_verified,
  profile.language,
  profile.country,
  profile.region,
  profile.city,
  profile.postal_code,
  profile.timezone,

  -- Demographics
  profile.date_of_birth,
  profile.dob_precision,
  profile.age,
  profile.age_group,
  profile.gender,
  marketing.preferred_channel,
  IF(connected.consents, COALESCE(opt_in.opt_in_status, 'unknown'), NULL) AS opt_in_status,
  IF(connected.consents, COALESCE(opt_in.consent_scopes, ARRAY<STRING>[]), NULL) AS consent_scopes,
  scorecard.interests,
  IF(connected.traits, COALESCE(traits.tags, ARRAY<STRING>[]), NULL) AS tags,

  -- Lifecycle
  profile.registration_date,
  activity.first_seen_at,
  activity.last_seen_at,
  activity.last_channel_seen,
  DATE(activity.last_interaction_at) AS last_interaction_date,
  activity.last_interaction_type,
  lifecycle.lifecycle_stage,
  lifecycle.customer_status,
  profile.customer_type,
  commerce.first_purchase_at AS activated_at,
  profile.acquisition_channel,
  acquisition.acquisition_source,
  profile.acquisition_campaign,
  COALESCE(lifecycle.active_last_7_days, FALSE) AS active_last_7_days,
  IF(connected.commerce, COALESCE(commerce.days_since_last_purchase < 30, FALSE), NULL) AS purchased_last_30_days,
  activity.tenure_days AS customer_tenure_days,

  -- Engagement
  IF(connected.web, COALESCE(web.total_sessions, 0), NULL) AS total_sessions,
  IF(connected.web, COALESCE(web.total_page_views, 0), NULL) AS total_page_views,
  web.avg_pages_per_visit,
  web.avg_time_per_visit,
  -- Whoever registered today has been here for a day.
  CAST(
    SAFE_DIVIDE(
      CAST(IF(connected.web, COALESCE(web.total_sessions, 0), NULL) AS NUMERIC),
      GREATEST(DATE_DIFF(@run_date, profile.registration_date, DAY), 1)
    ) AS NUMERIC
  ) AS website_engagement_rate,
  IF(connected.events, COALESCE(events.total_events, 0), NULL) AS total_events,
  IF(connected.channels, COALESCE(marketing.email_opens, 0), NULL) AS email_opens,
  IF(connected.channels, COALESCE(marketing.email_clicks, 0), NULL) AS email_clicks,
  IF(connected.channels, COALESCE(marketing.push_notifications, 0), NULL) AS push_notifications,
  IF(connected.marketing, COALESCE(marketing.campaigns_sent, 0), NULL) AS campaigns_sent,
  IF(connected.marketing, COALESCE(marketing.campaigns_engaged, 0), NULL) AS campaigns_engaged,
  IF(connected.marketing, COALESCE(marketing.positive_responses, 0), NULL) AS positive_responses,
  marketing.campaign_response_rate,
  -- Pages are looked at on purpose; where none tells a category, what sessions landed on stands in.
  COALESCE(events.most_viewed_category, web.most_viewed_category) AS most_viewed_category,

  -- Support
  IF(connected.support, COALESCE(support.support_tickets, 0), NULL) AS support_tickets,
  IF(connected.support, COALESCE(support.resolved_tickets, 0), NULL) AS resolved_tickets,
  support.service_resolution_rate,
  support.avg_satisfaction_score,
  support.last_support_interaction_at,

  -- Commerce
  IF(connected.commerce, COALESCE(commerce.orders_count, 0), NULL) AS orders_count,
  commerce.first_purchase_at,
  commerce.last_purchase_at,
  commerce.days_since_last_purchase,
  IF(connected.commerce, COALESCE(commerce.gross_revenue, 0), NULL) AS gross_revenue,
  IF(connected.commerce, COALESCE(commerce.refunds_count, 0), NULL) AS refunds_count,
  IF(connected.commerce, COALESCE(commerce.refunds_amount, 0), NULL) AS refunds_amount,
  IF(connected.commerce, COALESCE(commerce.total_revenue, 0), NULL) AS total_revenue,
  commerce.avg_order_value,
  CAST(
    SAFE_DIVIDE(
      CAST(30 * IF(connected.commerce, COALESCE(commerce.orders_count, 0), NULL) AS NUMERIC), activity.tenure_days
    ) AS NUMERIC
  ) AS purchase_frequency,
  IF(connected.commerce, COALESCE(commerce.items_purchased, 0), NULL) AS items_purchased,
  IF(connected.commerce, COALESCE(affinity.distinct_products, 0), NULL) AS distinct_products,
  affinity.favorite_category,
  affinity.favorite_brand,
  loyalty.loyalty_tier,
  loyalty.loyalty_points_balance,

  -- Value and segments: like the scores, NULL for whoever refuses to be profiled.
  scorecard.value_segment,
  scorecard.recency_score,
  scorecard.frequency_score,
  scorecard.monetary_score,
  scorecard.rfm_segment,
  scorecard.primary_segment,
  scorecard.segments,

  -- Scores
  scorecard.engagement_score,
  scorecard.email_score,
  scorecard.web_score,
  scorecard.portal_score,
  scorecard.recency_component,
  scorecard.frequency_component,
  scorecard.monetary_component,
  scorecard.overall_score,
  scorecard.churn_risk_score,
  scorecard.churn_risk_pct,
  scorecard.churn_risk_band,
  scorecard.propensity_to_buy_score,
  scorecard.predicted_purchases_90d,
  IF(connected.commerce, COALESCE(commerce.total_revenue, 0), NULL) AS current_value,
  scorecard.predicted_value,
  scorecard.lifetime_value,
  scorecard.recommendation_vector,

  -- Housekeeping
  @run_date AS run_date
FROM core.int_person_profile AS profile
CROSS JOIN connected
LEFT JOIN core.int_person_contacts AS contacts ON profile.customer360_id = contacts.customer360_id
LEFT JOIN core.int_person_opt_in AS opt_in ON profile.customer360_id = opt_in.customer360_id
LEFT JOIN core.int_person_traits AS traits ON profile.customer360_id = traits.customer360_id
LEFT JOIN core.int_person_activity AS activity ON profile.customer360_id = activity.customer360_id
LEFT JOIN core.int_person_lifecycle AS lifecycle ON profile.customer360_id = lifecycle.customer360_id
LEFT JOIN core.int_person_acquisition AS acquisition ON profile.customer360_id = acquisition.customer360_id
LEFT JOIN core.int_person_web AS web ON profile.customer360_id = web.customer360_id
LEFT JOIN core.int_person_events AS events ON profile.customer360_id = events.customer360_id
LEFT JOIN core.int_person_marketing AS marketing ON profile.customer360_id = marketing.customer360_id
LEFT JOIN core.int_person_support AS support ON profile.customer360_id = support.customer360_id
LEFT JOIN core.int_person_commerce AS commerce ON profile.customer360_id = commerce.customer360_id
LEFT JOIN core.int_person_affinity AS affinity ON profile.customer360_id = affinity.customer360_id
LEFT JOIN core.int_person_loyalty AS loyalty ON profile.customer360_id = loyalty.customer360_id
LEFT JOIN core.int_person_scorecard AS scorecard ON profile.customer360_id = scorecard.customer360_id
