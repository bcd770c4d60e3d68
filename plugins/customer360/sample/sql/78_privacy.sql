-- Consents asked for, by customer of the CRM or of the loyalty programme: given, refused, taken back, given for a time,
-- and answered differently with two accounts of one person.
CREATE TABLE consent AS
WITH purposes AS (
  SELECT * FROM (
    VALUES
      (0, 'MARKETING_EMAIL', 0.60, 0.70),
      (1, 'MARKETING_SMS', 0.25, 0.45),
      (2, 'MARKETING_PUSH', 0.20, 0.55),
      (3, 'DATA_PROCESSING', 0.30, 0.97),
      (4, 'THIRD_PARTY_SHARING', 0.10, 0.15),
      (5, 'ANALYTICS_TRACKING', 0.30, 0.60),
      (6, 'PERSONALIZATION', 0.15, 0.75),
      (7, 'PROFILING', 0.15, 0.75)
  ) AS t (purpose_no, purpose, asked, yes)
),

asked AS (  -- first answers, then what some thought better of, then those of second accounts
  SELECT
    reach.person,
    (reach.person * 8 + purpose_no) * 4 + n AS draw,
    purpose,
    CASE n WHEN 2 THEN reach.second_account ELSE account END AS customer,
    rnd(draw - n, 'says') < yes AS first_answer,
    CASE n WHEN 1 THEN NOT first_answer WHEN 2 THEN rnd(draw, 'says') < 0.5 ELSE first_answer END AS granted,
    greatest(signup_date, getvariable('first_day'))::DATE AS earliest,
    least(getvariable('until'), earliest + floor(40 * rnd(draw - n, 'is asked on'))::INTEGER)::DATE AS asked_on,
    CASE
      WHEN n = 0 THEN asked_on
      ELSE least(getvariable('until'), asked_on + 1 + floor(300 * rnd(draw, 'thinks'))::INTEGER)
    END::DATE AS answered_on,
  FROM reach INNER JOIN person USING (person, account), purposes, unnest([0, 1, 2]) AS t (n)
  WHERE rnd(draw - n, 'is asked') < asked
    AND CASE n
      WHEN 1 THEN rnd(draw, 'changes') < 0.15 AND asked_on < getvariable('until')
      WHEN 2 THEN reach.second_account IS NOT NULL AND rnd(draw, 'asked twice') < 0.6
      ELSE TRUE
    END
),

answers AS (
  SELECT draw, person, NULL AS system, customer, purpose, granted, answered_on FROM asked
  UNION ALL BY NAME
  SELECT
    person * 32 AS draw,
    person,
    'loyalty' AS system,
    card_no AS customer,
    'MARKETING_EMAIL' AS purpose,
    rnd(person, 'joins in') < 0.7 AS granted,
    getvariable('until') - floor(60 * rnd(person, 'joins on'))::INTEGER AS answered_on,
  FROM loyalty_account WHERE how = 'outsider' AND nth = 0
),

numbered AS (
  SELECT
    *,
    row_number() OVER (ORDER BY draw) AS number,
    number % 400 = 399 AS later,  -- forms signed for next week
    answered_on < date_trunc('month', getvariable('until')) AND answered_on <= getvariable('history_day') AND NOT later
      AS may_be_dirty,
    CASE
      WHEN may_be_dirty AND number % 500 = 100
        THEN ['missing_key', 'repeated_key', 'unparsable_time', 'unknown_type', 'missing_customer'][
          1 + number // 500 % 5
        ]
    END AS dirt,
    CASE WHEN may_be_dirty AND number % 500 = 300 THEN ['granted', 'expires_at'][1 + number // 500 % 2] END AS bad_cell,
    CASE WHEN later THEN getvariable('until') + 7 ELSE answered_on END::DATE AS recorded_on,
    CASE  -- never on the last day or the next, where one may ask whether it still holds
      WHEN NOT later AND rnd(draw, 'for a time') < 0.1
        THEN answered_on + 120 + CASE WHEN getvariable('until') - answered_on BETWEEN 119 AND 121 THEN 30 ELSE 0 END
    END::DATE AS ends_on,
  FROM answers
)

SELECT
  number,
  copy,
  person,
  export_day_of(answered_on, later) AS export_day,
  coalesce(system, 'crm') AS source_system,
  customer,
  purpose,
  coalesce(bad_cell <> 'granted', TRUE) AND granted AS granted,
  recorded_on,
  CASE WHEN bad_cell IS DISTINCT FROM 'expires_at' THEN ends_on END AS ends_on,
  later,
  CASE WHEN copy > 0 THEN 'repeated_key' WHEN dirt <> 'repeated_key' THEN dirt END AS refused,
  bad_cell,
  concat_ws(
    ',',
    CASE WHEN dirt = 'missing_key' THEN '' ELSE 'N' || lpad(number::VARCHAR, 9, '0') END,
    CASE WHEN dirt = 'missing_customer' THEN ' ' ELSE customer END,
    CASE WHEN system IS NULL AND number % 2 = 0 THEN 'crm' ELSE coalesce(system, '') END,
    CASE WHEN dirt = 'unknown_type' THEN 'FLYERS' WHEN number % 3 = 0 THEN lower(purpose) ELSE purpose END,
    CASE WHEN bad_cell = 'granted' THEN 'perhaps' ELSE granted::VARCHAR END,
    one_of(['preference_center', 'call', 'store', 'sign-up form'], number, 'where'),
    CASE
      WHEN dirt = 'unparsable_time' THEN '31.06.'
      ELSE strftime(recorded_on::TIMESTAMP + to_seconds(seconds_of_day(draw, 'signs')), '%Y-%m-%dT%H:%M:%SZ')
    END,
    CASE WHEN bad_cell = 'expires_at' THEN 'never' ELSE coalesce(strftime(ends_on, '%Y-%m-%d'), '') END
  ) AS text,
FROM numbered, unnest(range(1 + coalesce(dirt = 'repeated_key', FALSE)::INTEGER)) AS t (copy)
ORDER BY number, copy;

CREATE VIEW consent_files AS
SELECT export_day, number, copy, text FROM consent
UNION ALL
SELECT DISTINCT export_day, 0, 0, 'record_no,customer,system,purpose,granted,channel,recorded_at,valid_until'
FROM consent;
