-- Who is who: every customer of every system that a row that loads names, dated up to the last day, and the person
-- behind it: what a resolution of people finds that makes no mistake. A visitor is among them if a row tells whose
-- cookie it is; the kiosk's is nobody's.
CREATE TABLE people AS
WITH visits AS (
  SELECT client_id, person, user_id, 'crm' AS user_system
  FROM web_sessions WHERE refused IS NULL AND visit_day <= getvariable('until')
  UNION ALL BY NAME
  SELECT client_id, person, user_id, coalesce(user_system, 'crm') AS user_system
  FROM web_events WHERE refused IS NULL AND visit_day <= getvariable('until')
),

named AS (
  SELECT 'crm' AS source_system, customer_no AS source_customer_id, person FROM crm_customers WHERE refused IS NULL
  UNION
  SELECT 'crm', customer_no, person FROM line WHERE refused IS NULL AND ordered_at::DATE <= getvariable('until')
  UNION
  SELECT 'crm', customer_no, person FROM redemption WHERE refused IS NULL AND NOT later
  UNION
  SELECT 'crm', customer_no, person
  FROM support_contacts WHERE refused IS NULL AND opened_at::DATE <= getvariable('until')
  UNION
  SELECT 'crm', contact, person FROM response WHERE refused IS NULL AND happened_at::DATE <= getvariable('until')
  UNION
  SELECT user_system, user_id, person FROM visits
  UNION
  SELECT 'loyalty', card_no, person FROM loyalty_account WHERE refused IS NULL
  UNION
  SELECT source_system, customer, person FROM identity WHERE refused IS NULL
  UNION
  SELECT source_system, customer, person FROM consent WHERE refused IS NULL AND NOT later
  UNION
  SELECT source_system, customer, person FROM trait WHERE refused IS NULL AND NOT later
  UNION
  SELECT 'anonymous', client_id, any_value(person)
  FROM visits
  WHERE client_id <> 'kiosk-1'
  GROUP BY client_id
  HAVING bool_or(user_id IS NOT NULL)
    OR client_id IN (SELECT value FROM identity WHERE refused IS NULL AND identity_type = 'COOKIE_ID')
)

SELECT source_system, source_customer_id, person FROM named
WHERE source_customer_id IS NOT NULL
ORDER BY source_system, source_customer_id;
