WITH responses AS (
  SELECT
    response_id,
    campaign_id,
    source_system,
    customer_id,
    responded_at,
    response_type,
    variant,
    conversion_value
  FROM staging.stg_marketing__campaign_responses
),

campaigns AS (
  SELECT
    campaign_id,
    channel
  FROM staging.stg_marketing__marketing_campaigns
),

response_types AS (
  SELECT
    response_type,
    sentiment
  FROM core.int_response_types
)

SELECT
  responses.response_id,
  responses.campaign_id,
  responses.source_system,
  responses.customer_id AS source_customer_id,
  responses.responded_at,
  DATE(responses.responded_at) AS response_date,
  responses.response_type,
  -- A type nobody has judged yet must not move a rate; an expectation warns of it.
  COALESCE(response_types.sentiment, 'neutral') AS sentiment,
  response_types.response_type IS NOT NULL AS is_known_type,
  campaigns.channel,
  responses.variant,
  responses.conversion_value
FROM responses
LEFT JOIN campaigns
  ON responses.campaign_id = campaigns.campaign_id
LEFT JOIN response_types
  ON responses.response_type = response_types.response_type
WHERE DATE(responses.responded_at) <= @run_date
