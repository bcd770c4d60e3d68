-- Further identifiers of customers, as a service that collects them delivers them, and what people decided about who is
-- who. What a person is recognised by comes last and is never dirty.
CREATE TABLE identity AS
WITH found AS (
  SELECT FALSE AS needed, NULL AS system, account AS customer, person, 'EMAIL' AS kind, mail AS value, TRUE AS main,
    'double opt-in' AS provider, TRUE AS proven
  FROM reach WHERE mail IS NOT NULL AND rnd(person, 'opted in twice') < 0.2

  UNION ALL BY NAME
  SELECT FALSE AS needed, account AS customer, person, 'email' AS kind, 'alt.' || own_address AS value, FALSE AS main,
    'sign-in' AS provider, person % 2 = 0 AS proven
  FROM reach WHERE rnd(person, 'second address') < 0.05

  UNION ALL BY NAME  -- a number of a country where the person does not live
  SELECT FALSE AS needed, 'crm' AS system, account AS customer, person, 'Phone' AS kind,
    CASE code WHEN 'AT' THEN '+49 1512 ' ELSE '+43 664 ' END || phone_digits AS value, person % 3 = 0 AS main,
    person % 3 = 0 AS proven
  FROM reach INNER JOIN person USING (person, account) INNER JOIN country USING (country_no)
  WHERE rnd(person, 'second phone') < 0.03

  UNION ALL BY NAME  -- addresses of the net are shared by everybody behind a router
  SELECT FALSE AS needed, account AS customer, person, 'IP_ADDRESS' AS kind, '192.0.2.' || person % 7 AS value
  FROM reach WHERE rnd(person, 'wrote from') < 0.08

  UNION ALL BY NAME
  SELECT FALSE AS needed, account AS customer, person, 'SESSION_ID' AS kind, 's-' || person % 5 AS value
  FROM reach WHERE rnd(person, 'a session') < 0.02

  UNION ALL BY NAME  -- a newsletter's links tell whose cookie it is
  SELECT FALSE AS needed, 'CRM' AS system, account AS customer, person, 'COOKIE_ID' AS kind,
    printf('%016x', hash(person * 4)) AS value, 'newsletter' AS provider
  FROM reach WHERE rnd(person, 'clicked through') < 0.04

  UNION ALL BY NAME  -- what is no identifier: it joins nobody
  SELECT FALSE AS needed, account AS customer, person, CASE WHEN nth < 24 THEN 'EMAIL' ELSE 'PHONE' END AS kind,
    CASE WHEN nth < 22 THEN 'test@test.com' WHEN nth = 24 THEN '0000000000' ELSE ' ' END AS value
  FROM role WHERE nth BETWEEN 19 AND 25

  UNION ALL BY NAME  -- the tablet in the store, where many log in
  SELECT TRUE AS needed, account AS customer, person, 'DEVICE_ID' AS kind, 'store-tablet-1' AS value
  FROM role WHERE nth <= 12

  UNION ALL BY NAME  -- mailboxes of two people of the CRM, see the decisions
  SELECT TRUE AS needed, account AS customer, person, 'EMAIL' AS kind,
    'mailbox.' || (nth - 10) // 2 || '.' || getvariable('seed') || '@mail.example' AS value
  FROM role WHERE nth BETWEEN 10 AND 15

  UNION ALL BY NAME  -- an app's account is a customer's: by id, by a proven address, or by a device
  SELECT TRUE AS needed, 'app' AS system, app_account AS customer, person,
    CASE
      WHEN person % 3 = 1 AND mail IS NOT NULL THEN 'EMAIL'
      WHEN person % 3 = 2 THEN 'DEVICE_ID'
      ELSE 'EXTERNAL_ID'
    END AS kind,
    CASE kind WHEN 'EMAIL' THEN mail WHEN 'DEVICE_ID' THEN printf('d-%016x', hash(person)) ELSE 'crm:' || account END
      AS value,
    kind = 'EMAIL' AS main, 'app' AS provider, kind = 'EMAIL' AS proven
  FROM app_user INNER JOIN reach USING (person)

  UNION ALL BY NAME
  SELECT TRUE AS needed, account AS customer, person, 'DEVICE_ID' AS kind, printf('d-%016x', hash(person)) AS value
  FROM app_user INNER JOIN reach USING (person) WHERE person % 3 = 2

  UNION ALL BY NAME  -- and an outsider's is a loyalty account's
  SELECT TRUE AS needed, 'App' AS system, app_id(person) AS customer, person, 'EXTERNAL_ID' AS kind,
    'loyalty:' || loyalty_no AS value
  FROM loyalty_account WHERE how = 'outsider' AND nth = 0 AND person % 4 = 0
),

