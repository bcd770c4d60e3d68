-- How often a person asked for help, and how that went.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

interactions AS (
  SELECT
    interaction_id,
    source_system,
    source_customer_id,
    interacted_at,
    interaction_date,
    interaction_type,
    is_resolved,
    satisfaction_score
  FROM core.fct_support_interactions
  WHERE source_customer_id IS NOT NULL
),

person_interactions AS (
  SELECT
    identity_map.customer360_id,
    interactions.interacted_at,
    interactions.interaction_date,
    interactions.interaction_type,
    interactions.is_resolved,
    interactions.satisfaction_score,
    ROW_NUMBER() OVER (
      PARTITION BY identity_map.customer360_id
      ORDER BY interactions.interacted_at DESC, interactions.interaction_id
    ) AS position
  FROM interactions
  INNER JOIN identity_map
    ON
      interactions.source_system = identity_map.source_system
      AND interactions.source_customer_id = identity_map.source_customer_id
)

SELECT
  customer360_id,
  COUNT(*) AS support_tickets,
  COUNTIF(is_resolved) AS resolved_tickets,
  CAST(SAFE_DIVIDE(CAST(COUNTIF(is_resolved) AS NUMERIC), COUNT(*)) AS NUMERIC) AS service_resolution_rate,
  CAST(SAFE_DIVIDE(SUM(satisfaction_score), COUNT(satisfaction_score)) AS NUMERIC) AS avg_satisfaction_score,
  MIN(interacted_at) AS first_support_interaction_at,
  MAX(interacted_at) AS last_support_interaction_at,
  MAX(IF(position = 1, interaction_type, NULL)) AS last_interaction_type,
  COUNTIF(interaction_date >= DATE_SUB(@run_date, INTERVAL 6 DAY)) AS contacts_last_7_days,
  COUNTIF(interaction_date >= DATE_SUB(@run_date, INTERVAL 29 DAY)) AS contacts_last_30_days,
  COUNTIF(interaction_date >= DATE_SUB(@run_date, INTERVAL 89 DAY)) AS contacts_last_90_days,
  MIN(
    IF(interaction_date >= DATE_SUB(@run_date, INTERVAL 29 DAY), interaction_date, NULL)
  ) AS first_recent_contact_date,
  MAX(
    IF(interaction_date < DATE_SUB(@run_date, INTERVAL 29 DAY), interaction_date, NULL)
  ) AS last_earlier_contact_date
FROM person_interactions
GROUP BY customer360_id
