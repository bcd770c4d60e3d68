-- What a person allows: the latest word of each of their source customers on each type, then all of them together.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

consents AS (
  SELECT
    source_system,
    customer_id AS source_customer_id,
    consent_type,
    granted,
    recorded_at,
    expires_at
  FROM staging.stg_privacy__customer_consents
  WHERE DATE(recorded_at) <= @run_date
),

withdrawals AS (
  SELECT
    source_system,
    source_customer_id,
    channel,
    responded_at
  FROM core.fct_campaign_responses
  WHERE response_type IN ('unsubscribe', 'complaint') AND source_customer_id IS NOT NULL
),

-- Which consent a message of a channel needs. Where the campaign is not known nobody can tell, so it is about all.
channel_types AS (
  SELECT
    channel,
    consent_type
  FROM UNNEST([
    STRUCT('email' AS channel, 'MARKETING_EMAIL' AS consent_type),
    STRUCT('sms' AS channel, 'MARKETING_SMS' AS consent_type),
    STRUCT('push' AS channel, 'MARKETING_PUSH' AS consent_type),
    STRUCT('unknown' AS channel, 'MARKETING_EMAIL' AS consent_type),
    STRUCT('unknown' AS channel, 'MARKETING_SMS' AS consent_type),
    STRUCT('unknown' AS channel, 'MARKETING_PUSH' AS consent_type)
  ])
),

-- Whoever unsubscribes or complains refuses from then on, like somebody who refuses in the preference centre.
statements AS (
  SELECT
    source_system,
    source_customer_id,
    consent_type,
    recorded_at,
    granted AND COALESCE(DATE(expires_at) > @run_date, TRUE) AS is_granted
  FROM consents
  UNION ALL
  SELECT
    withdrawals.source_system,
    withdrawals.source_customer_id,
    channel_types.consent_type,
    withdrawals.responded_at AS recorded_at,
    FALSE AS is_granted
  FROM withdrawals
  INNER JOIN channel_types ON COALESCE(withdrawals.channel, 'unknown') = channel_types.channel
),

-- The latest statement holds. Of several at the same instant a refusal counts.
latest AS (
  SELECT
    source_system,
    source_customer_id,
    consent_type,
    MAX(recorded_at) AS recorded_at
  FROM statements
  GROUP BY source_system, source_customer_id, consent_type
),

customer_consents AS (
  SELECT
    latest.source_system,
    latest.source_customer_id,
    latest.consent_type,
    latest.recorded_at,
    LOGICAL_AND(statements.is_granted) AS is_granted
  FROM statements
  INNER JOIN latest
    ON
      statements.source_system = latest.source_system
      AND statements.source_customer_id = latest.source_customer_id
      AND statements.consent_type = latest.consent_type
      AND statements.recorded_at = latest.recorded_at
  GROUP BY latest.source_system, latest.source_customer_id, latest.consent_type, latest.recorded_at
)

SELECT
  identity_map.customer360_id,
  customer_consents.consent_type,
  LOGICAL_AND(customer_consents.is_granted) AS is_granted,
  COUNTIF(customer_consents.is_granted) AS grants,
  COUNTIF(NOT customer_consents.is_granted) AS refusals,
  MAX(customer_consents.recorded_at) AS last_recorded_at
FROM customer_consents
INNER JOIN identity_map
  ON
    customer_consents.source_system = identity_map.source_system
    AND customer_consents.source_customer_id = identity_map.source_customer_id
GROUP BY identity_map.customer360_id, customer_consents.consent_type
