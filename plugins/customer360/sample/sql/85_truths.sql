-- What a loader and the models built on it must find, by the definitions of orders and revenue, over rows that load.
CREATE VIEW clean_line AS
SELECT
  *,
  CASE WHEN bad_cell = 'order_status' THEN 'delivered' ELSE coalesce(status, 'delivered') END AS final_status,
  ordered_at::DATE > getvariable('until') AS later,
FROM line WHERE refused IS NULL;

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

redeemed AS (
  SELECT
    count(*) FILTER (NOT later) AS redemptions,
    money(coalesce(sum(off_cents) FILTER (NOT later AND bad_cell IS NULL), 0)) AS discounts_given,
    count(*) FILTER (later) AS redemptions_after_until,
  FROM redemption WHERE refused IS NULL
),

profiling AS (  -- the last answer of each customer; one that has expired is a refusal
  SELECT
    person,
    granted AND coalesce(ends_on > getvariable('until'), TRUE) AS holds,
    row_number() OVER (PARTITION BY source_system, customer ORDER BY recorded_on DESC, number DESC) = 1 AS latest,
  FROM consent
  WHERE purpose = 'PROFILING' AND refused IS NULL AND NOT later
),

known AS (
  SELECT
    count(DISTINCT person) FILTER (source_system <> 'anonymous') AS people_known,
    count(*) FILTER (source_system <> 'anonymous') AS source_customers,
    count(DISTINCT person) FILTER (source_system = 'loyalty') AS people_in_loyalty,
    count(DISTINCT person) FILTER (source_system = 'loyalty' AND person NOT IN (
      SELECT person FROM people WHERE source_system = 'crm'
    )) AS people_only_in_loyalty,
    count(*) FILTER (source_system = 'anonymous') AS visitors_recognised,
  FROM people
),

accounts AS (
  SELECT count(*) AS people_in_crm, count(*) FILTER (WHERE ids > 1) AS people_with_several_ids
  FROM (SELECT person, count(*) AS ids FROM crm_customers WHERE refused IS NULL GROUP BY person)
)

SELECT
  accounts.*,
  known.*,
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
  (SELECT count(*) FROM web_events WHERE refused IS NULL AND visit_day > getvariable('until')) AS events_after_until,
  (SELECT count(*) FROM web_events WHERE refused IS NULL AND visit_day <= getvariable('until') AND user_id IS NULL)
    AS anonymous_events,
  redeemed.*,
  (SELECT count(*) FROM consent WHERE refused IS NULL AND later) AS consents_after_until,
  (SELECT count(DISTINCT person) FROM profiling WHERE latest AND NOT holds) AS people_refusing_profiling,
  (SELECT count(*) FROM trait WHERE refused IS NULL AND later) AS traits_after_until,
  (SELECT count(DISTINCT person) FROM trait WHERE value = '"suspended"' AND refused IS NULL AND NOT later AND NOT ends)
    AS people_suspended,
  (SELECT count(*) FROM override WHERE decided_on > getvariable('until')) AS decisions_after_until,
FROM accounts, known, revenue, redeemed;

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
SELECT 'web.website_behavior', refused, bad_cell, count(*), FALSE FROM web_sessions GROUP BY ALL
UNION ALL
SELECT 'web.customer_events', refused, bad_cell, count(*), FALSE FROM web_events GROUP BY ALL
UNION ALL
SELECT 'commerce.promotions', NULL, bad_cell, count(*), FALSE FROM promotion GROUP BY ALL
UNION ALL
SELECT 'commerce.promotion_redemptions', refused, bad_cell, count(*), FALSE FROM redemption GROUP BY ALL
UNION ALL
SELECT 'loyalty.loyalty_accounts', refused, bad_cell, count(*), FALSE FROM loyalty_account GROUP BY ALL
UNION ALL
SELECT 'identity.customer_identities', refused, bad_cell, count(*), FALSE FROM identity GROUP BY ALL
UNION ALL
SELECT 'identity.identity_overrides', NULL, bad_cell, count(*), FALSE FROM override GROUP BY ALL
UNION ALL
SELECT 'privacy.customer_consents', refused, bad_cell, count(*), FALSE FROM consent GROUP BY ALL
UNION ALL
SELECT 'traits.customer_traits', refused, bad_cell, count(*), FALSE FROM trait GROUP BY ALL;
