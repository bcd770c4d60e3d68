-- How other systems can recognise the CRM's people: the first account's e-mail address and telephone number, as E.164,
-- where the CRM has them in a form that needs no guess at the country.
CREATE TABLE reach AS
SELECT
  person,
  account,
  second_account,
  CASE WHEN written_mail LIKE '%_@_%' AND written_mail <> 'test@test.com' THEN written_mail END AS mail,
  CASE
    WHEN regexp_matches(written_phone, '^(\+|00[1-9])')
      THEN '+' || regexp_replace(regexp_replace(written_phone, '[^0-9]', '', 'g'), '^00', '')
  END AS phone,
  -- An address that is theirs and nobody else's, for other systems to put a word before.
  mail_name(first_name) || '.' || mail_name(last_name) || person || '@mail.example' AS own_address,
FROM (
  SELECT
    person,
    regexp_replace(lower(trim(email_address)), '^mailto:', '') AS written_mail,
    phone AS written_phone,
    customer_no,
  FROM crm_customers WHERE refused IS NULL
)
INNER JOIN person USING (person)
WHERE customer_no = account
ORDER BY person;

-- People of the app, a system that delivers nothing of its own: only its ids appear, in events and in identities.
CREATE MACRO app_id(person) AS 'A' || lpad(person::VARCHAR, 7, '0');
CREATE TABLE app_user AS
SELECT person, app_id(person) AS app_account
FROM reach WHERE rnd(person, 'has the app') < 0.06;

-- People of the loyalty programme only. No number, and so no address and no telephone, is that of a customer.
CREATE TABLE outsider AS
SELECT
  getvariable('customers') + n AS person,
  n AS nth,
  mail_name(one_of(getvariable('first_names'), person, 'first name')) || '.'
  || mail_name(one_of(getvariable('last_names'), person, 'last name')) || person || '@example.com' AS mail,
  '+' || dial || mobile || lpad(((person * 7919 + getvariable('seed')) % 10000000)::VARCHAR, 7, '0') AS phone,
FROM range(1, greatest(8, getvariable('customers') // 50) + 1) AS t (n)
INNER JOIN country ON country_no = n % 9
ORDER BY n;

-- A few people with one account, whom nothing above happens to: those that somebody has to decide about.
CREATE TABLE role AS
SELECT row_number() OVER (ORDER BY person) AS nth, person, account, own_address
FROM reach
WHERE second_account IS NULL AND mail IS NOT NULL AND person > 20
  AND rnd(person, 'loyal') >= 0.25 AND rnd(person, 'has the app') >= 0.06
QUALIFY nth <= 30
ORDER BY nth;
