-- Campaigns, one every 15 days, and what people did with them, as nested JSON documents the way an API hands them out.
SET VARIABLE campaigns = greatest(4, getvariable('days') // 15 + 1);
SET VARIABLE touches = (SELECT sum(touches) FROM person);

CREATE TABLE campaign AS
SELECT
  n AS campaign,
  'M' || lpad((n + 1)::VARCHAR, 4, '0') AS campaign_id,
  (getvariable('first_day') + (15 * n)::INTEGER)::DATE AS starts,
  (starts + 13)::DATE AS ends,
  ['email', 'email', 'sms', 'push', 'social'][1 + n % 5] AS channel,
  CASE WHEN n = 2 THEN 'budget' END AS bad_cell,
FROM range(getvariable('campaigns')) AS t (n)
ORDER BY campaign;

CREATE VIEW campaign_documents AS
SELECT
  campaign,
  to_json({
    'id': campaign_id,
    'name': ['Été – "Summer"', 'New in', 'Win back', 'Loyalty week', 'Winter sale'][1 + campaign % 5]
      || ' ' || year(starts),
    'starts': starts, 'ends': ends, 'channel': channel,
    'audience': ['all', 'buyers', 'lapsed', 'newsletter', NULL][1 + campaign % 5],
    'budget': CASE
      WHEN bad_cell = 'budget' THEN '"to be agreed"'
      ELSE (500 + 250 * (campaign % 9))::VARCHAR || '.00'
    END::JSON,
    'cost_per_send': CASE channel WHEN 'sms' THEN 0.07 WHEN 'social' THEN 0.02 WHEN 'email' THEN 0.004 END,
    'created_by': {'team': 'crm', 'user': campaign % 3}
  })::VARCHAR AS text,
FROM campaign;

CREATE TABLE response AS
WITH touched AS (  -- a person is touched by different campaigns, from the first after they came
  SELECT
    touches_before + n AS touch,
    person,
    account,
    second_account,
    (active_from - getvariable('first_day') + 14) // 15 AS first_campaign,
    getvariable('campaigns') - first_campaign AS choices,
    first_campaign + (floor(rnd(person, 'first campaign') * choices)::BIGINT + n) % choices AS campaign,
  FROM person, unnest(range(1, 1 + touches)) AS t (n)
  WHERE n <= choices
),

sent AS (
  SELECT
    touched.*,
    campaign_id,
    channel,
    used_account(account, second_account, touch, 'touched account') AS contact,
    starts::TIMESTAMP + to_seconds(floor(rnd(touch, 'sent') * 86400 * 13)::BIGINT) AS sent_at,
    rnd(touch, 'bounces') < 0.03 AS bounced,
    rnd(touch, 'opens') < 0.34 AS opened,
    touch % every(getvariable('touches'), 8, 200) = 199 AS later,
    starts < getvariable('history_day') - 14 AND NOT later AS may_be_dirty,
    CASE
      WHEN may_be_dirty AND touch % 200 = 40
        THEN ['broken_line', 'missing_key', 'repeated_key', 'unparsable_time'][1 + touch // 200 % 4]
    END AS dirt,
    CASE WHEN may_be_dirty AND touch % 200 = 140 THEN 'conversion_value' END AS bad_cell,
  FROM touched INNER JOIN campaign USING (campaign)
),

-- 1 sent, 2 arrived or bounced, 3 opened, 4 clicked or bought, 5 left, 6 a type nobody knows, 7 the first told twice
happened AS (
  SELECT
    sent.* EXCLUDE (bad_cell),
    step,
    CASE step
      WHEN 2 THEN CASE WHEN bounced THEN 'bounced' ELSE 'delivered' END
      WHEN 3 THEN 'open'
      WHEN 4 THEN CASE WHEN rnd(touch, 'buys') < 0.2 THEN 'purchase' ELSE 'click' END
      WHEN 5 THEN CASE WHEN rnd(touch, 'angry') < 0.15 THEN 'complaint' ELSE 'unsubscribe' END
      WHEN 6 THEN ['forwarded', 'viewed_in_browser'][1 + touch % 2]
      ELSE 'sent'
    END AS event,
    sent_at + to_seconds(CASE step
      WHEN 1 THEN 0
      WHEN 7 THEN 0
      WHEN 2 THEN 5 + touch % 60
      ELSE 60 + floor(rnd(touch, 'hesitates') * 200000)::BIGINT + 90 * step
    END) AS natural_at,
    CASE
      WHEN later AND step > 2 THEN getvariable('until')::TIMESTAMP + to_seconds(86400 + touch % 500000)
      ELSE natural_at
    END AS happened_at,
    CASE WHEN step = 7 THEN 'repeated_key' WHEN step = 1 AND dirt <> 'repeated_key' THEN dirt END AS refused,
    CASE WHEN step = 1 THEN sent.bad_cell END AS bad_cell,
  FROM sent, unnest([1, 7, 2, 3, 4, 5, 6]) AS t (step)
  WHERE CASE step
    WHEN 7 THEN coalesce(dirt = 'repeated_key', FALSE)
    WHEN 3 THEN opened AND NOT bounced
    WHEN 4 THEN opened AND NOT bounced AND rnd(touch, 'clicks') < 0.28
    WHEN 5 THEN NOT bounced AND rnd(touch, 'leaves') < 0.009
    WHEN 6 THEN opened AND NOT bounced AND rnd(touch, 'odd') < 0.006
    ELSE TRUE
  END
)

SELECT
  touch,
  step,
  person,
  contact,
  campaign_id,
  channel,
  event,
  happened_at,
  export_day_of(natural_at::DATE, FALSE) AS export_day,
  refused,
  bad_cell,
FROM happened
WHERE natural_at::DATE <= getvariable('until')
ORDER BY touch, step;

CREATE VIEW response_files AS
WITH documents AS (
  SELECT
    *,
    to_json({
      'id': CASE
        WHEN refused IS DISTINCT FROM 'missing_key' THEN 'R' || lpad((touch * 8 + (step - 1) % 6)::VARCHAR, 10, '0')
      END,
      'campaign': campaign_id,
      'contact': contact,
      'event': event,
      'ts': CASE
        WHEN refused = 'unparsable_time' THEN '2023-02-30T99:00:00Z'
        ELSE strftime(happened_at, '%Y-%m-%dT%H:%M:%SZ')
      END,
      'variant': CASE WHEN channel = 'email' THEN ['A', 'B'][1 + touch % 2] END,
      'value': CASE
        WHEN bad_cell IS NOT NULL THEN '"n/a"'
        WHEN event = 'purchase' THEN (5 + touch % 90)::VARCHAR || '.' || (10 + touch % 89)::VARCHAR
        ELSE 'null'
      END::JSON,
      'client': {'agent': one_of(['Mail/1.0', 'Web "mail", 2', 'App/3'], touch, 'agent'), 'lang': NULL}
    })::VARCHAR AS document,
  FROM response
)

SELECT
  export_day,
  happened_at,
  touch,
  step,
  CASE WHEN refused = 'broken_line' THEN left(document, 40) ELSE document END AS text,
FROM documents;
