-- What people did in some of their web sessions. In a session that began anonymously some log in, and so tell whose
-- cookie it is; part of the app's people come with the id of the app.
SET VARIABLE categories = ['Home', 'Fashion', 'Electronics', 'Books', 'Kitchen', 'Beauty', 'Outdoor', 'Toys & Games'];
SET VARIABLE portal_types = [
  'LOGIN', 'DOCUMENT_VIEW', 'MESSAGE_READ', 'LOGIN', 'PROFILE_UPDATE', 'POLICY_VIEW', 'QUOTE_VIEW', 'MESSAGE_SENT',
  'LOGOUT', 'DOCUMENT_UPLOAD', 'QUOTE_REQUEST', 'CLAIM_SUBMIT'
];

CREATE TABLE web_events AS
WITH tracked AS (
  SELECT
    session,
    person,
    visit_day,
    export_day,
    client_id,
    user_id,
    device,
    browser,
    traffic_source,
    coalesce(landing_category, one_of(getvariable('categories'), session, 'looks at')) AS landing,
    1 + least(11, floor(-3 * ln(1 - rnd(session, 'clicks'))))::BIGINT AS events,
    (sum(events) OVER (ORDER BY session) - events)::BIGINT AS events_before,
  FROM web_sessions WHERE copy = 0 AND rnd(session, 'tracked') < 0.15
),

happened AS (
  SELECT
    tracked.*,
    events_before + n AS event,
    n AS step,
    rnd(event, 'kind') AS kind,
    CASE
      WHEN kind < 0.50 THEN 'PAGE_VIEW'
      WHEN kind < 0.60 THEN 'SEARCH'
      WHEN kind < 0.66 THEN 'BUTTON_CLICK'
      WHEN kind < 0.69 THEN 'FORM_SUBMIT'
      WHEN kind < 0.74 THEN 'PURCHASE'
      WHEN kind < 0.76 THEN 'CUSTOM'
      WHEN kind < 0.79 THEN one_of(['wishlist_add', 'Video Play', 'chat-opened'], event, 'odd kind')
      WHEN kind < 0.80 THEN ''
      ELSE one_of(getvariable('portal_types'), event, 'in the portal')
    END AS type,
    visit_day < getvariable('month_start') AND visit_day <= getvariable('history_day') AS may_be_dirty,
    CASE
      WHEN may_be_dirty AND event % 500 = 100
        THEN ['repeated_key', 'missing_key', 'missing_time'][1 + event // 500 % 3]
    END AS dirt,
    CASE WHEN may_be_dirty AND event % 500 = 300 THEN ['properties', 'country'][1 + event // 500 % 2] END AS bad_cell,
  FROM tracked, unnest(range(1, 1 + events)) AS t (n)
),

named AS (
  SELECT
    happened.* EXCLUDE (user_id),
    code,
    cities,
    coalesce(
      user_id,
      CASE
        WHEN list_contains(getvariable('portal_types'), type)
          THEN used_account(account, second_account, session, 'session account')
      END
    ) AS crm_user,
    crm_user IS NOT NULL AND app_account IS NOT NULL AND device = 'mobile' AND rnd(session, 'in the app') < 0.5
      AS in_app,
    CASE WHEN in_app THEN app_account ELSE crm_user END AS user_id,
  FROM happened
  INNER JOIN person USING (person)
  INNER JOIN country USING (country_no)
  LEFT JOIN app_user USING (person)
)

SELECT
  event,
  copy,
  export_day,
  person,
  visit_day,
  CASE WHEN dirt IS DISTINCT FROM 'missing_key' THEN printf('E%016x', hash(event)) END AS event_no,
  printf('%016x', hash(session)) AS session_id,
  client_id,
  user_id,
  CASE WHEN in_app THEN 'app' END AS user_system,
  CASE event % 5 WHEN 0 THEN lower(type) WHEN 1 THEN type[1] || lower(type[2:]) ELSE type END AS type,
  CASE
    WHEN type = 'PAGE_VIEW' THEN 'Page ' || step
    WHEN type = 'CUSTOM' THEN 'size_guide'
    WHEN type = '' THEN 'untyped'
    WHEN type = 'Video Play' AND event % 2 = 0 THEN 'Product film'
  END AS name,
  CASE
    WHEN type IN ('PAGE_VIEW', 'SEARCH', 'PURCHASE') AND rnd(event, 'about') < 0.9
      THEN CASE
        WHEN rnd(event, 'stays') < 0.6 THEN landing
        ELSE one_of(getvariable('categories'), event, 'moves on')
      END
  END AS category,
  CASE WHEN type IN ('PURCHASE', 'QUOTE_REQUEST') THEN (5 + event % 200 + 0.95)::DECIMAL(9, 2) END AS value,
  CASE
    WHEN bad_cell = 'properties' THEN ['{"query": ', '{"ratio": NaN}'][1 + event // 1000 % 2]
    WHEN type = 'SEARCH'
      THEN to_json({'query': one_of(['käse', 'lamp "red"', 'tent', ''], event, 'query'), 'hits': event % 40})::VARCHAR
    WHEN type LIKE 'DOCUMENT%'
      THEN to_json({'document': {'kind': 'invoice', 'pages': [1, 2]}, 'size': event % 900})::VARCHAR
    WHEN rnd(event, 'tells') < 0.3 THEN to_json({'scroll': (event % 100) / 100, 'ab': ['A', NULL]})::VARCHAR
  END AS properties,
  'https://shop.example/' || CASE WHEN type = 'SEARCH' THEN 'search?page=' || step ELSE 'page/' || event % 500 END
    AS url,
  CASE WHEN step = 1 THEN 'https://' || coalesce(nullif(traffic_source, 'direct'), 'www') || '.example/' END
    AS referrer,
  CASE WHEN traffic_source IN ('newsletter', 'affiliate') THEN traffic_source END AS utm_source,
  CASE traffic_source WHEN 'newsletter' THEN 'email' WHEN 'affiliate' THEN 'referral' END AS utm_medium,
  CASE WHEN traffic_source = 'newsletter' THEN 'M' || lpad((1 + session % 4)::VARCHAR, 4, '0') END AS utm_campaign,
  device,
  browser,
  CASE device WHEN 'mobile' THEN ['Android', 'iOS'][1 + person % 2] WHEN 'desktop' THEN 'Windows' END AS os,
  CASE
    WHEN bad_cell = 'country' THEN 'Europe'
    WHEN event % 20 = 7 THEN NULL
    ELSE lower(code)
  END AS geo_country,
  cities[1 + person % 3] AS geo_city,
  CASE
    WHEN dirt IS DISTINCT FROM 'missing_time'
      THEN (visit_day::TIMESTAMP + to_seconds(seconds_of_day(session, 'visit time') + 45 * step)) AT TIME ZONE 'UTC'
  END AS happened_at,
  CASE WHEN copy > 0 THEN 'repeated_key' WHEN dirt <> 'repeated_key' THEN dirt END AS refused,
  bad_cell,
FROM named, unnest(range(1 + coalesce(dirt = 'repeated_key', FALSE)::INTEGER)) AS t (copy);
