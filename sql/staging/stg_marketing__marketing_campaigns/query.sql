SELECT
  TRIM(campaigns.campaign_id) AS campaign_id,
  NULLIF(TRIM(campaigns.campaign_name), '') AS campaign_name,
  campaigns.start_date,
  campaigns.end_date,
  NULLIF(LOWER(TRIM(campaigns.channel)), '') AS channel,
  NULLIF(TRIM(campaigns.target_audience), '') AS target_audience,
  campaigns.budget,
  campaigns.cost_per_send,
  campaigns._loaded_date
FROM raw_marketing.marketing_campaigns AS campaigns
WHERE campaigns._loaded_date <= @run_date
-- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY TRIM(campaigns.campaign_id)
  ORDER BY campaigns._loaded_date DESC, campaigns.campaign_id ASC
) = 1
