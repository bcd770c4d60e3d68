-- The CRM: one row per account as written, with `refused` (why a loader must refuse the row), `bad_cell` (the contract
-- column whose value it must refuse) and `person` (the truth) beside it.
CREATE MACRO mail_name(name) AS
  coalesce(nullif(regexp_replace(strip_accents(lower(name)), '[^a-z]', '', 'g'), ''), 'user');
CREATE MACRO untidy(email, chance) AS
  CASE
    WHEN chance < 0.05 THEN upper(email)
    WHEN chance < 0.08 THEN ' ' || email || '  '
    WHEN chance < 0.10 THEN 'mailto:' || email
    WHEN chance < 0.13 THEN upper(email[1]) || email[2:]
    ELSE email
  END;
CREATE MACRO phone_text(style, dial, trunk, mobile, digits) AS
  CASE style
    WHEN 0 THEN '+' || dial || mobile || digits
    WHEN 1 THEN '+' || dial || ' ' || mobile || ' ' || digits[1:3] || ' ' || digits[4:7]
    WHEN 2 THEN '00' || dial || mobile || digits
    WHEN 3 THEN trunk || mobile || ' ' || digits
    WHEN 4 THEN '(' || trunk || mobile || ') ' || digits[1:3] || '-' || digits[4:7]
    ELSE '+' || dial || '-' || mobile || '-' || digits
  END;

CREATE TABLE crm_customers AS
WITH accounts AS (
  SELECT *, account AS customer_no, person AS number, 0 AS nth FROM person
  UNION ALL BY NAME
  SELECT *, second_account AS customer_no, substr(second_account, 2)::BIGINT AS number, 1 AS nth
  FROM person WHERE second_account IS NOT NULL
),

-- Dirt only falls on people with one account, so that who has several stays known exactly.
judged AS (
  SELECT
    *,
    second_account IS NULL AND number % 500 = 100 AS dirty,
    CASE WHEN dirty AND number // 500 % 2 = 1 THEN 'missing_key' END AS refused,
    CASE
      WHEN second_account IS NULL AND number % 500 = 150
        THEN ['date_of_birth', 'customer_type', 'country', 'registration_date'][1 + number // 500 % 4]
    END AS bad_cell,
    CASE WHEN dirty AND number // 500 % 2 = 0 THEN 1 + (number // 500 % 6 = 4)::BIGINT ELSE 0 END AS repeats,
    mail_name(first_name) || '.' || mail_name(last_name) || person AS mailbox,
    ['example.com', 'example.org', 'example.net', 'mail.example'][1 + person % 4] AS domain,
    CASE
      WHEN nth = 0 THEN signup_date
      ELSE least(getvariable('until'), signup_date + 30 + floor(rnd(number, 'again') * 300)::INTEGER)
    END::DATE AS registered,
    strftime(
      least(getvariable('until'), registered + floor(rnd(number, 'changed') * 200)::INTEGER)::DATE::TIMESTAMP
      + to_seconds(seconds_of_day(number, 'changed at')), '%Y-%m-%d %H:%M:%S'
    ) AS changed_at,
  FROM accounts
  WHERE second_account IS NOT NULL OR person % 700 <> 99  -- a few were deleted here; their orders live on
)

SELECT
  CASE WHEN refused = 'missing_key' THEN CASE WHEN number // 1000 % 2 = 0 THEN NULL ELSE '' END ELSE customer_no
  END AS customer_no,
  CASE
    WHEN rnd(number, 'no name') < 0.01 THEN NULL
    WHEN nth = 1 AND rnd(number, 'initial') < 0.15 THEN first_name[1]
    ELSE first_name
  END AS first_name,
  CASE
    WHEN rnd(number, 'no surname') < 0.01 THEN ''
    WHEN nth = 1 AND rnd(number, 'shouts') < 0.2 THEN upper(last_name)
    ELSE last_name
  END AS surname,
  CASE
    WHEN twice_by = 'e-mail'
      THEN untidy(mailbox || '@' || domain, CASE nth WHEN 1 THEN rnd(number, 'mess') / 10 ELSE 1 END)
    WHEN twice_by = 'phone' AND nth = 1 THEN 'second.' || mailbox || '@' || domain
    WHEN rnd(number, 'mail') < 0.04 THEN NULL
    WHEN rnd(number, 'mail') < 0.055 THEN ''
    WHEN rnd(number, 'mail') < 0.057 THEN 'test@test.com'
    ELSE untidy(mailbox || '@' || domain, rnd(number, 'mess'))
  END AS email_address,
  CASE
    WHEN twice_by = 'phone'
      THEN phone_text(CASE nth WHEN 0 THEN 1 ELSE 2 * (person % 2) END, dial, trunk, mobile, phone_digits)
    WHEN rnd(number, 'phone') < 0.12 THEN NULL
    WHEN rnd(number, 'phone') < 0.14 THEN ['n/a', 'unknown', 'ask by e-mail', 'ext. ' || number][1 + number % 4]
    WHEN rnd(number, 'phone') < 0.142 THEN '0000000000'
    ELSE phone_text(floor(rnd(number, 'style') * 6)::INTEGER, dial, trunk, mobile, phone_digits)
  END AS phone,
  CASE
    WHEN bad_cell = 'date_of_birth' THEN ['2090-05-17', '1985-02-30', 'unknown'][1 + number // 2000 % 3]
    WHEN rnd(number, 'no birthday') < 0.1 OR (nth = 1 AND number % 2 = 0) THEN NULL
    ELSE birth_date::VARCHAR
  END AS birth_date,
  CASE WHEN bad_cell = 'registration_date' THEN 'some time ago' ELSE registered::VARCHAR END AS signup_date,
  one_of(['female', 'male', 'other', NULL], person, 'gender') AS gender,
  CASE WHEN rnd(number, 'no language') < 0.05 THEN NULL ELSE language END AS lang,
  CASE
    WHEN bad_cell = 'country' THEN ['Germany', 'DEU', 'D'][1 + number // 2000 % 3]
    WHEN rnd(number, 'no country') < 0.03 THEN NULL
    ELSE code
  END AS country,
  regions[1 + person % 3] AS state,
  cities[1 + person % 3] AS town,
  lpad((10000 + hash(person) % 80000)::VARCHAR, 5, '0') AS zip,
  timezone AS tz,
  one_of(['organic', 'search', 'social', 'referral', 'store', 'email', NULL], person, 'acquired') AS source_channel,
  CASE WHEN rnd(person, 'by campaign') < 0.2 THEN 'M' || lpad((1 + person % 9)::VARCHAR, 4, '0') END AS source_campaign,
  CASE
    WHEN bad_cell = 'customer_type' THEN ['platinum', 'VIP', '?'][1 + number // 2000 % 3]
    WHEN rnd(person, 'type') < 0.72 THEN 'regular'
    WHEN rnd(person, 'type') < 0.84 THEN 'premium'
    WHEN rnd(person, 'type') < 0.90 THEN 'enterprise'
    WHEN rnd(person, 'type') < 0.95 THEN 'trial'
  END AS tier,
  CASE WHEN rnd(number, 'never changed') < 0.02 THEN NULL ELSE changed_at END AS modified_at,
  (rnd(person, 'newsletter') < 0.6)::INTEGER AS newsletter,
  CASE WHEN copy > 0 THEN 'repeated_key' ELSE refused END AS refused,
  CASE WHEN copy = 0 AND refused IS NULL THEN bad_cell END AS bad_cell,
  person,
FROM judged
INNER JOIN country USING (country_no), unnest(range(1 + repeats)) AS t (copy)
ORDER BY number, copy;
