-- Everything that is concluded from how people behave, for those who let us: whoever refuses PROFILING is not here.
WITH
connected AS (
  SELECT 'raw_commerce.purchase_transactions' NOT IN UNNEST(@unconnected_tables) AS commerce
),

lifecycle AS (
  SELECT
    customer360_id,
    lifecycle_stage
  FROM core.int_person_lifecycle
),

opt_in AS (
  SELECT
    customer360_id,
    refuses_profiling
  FROM core.int_person_opt_in
),

commerce AS (
  SELECT
    customer360_id,
    orders_count,
    total_revenue
  FROM core.int_person_commerce
),

affinity AS (
  SELECT
    customer360_id,
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

engagement AS (
  SELECT
    customer360_id,
    engagement_score
  FROM core.int_person_engagement
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

scores AS (
  SELECT
    customer360_id,
    churn_risk_score,
    churn_risk_pct,
    churn_risk_band,
    propensity_to_buy_score,
    predicted_purchases_90d,
    predicted_value
  FROM core.int_person_scores
),

segment_priority AS (
  SELECT
    segment,
    MIN(position) AS position
  FROM UNNEST(@segment_priority) AS segment WITH OFFSET AS position
  GROUP BY segment
),

people AS (
  SELECT
    lifecycle.customer360_id,
    lifecycle.lifecycle_stage,
    -- No orders are a known fact where their source is connected; elsewhere nobody knows.
    IF(connected.commerce, COALESCE(commerce.total_revenue, 0), NULL) AS total_revenue,
    CASE
      WHEN NOT connected.commerce THEN NULL
      WHEN commerce.total_revenue > @high_value THEN 'High Value'
      WHEN commerce.total_revenue > @medium_value THEN 'Medium Value'
      WHEN commerce.orders_count > 0 THEN 'Low Value'
      ELSE 'No Purchases'
    END AS value_segment,
    IF(connected.commerce, COALESCE(affinity.interests, ARRAY<STRING>[]), NULL) AS interests,
    IF(
      connected.commerce,
      COALESCE(affinity.recommendation_vector, ARRAY<STRUCT<category STRING, weight NUMERIC>>[]),
      NULL
    ) AS recommendation_vector
  FROM lifecycle
  CROSS JOIN connected
  LEFT JOIN opt_in ON lifecycle.customer360_id = opt_in.customer360_id
  LEFT JOIN commerce ON lifecycle.customer360_id = commerce.customer360_id
  LEFT JOIN affinity ON lifecycle.customer360_id = affinity.customer360_id
  WHERE NOT COALESCE(opt_in.refuses_profiling, FALSE)
)

SELECT
  people.customer360_id,
  people.interests,
  people.value_segment,
  rfm.recency_score,
  rfm.frequency_score,
  rfm.monetary_score,
  rfm.rfm_segment,
  CASE
    WHEN value_priority.position < COALESCE(rfm_priority.position, ARRAY_LENGTH(@segment_priority))
      THEN people.value_segment
    ELSE COALESCE(rfm.rfm_segment, people.lifecycle_stage)
  END AS primary_segment,
  CASE
    WHEN people.value_segment IS NULL THEN NULL
    WHEN rfm.rfm_segment IS NULL THEN [people.value_segment]
    ELSE [people.value_segment, rfm.rfm_segment]
  END AS segments,
  engagement.engagement_score,
  components.email_score,
  components.web_score,
  components.portal_score,
  components.recency_component,
  components.frequency_component,
  components.monetary_component,
  components.overall_score,
  scores.churn_risk_score,
  scores.churn_risk_pct,
  scores.churn_risk_band,
  scores.propensity_to_buy_score,
  scores.predicted_purchases_90d,
  scores.predicted_value,
  people.total_revenue + COALESCE(scores.predicted_value, 0) AS lifetime_value,
  people.recommendation_vector
FROM people
LEFT JOIN rfm ON people.customer360_id = rfm.customer360_id
LEFT JOIN engagement ON people.customer360_id = engagement.customer360_id
LEFT JOIN components ON people.customer360_id = components.customer360_id
LEFT JOIN scores ON people.customer360_id = scores.customer360_id
LEFT JOIN segment_priority AS value_priority ON people.value_segment = value_priority.segment
LEFT JOIN segment_priority AS rfm_priority ON rfm.rfm_segment = rfm_priority.segment
