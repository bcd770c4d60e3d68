WITH newest AS (
  SELECT
    TRIM(response_id) AS response_key,
    MAX(_loaded_date) AS newest_date,
    MIN(_loaded_date) AS first_loaded_date
  FROM raw_marketing.campaign_responses
  WHERE _loaded_date <= @run_date
  GROUP BY response_key
)

-- No ranking within a load is needed: a load holds a response_id once, the contract refuses repeats.
SELECT
  newest.response_key AS response_id,
  NULLIF(TRIM(responses.campaign_id), '') AS campaign_id,
  IF(
    TRIM(responses.customer_id) != '', COALESCE(NULLIF(LOWER(TRIM(responses.customer_system)), ''), 'crm'), NULL
  ) AS source_system,
  NULLIF(TRIM(responses.customer_id), '') AS customer_id,
  responses.response_date AS responded_at,
  NULLIF(LOWER(TRIM(responses.response_type)), '') AS response_type,
  NULLIF(TRIM(responses.variant), '') AS variant,
  responses.conversion_value,
  newest.first_loaded_date,
  responses._loaded_date
FROM raw_marketing.campaign_responses AS responses
INNER JOIN newest
  ON TRIM(responses.response_id) = newest.response_key AND responses._loaded_date = newest.newest_date
WHERE responses._loaded_date <= @run_date
