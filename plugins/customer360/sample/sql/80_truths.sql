-- What a loader and the models built on it must find, by the definitions of orders and revenue, over rows that load.
CREATE VIEW clean_line AS
SELECT
  *,
  CASE WHEN bad_cell = 'order_status' THEN 'delivered' ELSE coalesce(status, 'delivered') END AS final_status,
  ordered_at::DATE > getvariable('until') AS later,
FROM line WHERE refused IS NULL;

CREATE VIEW known_person AS
SELECT person FROM crm_customers WHERE refused IS NULL
UNION
SELECT person FROM clean_line WHERE customer_no IS NOT NULL AND NOT later
UNION
SELECT person FROM support_contacts
WHERE refused IS NULL AND customer_no IS NOT NULL AND opened_at::DATE <= getvariable('until')
UNION
SELECT person FROM response WHERE refused IS NULL AND happened_at::DATE <= getvariable('until')
UNION
SELECT person FROM web_sessions WHERE refused IS NULL AND user_id IS NOT NULL AND visit_day <= getvariable('until');

CREATE VIEW truths AS
WITH known_lines AS (
  SELECT
    *,
    cents > 0 AND final_status IN ('delivered', 'refunded') AS sold,
    CASE
      WHEN final_status NOT IN ('delivered', 'refunded') THEN 0
      WHEN cents < 0 THEN -cents
      WHEN final_status = 'refunded' THEN cents
      ELSE 0
    END AS refunded_cents,
  FROM clean_line WHERE NOT later
),

revenue AS (
  SELECT
    count(DISTINCT transaction_id) FILTER (WHERE sold) AS orders,
    count(DISTINCT transaction_id) FILTER (WHERE sold AND customer_no IS NULL) AS guest_orders,
    count(*) FILTER (WHERE sold) AS sold_lines,
    count(*) FILTER (WHERE refunded_cents > 0) AS refunds,
    count(*) FILTER (WHERE cents = 0) AS gift_lines,
    money(coalesce(sum(cents) FILTER (WHERE sold), 0)) AS gross_revenue,
    money(coalesce(sum(refunded_cents), 0)) AS refunds_amount,
    money(coalesce(sum(cents) FILTER (WHERE sold), 0) - coalesce(sum(refunded_cents), 0)) AS net_revenue,
  FROM known_lines
),

accounts AS (
  SELECT count(*) AS people_in_crm, count(*) FILTER (WHERE ids > 1) AS people_with_several_ids
  FROM (SELECT person, count(*) AS ids FROM crm_customers WHERE refused IS NULL GROUP BY person)
)

SELECT
  accounts.*,
  (SELECT count(*) FROM known_person) AS people_known,
  revenue.*,
  (SELECT count(*) FROM clean_line WHERE later) AS lines_after_until,
  (SELECT count(*) FROM support_contacts WHERE refused IS NULL AND opened_at::DATE > getvariable('until'))
    AS contacts_after_until,
  (SELECT count(*) FROM response WHERE refused IS NULL AND happened_at::DATE > getvariable('until'))
    AS responses_after_until,
  (SELECT count(*) FROM web_sessions WHERE refused IS NULL AND visit_day > getvariable('until'))
    AS sessions_after_until,
  (SELECT count(*) FROM web_sessions WHERE refused IS NULL AND visit_day <= getvariable('until') AND user_id IS NULL)
    AS anonymous_sessions,
FROM accounts, revenue;

-- Rows and refusals per contract table: one row per table, reason and column. `also`: the row is counted already, for
-- another cell of it.
CREATE VIEW counts AS
SELECT 'crm.customer_info' AS name, refused, bad_cell, count(*) AS total, FALSE AS also FROM crm_customers GROUP BY ALL
UNION ALL
SELECT 'crm.customer_info', NULL, 'phone_number', count(*), TRUE FROM crm_customers
WHERE refused IS NULL AND (phone IN ('n/a', 'unknown', 'ask by e-mail') OR phone LIKE 'ext. %')
UNION ALL
SELECT 'commerce.product_catalog', refused, bad_cell, count(*), FALSE FROM commerce_products GROUP BY ALL
UNION ALL
SELECT 'commerce.purchase_transactions', refused, bad_cell, count(*), FALSE FROM line GROUP BY ALL
UNION ALL
SELECT 'support.customer_service', refused, bad_cell, count(*), FALSE FROM support_contacts GROUP BY ALL
UNION ALL
SELECT 'marketing.marketing_campaigns', NULL, bad_cell, count(*), FALSE FROM campaign GROUP BY ALL
UNION ALL
SELECT 'marketing.campaign_responses', refused, bad_cell, count(*), FALSE FROM response GROUP BY ALL
UNION ALL
SELECT 'web.website_behavior', refused, bad_cell, count(*), FALSE FROM web_sessions GROUP BY ALL;
