-- Promotions and their redemptions: whoever used a code on an order redeemed a promotion.
CREATE TABLE promotion AS
WITH written AS (
  SELECT * FROM (
    VALUES
      (1, 'SAVE5', 'percentage', '5', 1.0, NULL, NULL, NULL),
      (2, 'SAVE10', 'Percentage', '10', 0.75, NULL, NULL, 'M0002'),  -- customers use it after its end
      (3, 'SAVE15', 'percentage', '15', 1.0, NULL, '1', 'M0003'),  -- and this one more than once
      (4, 'SAVE20', 'percentage', '20', 1.0, '40', NULL, 'M0001'),
      (5, 'WELCOME', 'fixed_amount', '10.00', 1.0, NULL, '1', 'M0004'),
      (6, 'SHIPFREE', 'free_shipping', NULL, 0.5, '1000', NULL, NULL),
      (7, 'BUY3PAY2', 'buy_x_get_y', '1', 0.5, 'many', '2', NULL),
      (8, 'MOREISLESS', 'tiered', '5', 1.0, NULL, NULL, NULL),
      (9, 'LUCKY', 'lottery', '1', 0.1, '1', '1', NULL)
  ) AS t (promotion, code, kind, value, share, total_limit, customer_limit, campaign)
)

SELECT
  promotion,
  'D' || lpad(promotion::VARCHAR, 4, '0') AS promotion_no,
  code,
  kind,
  value AS discount,
  strftime(getvariable('first_day'), '%Y-%m-%d 00:00:00') AS starts,
  CASE
    WHEN share < 1
      THEN strftime(getvariable('first_day') + (getvariable('days') * share)::INTEGER, '%Y-%m-%d 23:59:59')
  END AS ends,
  total_limit AS max_uses,
  customer_limit AS max_uses_per_customer,
  campaign,
  CASE promotion WHEN 7 THEN 'usage_limit' WHEN 9 THEN 'discount_type' END AS bad_cell,
FROM written
ORDER BY promotion;

CREATE TABLE redemption AS
WITH discounted AS (
  SELECT
    purchase.transaction,
    sum(cents) AS final_cents,
    sum(discount_cents) AS off_cents,
  FROM line INNER JOIN purchase USING (transaction)
  WHERE purchase.percent_off > 0 AND line.refused IS NULL AND quantity > 0
  GROUP BY purchase.transaction
),

numbered AS (
  SELECT
    row_number() OVER (ORDER BY transaction) AS redemption,
    person,
    transaction_id,
    customer_no,
    percent_off // 5 AS promotion,
    final_cents,
    off_cents,
    placed_at,
    updated_at,
    updated_at::DATE < getvariable('clean_from') AND NOT later AS may_be_dirty,
  FROM discounted INNER JOIN purchase USING (transaction)
),

judged AS (
  SELECT
    *,
    CASE
      WHEN may_be_dirty AND redemption % 250 = 120
        THEN ['missing_key', 'repeated_key', 'unparsable_time'][1 + redemption // 250 % 3]
    END AS dirt,
    CASE WHEN may_be_dirty AND redemption % 250 = 220 THEN 'discount_amount' END AS bad_cell,
  FROM numbered
)

SELECT
  redemption,
  copy,
  person,
  customer_no,
  placed_at::DATE > getvariable('until') AS later,
  off_cents,
  CASE WHEN dirt IS DISTINCT FROM 'missing_key' THEN 'X' || lpad(redemption::VARCHAR, 9, '0') END AS redemption_no,
  'D' || lpad(promotion::VARCHAR, 4, '0') AS promotion_no,
  transaction_id,
  CASE WHEN bad_cell IS NULL THEN money(off_cents) ELSE 'some' END AS discount,
  money(final_cents + off_cents) AS value_before,
  money(final_cents) AS value_after,
  CASE WHEN dirt = 'unparsable_time' THEN 'at noon' ELSE strftime(placed_at, '%Y-%m-%d %H:%M:%S') END AS used_at,
  strftime(updated_at, '%Y-%m-%d %H:%M:%S') AS written_at,
  CASE WHEN copy > 0 THEN 'repeated_key' WHEN dirt <> 'repeated_key' THEN dirt END AS refused,
  bad_cell,
FROM judged, unnest(range(1 + coalesce(dirt = 'repeated_key', FALSE)::INTEGER)) AS t (copy)
ORDER BY redemption, copy;

CREATE VIEW commerce_promotions AS
SELECT promotion_no, code, kind, discount, starts, ends, max_uses, max_uses_per_customer, campaign FROM promotion;
CREATE VIEW commerce_redemptions AS
SELECT
  redemption_no, promotion_no, customer_no, transaction_id, discount, value_before, value_after, used_at, written_at,
FROM redemption ORDER BY redemption, copy;
