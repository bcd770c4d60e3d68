-- When a person was seen. Seen is what the customer began: an order, a session, an event, a support contact, a positive
-- response; where there is none of these, the registration.
WITH
connected AS (
  SELECT 'raw_web.customer_events' NOT IN UNNEST(@unconnected_tables) AS events
),

profile AS (
  SELECT
    customer360_id,
    registration_date
  FROM core.int_person_profile
),

commerce AS (
  SELECT
    customer360_id,
    first_purchase_at,
    last_purchase_at,
    last_order_channel,
    first_recent_order_date,
    last_earlier_order_date,
    last_change_at
  FROM core.int_person_commerce
),

web AS (
  SELECT
    customer360_id,
    first_visit_at,
    last_visit_at,
    last_visit_channel,
    sessions_last_7_days,
    sessions_last_30_days,
    sessions_last_90_days,
    first_recent_visit_date,
    last_earlier_visit_date
  FROM core.int_person_web
),

events AS (
  SELECT
    customer360_id,
    first_event_at,
    last_event_at,
    last_event_channel,
    events_last_7_days,
    events_last_30_days,
    events_last_90_days,
    first_recent_event_date,
    last_earlier_event_date
  FROM core.int_person_events
),

support AS (
  SELECT
    customer360_id,
    first_support_interaction_at,
    last_support_interaction_at,
    last_interaction_type,
    contacts_last_7_days,
    contacts_last_30_days,
    contacts_last_90_days,
    first_recent_contact_date,
    last_earlier_contact_date
  FROM core.int_person_support
),

marketing AS (
  SELECT
    customer360_id,
    first_positive_at,
    last_positive_at,
    last_positive_channel,
    last_answer_at,
    last_answer_type,
    answers_last_7_days,
    answers_last_30_days,
    answers_last_90_days,
    first_recent_positive_date,
    last_earlier_positive_date,
    last_row_at
  FROM core.int_person_marketing
),

-- The five sources in one shape. `rank_at_ties` decides between activities of the same instant. Interactions stand in
-- for events while those are not connected.
activities AS (
  SELECT
    customer360_id,
    1 AS rank_at_ties,
    first_purchase_at AS first_at,
    last_purchase_at AS last_at,
    last_order_channel AS channel,
    CAST(NULL AS TIMESTAMP) AS interaction_at,
    CAST(NULL AS STRING) AS interaction_type,
    0 AS events_last_7_days,
    0 AS events_last_30_days,
    0 AS events_last_90_days,
    0 AS interactions_last_7_days,
    0 AS interactions_last_30_days,
    0 AS interactions_last_90_days,
    first_recent_order_date AS first_recent_date,
    last_earlier_order_date AS last_earlier_date,
    last_change_at AS last_source_at
  FROM commerce
  UNION ALL
  SELECT
    customer360_id,
    2 AS rank_at_ties,
    first_support_interaction_at AS first_at,
    last_support_interaction_at AS last_at,
    'support' AS channel,
    last_support_interaction_at AS interaction_at,
    COALESCE(last_interaction_type, 'support') AS interaction_type,
    0 AS events_last_7_days,
    0 AS events_last_30_days,
    0 AS events_last_90_days,
    contacts_last_7_days AS interactions_last_7_days,
    contacts_last_30_days AS interactions_last_30_days,
    contacts_last_90_days AS interactions_last_90_days,
    first_recent_contact_date AS first_recent_date,
    last_earlier_contact_date AS last_earlier_date,
    last_support_interaction_at AS last_source_at
  FROM support
  UNION ALL
  SELECT
    customer360_id,
    3 AS rank_at_ties,
    first_positive_at AS first_at,
    last_positive_at AS last_at,
    last_positive_channel AS channel,
    last_answer_at AS interaction_at,
    last_answer_type AS interaction_type,
    0 AS events_last_7_days,
    0 AS events_last_30_days,
    0 AS events_last_90_days,
    answers_last_7_days AS interactions_last_7_days,
    answers_last_30_days AS interactions_last_30_days,
    answers_last_90_days AS interactions_last_90_days,
    first_recent_positive_date AS first_recent_date,
    last_earlier_positive_date AS last_earlier_date,
    last_row_at AS last_source_at
  FROM marketing
  UNION ALL
  SELECT
    customer360_id,
    4 AS rank_at_ties,
    first_visit_at AS first_at,
    last_visit_at AS last_at,
    last_visit_channel AS channel,
    last_visit_at AS interaction_at,
    'session' AS interaction_type,
    0 AS events_last_7_days,
    0 AS events_last_30_days,
    0 AS events_last_90_days,
    sessions_last_7_days AS interactions_last_7_days,
    sessions_last_30_days AS interactions_last_30_days,
    sessions_last_90_days AS interactions_last_90_days,
    first_recent_visit_date AS first_recent_date,
    last_earlier_visit_date AS last_earlier_date,
    last_visit_at AS last_source_at
  FROM web
  UNION ALL
  SELECT
    customer360_id,
    5 AS rank_at_ties,
    first_event_at AS first_at,
    last_event_at AS last_at,
    last_event_channel AS channel,
    CAST(NULL AS TIMESTAMP) AS interaction_at,
    CAST(NULL AS STRING) AS interaction_type,
    events_last_7_days,
    events_last_30_days,
    events_last_90_days,
    0 AS interactions_last_7_days,
    0 AS interactions_last_30_days,
    0 AS interactions_last_90_days,
    first_recent_event_date AS first_recent_date,
    last_earlier_event_date AS last_earlier_date,
    last_event_at AS last_source_at
  FROM events
),

