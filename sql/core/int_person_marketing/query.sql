-- What campaigns a person was sent and how they answered. An answer is a positive or negative response: what the
-- customer did, unlike a message that was sent, delivered or bounced.
WITH
identity_map AS (
  SELECT
    customer360_id,
    source_system,
    source_customer_id
  FROM identity.identity_map
),

campaign_responses AS (
  SELECT
    campaign_id,
    source_system,
    source_customer_id,
    responded_at,
    response_date,
    response_type,
    sentiment,
    channel
  FROM core.fct_campaign_responses
  WHERE source_customer_id IS NOT NULL
),

person_responses AS (
  SELECT
    identity_map.customer360_id,
    campaign_responses.campaign_id,
    campaign_responses.responded_at,
    campaign_responses.response_date,
    campaign_responses.response_type,
    campaign_responses.channel,
    campaign_responses.sentiment = 'positive' AS is_positive,
    campaign_responses.sentiment IN ('positive', 'negative') AS is_answer
  FROM campaign_responses
  INNER JOIN identity_map
    ON
      campaign_responses.source_system = identity_map.source_system
      AND campaign_responses.source_customer_id = identity_map.source_customer_id
),

person_campaigns AS (
  SELECT
    customer360_id,
    campaign_id,
    channel,
    COUNTIF(is_positive) AS positive_responses,
    COUNTIF(is_answer) AS answers,
    COUNTIF(response_type = 'open') AS opens,
    COUNTIF(response_type = 'click') AS clicks,
    COUNTIF(response_type = 'sent') AS sent,
    COUNTIF(response_type = 'delivered') AS delivered,
    COUNTIF(is_positive AND response_date >= DATE_SUB(@run_date, INTERVAL 364 DAY)) AS positive_last_365_days,
    COUNTIF(is_answer AND response_date >= DATE_SUB(@run_date, INTERVAL 6 DAY)) AS answers_last_7_days,
    COUNTIF(is_answer AND response_date >= DATE_SUB(@run_date, INTERVAL 29 DAY)) AS answers_last_30_days,
    COUNTIF(is_answer AND response_date >= DATE_SUB(@run_date, INTERVAL 89 DAY)) AS answers_last_90_days,
    MAX(responded_at) AS last_row_at,
    MAX(IF(is_answer, responded_at, NULL)) AS last_answer_at,
    MIN(IF(is_positive, responded_at, NULL)) AS first_positive_at,
    MAX(IF(is_positive, responded_at, NULL)) AS last_positive_at,
    MIN(
      IF(is_positive AND response_date >= DATE_SUB(@run_date, INTERVAL 29 DAY), response_date, NULL)
    ) AS first_recent_positive_date,
    MAX(
      IF(is_positive AND response_date < DATE_SUB(@run_date, INTERVAL 29 DAY), response_date, NULL)
    ) AS last_earlier_positive_date
  FROM person_responses
  GROUP BY customer360_id, campaign_id, channel
),

totals AS (
  SELECT
    customer360_id,
    COUNT(campaign_id) AS campaigns_sent,
    COUNTIF(campaign_id IS NOT NULL AND answers > 0) AS campaigns_engaged,
    COUNTIF(campaign_id IS NOT NULL AND positive_responses > 0) AS campaigns_positive,
    SUM(positive_responses) AS positive_responses,
    SUM(IF(channel = 'email', opens, 0)) AS email_opens,
    SUM(IF(channel = 'email', clicks, 0)) AS email_clicks,
    -- A message may be reported sent, delivered or both: the larger count is the number of messages.
    SUM(IF(channel = 'push', GREATEST(sent, delivered), 0)) AS push_notifications,
    -- An e-mail that was opened was delivered, whether or not the source says so.
    COUNTIF(channel = 'email' AND sent + delivered + opens + clicks > 0) AS email_campaigns_received,
    COUNTIF(channel = 'email' AND opens + clicks > 0) AS email_campaigns_opened,
    SUM(answers_last_7_days) AS answers_last_7_days,
    SUM(answers_last_30_days) AS answers_last_30_days,
    SUM(answers_last_90_days) AS answers_last_90_days,
    MAX(last_row_at) AS last_row_at,
    MAX(last_answer_at) AS last_answer_at,
    MIN(first_positive_at) AS first_positive_at,
    MAX(last_positive_at) AS last_positive_at,
    MIN(first_recent_positive_date) AS first_recent_positive_date,
    MAX(last_earlier_positive_date) AS last_earlier_positive_date
  FROM person_campaigns
  GROUP BY customer360_id
),

person_channels AS (
  SELECT
    customer360_id,
    channel,
    SUM(positive_last_365_days) AS positive_last_365_days,
    MAX(last_positive_at) AS last_positive_at
  FROM person_campaigns
  WHERE last_positive_at IS NOT NULL AND channel IS NOT NULL
  GROUP BY customer360_id, channel
),

ranked_channels AS (
  SELECT
    customer360_id,
    channel,
    positive_last_365_days,
    last_positive_at,
    ROW_NUMBER() OVER (
      PARTITION BY customer360_id
      ORDER BY positive_last_365_days DESC, last_positive_at DESC, channel
    ) AS preference,
    ROW_NUMBER() OVER (PARTITION BY customer360_id ORDER BY last_positive_at DESC, channel) AS recency
  FROM person_channels
),

channels AS (
  SELECT
    customer360_id,
    MAX(IF(preference = 1 AND positive_last_365_days > 0, channel, NULL)) AS preferred_channel,
    MAX(IF(recency = 1, channel, NULL)) AS last_positive_channel,
    MAX(IF(recency = 1, last_positive_at, NULL)) AS last_positive_at
  FROM ranked_channels
  GROUP BY customer360_id
),

last_answers AS (
  SELECT
    person_responses.customer360_id,
    MIN(person_responses.response_type) AS last_answer_type
  FROM person_responses
  INNER JOIN totals
    ON
      person_responses.customer360_id = totals.customer360_id
      AND person_responses.responded_at = totals.last_answer_at
  WHERE person_responses.is_answer
  GROUP BY person_responses.customer360_id
)

SELECT
  totals.customer360_id,
  totals.campaigns_sent,
  totals.campaigns_engaged,
  totals.campaigns_positive,
  CAST(SAFE_DIVIDE(CAST(totals.campaigns_positive AS NUMERIC), totals.campaigns_sent) AS NUMERIC)
    AS campaign_response_rate,
  totals.positive_responses,
  totals.email_opens,
  totals.email_clicks,
  totals.push_notifications,
  CAST(
    SAFE_DIVIDE(CAST(totals.email_campaigns_opened AS NUMERIC), totals.email_campaigns_received) AS NUMERIC
  ) AS email_engagement_rate,
  channels.preferred_channel,
  totals.first_positive_at,
  totals.last_positive_at,
  -- A later positive response without a campaign has no channel, and hides the channel of an earlier one.
  IF(channels.last_positive_at = totals.last_positive_at, channels.last_positive_channel, NULL)
    AS last_positive_channel,
  totals.last_answer_at,
  last_answers.last_answer_type,
  totals.answers_last_7_days,
  totals.answers_last_30_days,
  totals.answers_last_90_days,
  totals.first_recent_positive_date,
  totals.last_earlier_positive_date,
  totals.last_row_at
FROM totals
LEFT JOIN channels ON totals.customer360_id = channels.customer360_id
LEFT JOIN last_answers ON totals.customer360_id = last_answers.customer360_id
