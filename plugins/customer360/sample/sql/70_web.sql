-- Web sessions: most are anonymous, but a client that once logged in is known by its cookie.
SET VARIABLE sessions = (SELECT sum(sessions) FROM person);
SET VARIABLE month_start = date_trunc('month', getvariable('until'));

CREATE TABLE web_sessions AS
WITH drawn AS (
  SELECT
    sessions_before + n AS session,
    person,
    account,
    second_account,
    n = 1 AND person <= 20 AS at_kiosk,  -- one cookie of many people: it must join none of them
    first_slot + floor(rnd(session, 'visit day') * slots)::BIGINT AS slot,
    favourite_category,
  FROM person, unnest(range(1, 1 + sessions)) AS t (n)
),

dated AS (
  SELECT
    *,
    session % every(getvariable('sessions'), 20, 500) = 499 AS later,  -- clients whose clock is wrong
    CASE WHEN later THEN getvariable('until') + 1 + (session % 15)::INTEGER ELSE day END::DATE AS visit_day,
    export_day_of(day, later) AS export_day,
    CASE
      WHEN session % 500 = 100 AND NOT later AND day < getvariable('month_start') AND day <= getvariable('history_day')
        THEN ['repeated_key', 'missing_key', 'missing_time'][1 + session // 500 % 3]
    END AS dirt,
  FROM drawn INNER JOIN slot USING (slot)
)

SELECT
  session,
  copy,
  export_day,
  person,
  visit_day,
  CASE WHEN dirt IS DISTINCT FROM 'missing_key' THEN printf('%016x', hash(session)) END AS session_id,
  CASE
    WHEN at_kiosk THEN 'kiosk-1'
    ELSE printf('%016x', hash(person * 4 + CASE WHEN rnd(session, 'device') < 0.7 THEN 0 ELSE 1 END))
  END AS client_id,
  CASE
    WHEN at_kiosk OR rnd(session, 'logged in') >= 0.6
      THEN used_account(account, second_account, session, 'session account')
  END AS user_id,
  CASE
    WHEN dirt IS DISTINCT FROM 'missing_time'
      THEN (visit_day::TIMESTAMP + to_seconds(seconds_of_day(session, 'visit time'))) AT TIME ZONE 'UTC'
  END AS started_at,
  (1 + floor(-6 * ln(1 - rnd(session, 'pages'))))::INTEGER AS page_count,
  floor(page_count * 90 * rnd(session, 'reads'))::INTEGER AS duration_s,
  one_of(['google', 'direct', 'newsletter', 'instagram', 'affiliate', 'bing', NULL], session, 'referrer')
    AS traffic_source,
  CASE
    WHEN at_kiosk THEN 'kiosk'
    WHEN rnd(session, 'device') < 0.7 THEN 'mobile'
    WHEN person % 9 = 4 THEN 'tablet'
    ELSE 'desktop'
  END AS device,
  CASE
    WHEN rnd(session, 'lands') < 0.75
      THEN ['Fashion', 'Electronics', 'Books', 'Kitchen', 'Beauty', 'Outdoor', 'Toys & Games', 'Home'][
        1 + CASE WHEN rnd(session, 'lands') < 0.4 THEN favourite_category ELSE session % 8 END
      ]
  END AS landing_category,
  one_of(['Firefox', 'Chrome', 'Safari', 'Edge'], session, 'browser') AS browser,
  CASE WHEN copy > 0 THEN 'repeated_key' WHEN dirt <> 'repeated_key' THEN dirt END AS refused,
  NULL::VARCHAR AS bad_cell,
FROM dated, unnest(range(1 + coalesce(dirt = 'repeated_key', FALSE)::INTEGER)) AS t (copy);
