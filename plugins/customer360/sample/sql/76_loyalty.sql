-- The loyalty programme's accounts. Most name a customer of the CRM; some are only to be recognised by e-mail or phone;
-- some people are in no other system; and a few share nothing with the CRM, or a mailbox with somebody else.
CREATE TABLE loyalty_account AS
WITH members AS (
  SELECT
    person,
    CASE WHEN second_account IS NOT NULL AND person % 2 = 0 THEN second_account ELSE account END AS names,
    CASE
      WHEN rnd(person, 'joined') >= 0.85 AND phone IS NOT NULL THEN 'phone'
      WHEN rnd(person, 'joined') >= 0.55 AND mail IS NOT NULL THEN 'e-mail'
      ELSE 'id'
    END AS how,
    second_account IS NULL AS may_be_dirty,
    mail,
    phone,
    own_address,
    0 AS nth,
  FROM reach WHERE rnd(person, 'loyal') < 0.25

  UNION ALL BY NAME  -- gone from the CRM, not from here
  SELECT DISTINCT person, customer_no AS names, 'id' AS how, 0 AS nth
  FROM line
  WHERE person % 700 = 99 AND customer_no IS NOT NULL AND refused IS NULL AND ordered_at::DATE <= getvariable('until')

  UNION ALL BY NAME  -- every fifth outsider joined twice, with another address
  SELECT person, 'outsider' AS how, CASE nth WHEN 0 THEN mail ELSE 'again.' || mail END AS mail, phone, nth
  FROM outsider AS o (person, number, mail, phone), unnest([0, 1]) AS t (nth)
  WHERE nth = 0 OR number % 5 = 3

  UNION ALL BY NAME
  SELECT person, 'nothing' AS how, 'private.' || own_address AS mail, 0 AS nth FROM role WHERE nth BETWEEN 1 AND 6

  UNION ALL BY NAME  -- a mailbox of two: one is in the CRM, the other is not
  SELECT person, account AS names, 'family' AS how, 'family.' || own_address AS mail, 0 AS nth
  FROM role WHERE nth BETWEEN 7 AND 9

  UNION ALL BY NAME
  SELECT
    getvariable('customers') + 100 + getvariable('customers') // 50 + nth AS person,
    'family' AS how,
    'family.' || own_address AS mail,
    1 AS nth,
  FROM role WHERE nth BETWEEN 7 AND 9
),

-- Those that name a customer come first: only they may be dirty, for nobody is recognised by them alone.
numbered AS (
  SELECT
    *,
    row_number() OVER (ORDER BY how <> 'id', person, nth) AS number,
    'L' || lpad(number::VARCHAR, 7, '0') AS loyalty_no,
    how = 'id' AND coalesce(may_be_dirty, FALSE) AND number % 200 = 100 AS dirty,
    CASE WHEN dirty THEN ['missing_key', 'repeated_key'][1 + number // 200 % 2] END AS dirt,
    CASE
      WHEN how = 'id' AND number % 200 = 150 THEN ['phone', 'points_balance', 'enrolled_at'][1 + number // 200 % 3]
    END AS bad_cell,
  FROM members
)

SELECT
  number,
  copy,
  person,
  how,
  nth,
  loyalty_no,
  CASE WHEN dirt IS DISTINCT FROM 'missing_key' THEN loyalty_no END AS card_no,
  CASE WHEN how IN ('id', 'family') THEN names END AS crm_no,
  CASE
    WHEN how = 'e-mail' THEN untidy(mail, rnd(person, 'loyalty mess') / 8)
    WHEN how IN ('outsider', 'nothing', 'family') THEN mail
    WHEN how = 'id' AND number % 10 = 3 THEN 'test@test.com'  -- the till asks for an address
    WHEN rnd(person, 'loyalty mail') < 0.4 THEN mail
    WHEN rnd(person, 'loyalty mail') < 0.7 THEN 'club.' || own_address
  END AS email,
  CASE
    WHEN bad_cell = 'phone' THEN 'in the book'
    WHEN how = 'outsider' AND nth = 1 THEN phone[1:3] || ' (' || phone[4:7] || ') ' || phone[8:]
    WHEN how IN ('phone', 'outsider') THEN '00' || phone[2:6] || ' ' || phone[7:]
    WHEN how = 'id' AND rnd(person, 'loyalty phone') < 0.3 THEN phone
  END AS mobile,
  one_of(['bronze', 'bronze', 'silver', 'gold'], person, 'level') AS level,
  CASE
    WHEN bad_cell = 'points_balance' THEN 'plenty'
    ELSE (floor(-900 * ln(1 - rnd(person, 'points')))::BIGINT - 20)::VARCHAR
  END AS points,
  CASE
    WHEN bad_cell = 'enrolled_at' THEN 'since the opening'
    ELSE strftime(
      getvariable('until') - floor(1200 * rnd(person * 2 + nth, 'enrolled'))::INTEGER, '%Y-%m-%dT10:00:00Z'
    )
  END AS joined_at,
  strftime(
    getvariable('until') - floor(30 * rnd(person * 2 + nth, 'points changed'))::INTEGER, '%Y-%m-%dT22:30:00Z'
  ) AS changed_at,
  CASE WHEN copy > 0 THEN 'repeated_key' WHEN dirt <> 'repeated_key' THEN dirt END AS refused,
  bad_cell,
FROM numbered, unnest(range(1 + coalesce(dirt = 'repeated_key', FALSE)::INTEGER)) AS t (copy)
ORDER BY number, copy;

CREATE VIEW loyalty_file AS
SELECT
  number,
  copy,
  concat_ws(
    ',', coalesce(card_no, ''), coalesce(crm_no, ''), csv_cell(email), csv_cell(mobile), level, points, joined_at,
    changed_at
  ) AS text,
FROM loyalty_account
UNION ALL SELECT 0, 0, 'card_no,crm_no,email,mobile,level,points,joined_at,changed_at';
