SELECT
  TRIM(redemptions.redemption_id) AS redemption_id,
  NULLIF(TRIM(redemptions.promotion_id), '') AS promotion_id,
  -- An empty customer_id is a guest, like a missing one.
  IF(
    TRIM(redemptions.customer_id) != '', COALESCE(NULLIF(LOWER(TRIM(redemptions.customer_system)), ''), 'crm'), NULL
  ) AS source_system,
  NULLIF(TRIM(redemptions.customer_id), '') AS customer_id,
  NULLIF(TRIM(redemptions.order_id), '') AS order_id,
  redemptions.discount_amount,
  redemptions.original_order_value,
  redemptions.final_order_value,
  redemptions.redeemed_at,
  MIN(redemptions._loaded_date) OVER (PARTITION BY TRIM(redemptions.redemption_id)) AS first_loaded_date,
  redemptions._loaded_date
FROM raw_commerce.promotion_redemptions AS redemptions
WHERE redemptions._loaded_date <= @run_date
-- The raw key ends the ranking: it is unique within a load, the trimmed one need not be.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY TRIM(redemptions.redemption_id)
  ORDER BY redemptions._loaded_date DESC, redemptions.redemption_id ASC
) = 1