summary AS (
  SELECT
    customer360_id,
    MIN(first_at) AS first_at,
    MAX(last_at) AS last_at,
    MAX(interaction_at) AS last_interaction_at,
    SUM(events_last_7_days) AS events_last_7_days,
    SUM(events_last_30_days) AS events_last_30_days,
    SUM(events_last_90_days) AS events_last_90_days,
    SUM(interactions_last_7_days) AS interactions_last_7_days,
    SUM(interactions_last_30_days) AS interactions_last_30_days,
    SUM(interactions_last_90_days) AS interactions_last_90_days,
    MIN(first_recent_date) AS first_recent_date,
    MAX(last_earlier_date) AS last_earlier_date,
    MAX(last_source_at) AS last_source_at
  FROM activities
  GROUP BY customer360_id
),

-- Which activity was the last one, found by its time instead of by sorting all of them.
last_ranks AS (
  SELECT
    activities.customer360_id,
    MIN(IF(activities.last_at = summary.last_at, activities.rank_at_ties, NULL)) AS seen_rank,
    MIN(
      IF(activities.interaction_at = summary.last_interaction_at, activities.rank_at_ties, NULL)
    ) AS interaction_rank
  FROM activities
  INNER JOIN summary ON activities.customer360_id = summary.customer360_id
  GROUP BY activities.customer360_id
),

last_kinds AS (
  SELECT
    activities.customer360_id,
    MAX(IF(activities.rank_at_ties = last_ranks.seen_rank, activities.channel, NULL)) AS last_channel_seen,
    MAX(
      IF(activities.rank_at_ties = last_ranks.interaction_rank, activities.interaction_type, NULL)
    ) AS last_interaction_type
  FROM activities
  INNER JOIN last_ranks ON activities.customer360_id = last_ranks.customer360_id
  GROUP BY activities.customer360_id
),

seen AS (
  SELECT
    profile.customer360_id,
    profile.registration_date,
    COALESCE(summary.first_at, TIMESTAMP(profile.registration_date)) AS first_seen_at,
    COALESCE(summary.last_at, TIMESTAMP(profile.registration_date)) AS last_seen_at,
    summary.last_interaction_at,
    COALESCE(IF(connected.events, summary.events_last_7_days, summary.interactions_last_7_days), 0)
      AS events_last_7_days,
    COALESCE(IF(connected.events, summary.events_last_30_days, summary.interactions_last_30_days), 0)
      AS events_last_30_days,
    COALESCE(IF(connected.events, summary.events_last_90_days, summary.interactions_last_90_days), 0)
      AS events_last_90_days,
    DATE_DIFF(summary.first_recent_date, summary.last_earlier_date, DAY) AS gap_before_last_30_days,
    summary.last_source_at
  FROM profile
  CROSS JOIN connected
  LEFT JOIN summary ON profile.customer360_id = summary.customer360_id
)

SELECT
  seen.customer360_id,
  seen.first_seen_at,
  seen.last_seen_at,
  last_kinds.last_channel_seen,
  DATE_DIFF(@run_date, DATE(seen.first_seen_at), DAY) AS days_since_first_seen,
  DATE_DIFF(@run_date, DATE(seen.last_seen_at), DAY) AS days_since_last_seen,
  DATE_DIFF(
    @run_date,
    LEAST(
      COALESCE(seen.registration_date, DATE(seen.first_seen_at)),
      COALESCE(DATE(seen.first_seen_at), seen.registration_date)
    ),
    DAY
  ) AS tenure_days,
  seen.last_interaction_at,
  last_kinds.last_interaction_type,
  seen.gap_before_last_30_days,
  seen.events_last_7_days,
  seen.events_last_30_days,
  seen.events_last_90_days,
  seen.last_source_at
FROM seen
LEFT JOIN last_kinds ON seen.customer360_id = last_kinds.customer360_id
