-- Where a person first came from: the source of the earliest session or event that tells one.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

sessions AS (
  SELECT
    source_system,
    source_customer_id,
    visited_at,
    source
  FROM core.fct_sessions
  WHERE visit_date <= @run_date AND source_customer_id IS NOT NULL AND source IS NOT NULL
),

events AS (
  SELECT
    source_system,
    source_customer_id,
    occurred_at,
    utm_source
  FROM core.fct_events
  WHERE event_date <= @run_date AND source_customer_id IS NOT NULL AND utm_source IS NOT NULL
),

touches AS (
  SELECT
    source_system,
    source_customer_id,
    visited_at AS touched_at,
    source AS session_source,
    CAST(NULL AS STRING) AS event_source
  FROM sessions
  UNION ALL
  SELECT
    source_system,
    source_customer_id,
    occurred_at AS touched_at,
    CAST(NULL AS STRING) AS session_source,
    utm_source AS event_source
  FROM events
),

-- Touches of the same instant are taken together first, so that "the source of the first touch" has one answer: the
-- session's before the event's, then the first by name.
moments AS (
  SELECT
    identity_map.customer360_id,
    touches.touched_at,
    COALESCE(MIN(touches.session_source), MIN(touches.event_source)) AS acquisition_source
  FROM touches
  INNER JOIN identity_map
    ON
      touches.source_system = identity_map.source_system
      AND touches.source_customer_id = identity_map.source_customer_id
  GROUP BY identity_map.customer360_id, touches.touched_at
)

SELECT
  customer360_id,
  ANY_VALUE(acquisition_source HAVING MIN touched_at) AS acquisition_source,
  MIN(touched_at) AS acquired_at
FROM moments
GROUP BY customer360_id
