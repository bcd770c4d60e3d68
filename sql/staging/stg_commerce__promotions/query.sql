SELECT
  TRIM(promotions.promotion_id) AS promotion_id,
  NULLIF(TRIM(promotions.promotion_code), '') AS promotion_code,
  NULLIF(LOWER(TRIM(promotions.discount_type)), '') AS discount_type,
  promotions.discount_value,
  promotions.valid_from,
  promotions.valid_until,
  promotions.usage_limit,
  promotions.usage_limit_per_customer,
  NULLIF(TRIM(promotions.campaign_id), '') AS campaign_id,
  MIN(promotions._loaded_date) OVER (PARTITION BY TRIM(promotions.promotion_id)) AS first_loaded_date,
  promotions._loaded_date
FROM raw_commerce.promotions AS promotions
WHERE promotions._loaded_date <= @run_date
-- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY TRIM(promotions.promotion_id)
  ORDER BY promotions._loaded_date DESC, promotions.promotion_id ASC
) = 1
