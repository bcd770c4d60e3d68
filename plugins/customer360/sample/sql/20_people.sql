-- One row per person: who they are and how much they do. What source systems know of them is written by later files.
SET VARIABLE first_names = [
  'Anna', 'Zoë', 'José', 'Łukasz', 'Søren', 'Ágnes', 'Jürgen', 'Renée', 'Ayşe', '李', 'Đặng', 'Мария', 'Νίκος', 'Siân',
  'Q', 'O', 'Mary Jane', 'Jean-Luc', 'Marie', 'Paul', 'Emma', 'Noah', 'Mia', 'Luca', 'Sofia', 'Hugo', 'Lena', 'Jonas',
  'Clara', 'Felix', 'Ida', 'Oskar', 'Nora', 'Emil', 'Greta', 'Anton', 'Frieda', 'Theo', 'Alma', 'Bruno', 'Chiara',
  'Matteo', 'Giulia', 'Marco', 'Elena', 'Pablo', 'Lucía', 'Diego', 'Inés', 'Camille', 'Louis', 'Manon', 'Jules',
  'Katarzyna', 'Piotr', 'Zofia', 'Jan', 'Daan', 'Sanne', 'Bram', 'Fleur', 'Fatma', 'Mehmet', 'Yusuf', 'Amina', 'Ivan',
  'Olga', 'Dmitri', 'Chloé', 'Björn', 'Åsa', 'Frederik', 'Maximilian', 'Alexandra', 'Konstantin', 'Wilhelmina'
];
SET VARIABLE last_names = [
  'Müller', 'O''Brien', 'García Márquez', 'van der Berg', 'Ó', '王', 'Nguyễn', 'Smith', 'Schmidt', 'Weiß', 'Fischer',
  'Weber', 'Wagner', 'Becker', 'Hoffmann', 'Koch', 'Bauer', 'Richter', 'Klein', 'Wolf', 'Schröder', 'Neumann', 'Braun',
  'Zimmermann', 'Krüger', 'Hartmann', 'Lange', 'Rossi', 'Russo', 'Ferrari', 'Bianchi', 'Romano', 'Greco', 'De Luca',
  'Martin', 'Bernard', 'Dubois', 'Durand', 'Lefèvre', 'Moreau', 'Fontaine', 'Chevalier', 'Fernández', 'López', 'Pérez',
  'Sánchez', 'Ramírez', 'Núñez', 'Kowalski', 'Nowak', 'Wiśniewski', 'Zieliński', 'Szymański', 'de Vries', 'Jansen',
  'Bakker', 'Visser', 'Peeters', 'Maes', 'Janssens', 'Gruber', 'Huber', 'Steiner', 'Moser', 'Yılmaz', 'Kaya', 'Demir',
  'Иванова', 'Παπαδόπουλος', 'Andersson', 'Lindström', 'Hansen', 'Kjær', 'Horváth', 'Novák', 'Dvořák', 'Smith-Jones'
];

-- The mobile prefixes, followed by any seven digits, make valid numbers.
CREATE TABLE country (country_no INTEGER, code VARCHAR, dial VARCHAR, trunk VARCHAR, mobile VARCHAR, language VARCHAR,
  timezone VARCHAR, cities VARCHAR[], regions VARCHAR[]);