numbered AS (
  SELECT
    *,
    row_number() OVER (ORDER BY needed, person, kind, value, customer) AS number,
    CASE
      WHEN NOT needed AND number % 200 = 100
        THEN ['missing_key', 'repeated_key', 'unknown_type', 'missing_customer', 'broken_line'][1 + number // 200 % 5]
    END AS dirt,
    CASE WHEN NOT needed AND number % 200 = 150 THEN ['verified_at', 'is_primary'][1 + number // 200 % 2] END
      AS bad_cell,
  FROM found
)

SELECT
  number,
  copy,
  person,
  lower(coalesce(system, 'crm')) AS source_system,
  customer,
  upper(kind) AS identity_type,
  value,
  CASE WHEN copy > 0 THEN 'repeated_key' WHEN dirt <> 'repeated_key' THEN dirt END AS refused,
  bad_cell,
  to_json({
    'id': CASE WHEN dirt IS DISTINCT FROM 'missing_key' THEN 'I' || lpad(number::VARCHAR, 8, '0') END,
    'system': system,
    'customer': CASE WHEN dirt IS DISTINCT FROM 'missing_customer' THEN customer END,
    'kind': CASE dirt WHEN 'unknown_type' THEN 'SHOE_SIZE' ELSE kind END,
    'value': value,
    'provider': provider,
    'main': CASE WHEN bad_cell = 'is_primary' THEN '"often"' ELSE coalesce(main, FALSE)::VARCHAR END::JSON,
    'verified': CASE
      WHEN bad_cell = 'verified_at' THEN 'by hand'
      WHEN proven
        THEN strftime(getvariable('until') - floor(400 * rnd(number, 'proven'))::INTEGER, '%Y-%m-%dT09:30:00Z')
    END,
    'seen': strftime(getvariable('until') - floor(60 * rnd(number, 'seen'))::INTEGER, '%Y-%m-%dT20:15:00Z')
  })::VARCHAR AS document,
FROM numbered, unnest(range(1 + coalesce(dirt = 'repeated_key', FALSE)::INTEGER)) AS t (copy)
ORDER BY number, copy;

CREATE VIEW identity_file AS
SELECT number, copy, CASE WHEN refused = 'broken_line' THEN left(document, 30) ELSE document END AS text FROM identity;

-- Decisions agree with who is who. The last one is of a day to come.
CREATE TABLE override AS
WITH decided AS (
  SELECT 1 AS kind, role.nth, 'merge' AS action, account AS left_id, 'loyalty:' || loyalty_no AS right_id, 50 AS days
  FROM role INNER JOIN loyalty_account USING (person) WHERE how = 'nothing'

  UNION ALL BY NAME  -- one mailbox, two loyalty accounts, two people
  SELECT 2 AS kind, mine.number AS nth, 'split' AS action, 'loyalty:' || mine.loyalty_no AS left_id,
    'Loyalty: ' || other.loyalty_no AS right_id, 40 AS days
  FROM loyalty_account AS mine INNER JOIN loyalty_account AS other USING (email)
  WHERE mine.how = 'family' AND mine.nth = 0 AND other.how = 'family' AND other.nth = 1

  UNION ALL BY NAME
  SELECT 3 AS kind, mine.nth, 'Split' AS action, mine.account AS left_id, 'crm:' || other.account AS right_id,
    30 AS days
  FROM role AS mine INNER JOIN role AS other ON other.nth = mine.nth + 1
  WHERE mine.nth IN (10, 12, 14)

  UNION ALL BY NAME  -- taken for one person first, and then not
  SELECT 4 AS kind, mine.nth, action, mine.account AS left_id, other.account AS right_id,
    CASE action WHEN 'merge' THEN 45 ELSE 20 END AS days
  FROM role AS mine INNER JOIN role AS other ON other.nth = mine.nth + 1, unnest(['merge', 'split']) AS t (action)
  WHERE mine.nth IN (16, 18)

  UNION ALL BY NAME  -- who has two accounts: the second one's values first. Its right side is said, and no id
  SELECT 5 AS kind, person AS nth, 'SET_PRIMARY' AS action, second_account AS left_id,
    CASE WHEN row_number() OVER (ORDER BY person) = 1 THEN 'crm:' END AS right_id, 15 AS days
  FROM reach WHERE second_account IS NOT NULL
  QUALIFY row_number() OVER (ORDER BY person) <= 3

  UNION ALL BY NAME
  SELECT 6 AS kind, nth, 'verify' AS action, 'CRM:' || account AS left_id, 10 AS days
  FROM role WHERE nth BETWEEN 26 AND 29

  UNION ALL BY NAME
  SELECT 7 AS kind, mine.nth, 'merge' AS action, mine.account AS left_id, other.account AS right_id, -3 AS days
  FROM role AS mine INNER JOIN role AS other ON other.nth = mine.nth + 1 WHERE mine.nth = 22
)

SELECT
  row_number() OVER (ORDER BY kind, nth, days DESC) AS number,
  'O' || lpad(number::VARCHAR, 4, '0') AS decision_no,
  action,
  left_id,
  right_id,
  one_of(['anna.steward', 'Ben "the judge" Ó'], number, 'steward') AS decided_by,
  (getvariable('until') - days)::DATE AS decided_on,
  CASE WHEN right_id = 'crm:' THEN 'right_id' END AS bad_cell,
FROM decided
ORDER BY number;

CREATE VIEW override_file AS
SELECT
  number,
  concat_ws(
    ',', decision_no, action, left_id, coalesce(right_id, ''), csv_cell(decided_by),
    strftime(decided_on, '%Y-%m-%d 11:00:00')
  ) AS text,
FROM override
UNION ALL SELECT 0, 'no,decision,this,other,by,at';