INSERT INTO country VALUES
  (0, 'DE', '49', '0', '1512', 'de', 'Europe/Berlin', ['Berlin', 'Köln', 'Hamburg'], ['BE', 'NW', 'HH']),
  (1, 'DE', '49', '0', '1512', 'de', 'Europe/Berlin', ['München', 'Leipzig', 'Stuttgart'], ['BY', 'SN', 'BW']),
  (2, 'FR', '33', '0', '61', 'fr', 'Europe/Paris', ['Paris', 'Lyon', 'Saint-Étienne'], ['IDF', 'ARA', 'ARA']),
  (3, 'NL', '31', '0', '61', 'nl', 'Europe/Amsterdam', ['Amsterdam', '''s-Gravenhage', 'Utrecht'], ['NH', 'ZH', 'UT']),
  (4, 'ES', '34', '', '61', 'es', 'Europe/Madrid', ['Madrid', 'Cádiz', 'A Coruña'], ['MD', 'AN', 'GA']),
  (5, 'IT', '39', '', '347', 'it', 'Europe/Rome', ['Roma', 'Milano', 'Forlì'], ['62', '25', '45']),
  (6, 'AT', '43', '0', '664', 'de', 'Europe/Vienna', ['Wien', 'Graz', 'Linz'], ['9', '6', '4']),
  (7, 'PL', '48', '', '60', 'pl', 'Europe/Warsaw', ['Warszawa', 'Łódź', 'Kraków'], ['14', '10', '12']),
  (8, 'BE', '32', '0', '47', 'nl', 'Europe/Brussels', ['Antwerpen', 'Liège', 'Gent'], ['VAN', 'WLG', 'VOV']);

CREATE TABLE person AS
WITH born AS (
  SELECT
    n AS person,
    one_of(getvariable('first_names'), n, 'first name') AS first_name,
    one_of(getvariable('last_names'), n, 'last name') AS last_name,
    CASE  -- leap days are people, too
      WHEN n % 97 = 29 THEN make_date(1960 + 4 * (n % 11)::INTEGER, 2, 29)
      ELSE (DATE '1938-01-01' + floor(rnd(n, 'born') * 25200)::INTEGER)::DATE
    END AS birth_date,
    floor(9 * rnd(n, 'country') * sqrt(rnd(n, 'home market')))::INTEGER AS country_no,
    lpad(((n * 7919 + getvariable('seed')) % 10000000)::VARCHAR, 7, '0') AS phone_digits,  -- no two people's are equal
    -- Almost a third were customers before the first day; of the others more come every month.
    CASE
      WHEN rnd(n, 'known before') < 0.3 THEN getvariable('first_day') - 1 - floor(rnd(n, 'signup') * 1000)::INTEGER
      ELSE getvariable('first_day') + floor(getvariable('days') * pow(rnd(n, 'signup'), 0.75))::INTEGER
    END::DATE AS signup_date,
    -- About 4 % registered a second time. A shop needs more than one way to find that out.
    CASE WHEN rnd(n, 'twice') < 0.025 THEN 'e-mail' WHEN rnd(n, 'twice') < 0.04 THEN 'phone' END AS twice_by,
    (n * 7 + floor(rnd(n, 'taste') * 8)::BIGINT) % 8 AS favourite_category,
  FROM range(1, getvariable('customers') + 1) AS t (n)
),

active AS (
  SELECT
    *,
    greatest(signup_date, getvariable('first_day'))::DATE AS active_from,
    CASE  -- more than a third leave some day
      WHEN rnd(person, 'leaves') < 0.38 THEN
        least(
          getvariable('until'),
          greatest(signup_date, getvariable('first_day')) + floor(-200 * ln(1 - rnd(person, 'stays')))::INTEGER
        )
      ELSE getvariable('until')
    END::DATE AS active_to,
    -- Heavy tails (Lomax): most buy little, a few very much; who buys much also looks more.
    pow(1 - rnd(person, 'appetite'), -0.4) - 1 AS appetite,
    pow(1 - rnd(person, 'curiosity'), -0.4) - 1 AS curiosity,
  FROM born
),

counted AS (
  SELECT
    *,
    (active_to - active_from + 1) / 730.0 AS share,
    least(300, floor(share * 13.2 * appetite + rnd(person, 'orders')))::BIGINT AS orders,
    greatest(
      least(900, floor(share * (8 + 12 * appetite + 12 * curiosity) + rnd(person, 'sessions')))::BIGINT,
      (person <= 20)::BIGINT  -- the kiosk's users, see web
    ) AS sessions,
    least(90, floor(share * -1.23 * ln(1 - rnd(person, 'trouble')) + rnd(person, 'contacts')))::BIGINT AS contacts,
    least(40, floor(share * -2.70 * ln(1 - rnd(person, 'reach')) + rnd(person, 'touches')))::BIGINT AS touches,
  FROM active
)

SELECT
  counted.* EXCLUDE (share, appetite, curiosity),
  'C' || lpad(person::VARCHAR, 7, '0') AS account,
  CASE
    WHEN twice_by IS NOT NULL
      THEN 'C' || lpad((getvariable('customers') + count(twice_by) OVER so_far)::VARCHAR, 7, '0')
  END AS second_account,
  calendar_from.first_slot,
  calendar_to.first_slot + calendar_to.slots - calendar_from.first_slot AS slots,
  (sum(sessions) OVER so_far - sessions)::BIGINT AS sessions_before,
  (sum(contacts) OVER so_far - contacts)::BIGINT AS contacts_before,
  (sum(touches) OVER so_far - touches)::BIGINT AS touches_before,
FROM counted
INNER JOIN calendar AS calendar_from ON calendar_from.day = active_from
INNER JOIN calendar AS calendar_to ON calendar_to.day = active_to
WINDOW so_far AS (ORDER BY person ROWS UNBOUNDED PRECEDING)
ORDER BY person;

-- Which of a person's accounts an activity used.
CREATE MACRO used_account(account, second_account, number, salt) AS
  CASE WHEN second_account IS NOT NULL AND rnd(number, salt) < 0.4 THEN second_account ELSE account END;
