-- The help desk's exports: one for the history, then one a day. The free text is why CSV is hard to read.
CREATE MACRO csv_cell(text) AS
  CASE
    WHEN text IS NULL THEN ''
    WHEN regexp_matches(text, '[",\n]') THEN '"' || replace(text, '"', '""') || '"'
    ELSE text
  END;
SET VARIABLE contacts = (SELECT sum(contacts) FROM person);
SET VARIABLE comments = [
  'Parcel arrived late', 'Wrong size, please exchange', 'She said: "never again", then hung up',
  E'Dear team,\nthe lamp is broken.\nRegards', E'Two lines:\n"quoted", with a comma', 'Très contente, merci !', '配送很快',
  'Refund, or a new one?', '', NULL, 'ok', 'Invoice no. 12,345 "copy" missing', E'\nempty first line'
];

CREATE TABLE support_contacts AS
WITH drawn AS (
  SELECT
    contacts_before + n AS contact,
    getvariable('contacts') AS total,
    person.*,
    first_slot + floor(rnd(contact, 'contact day') * slots)::BIGINT AS slot,
  FROM person, unnest(range(1, 1 + contacts)) AS t (n)
),

dated AS (
  SELECT
    contact,
    person,
    used_account(account, second_account, contact, 'contact account') AS account,
    CASE WHEN day <= getvariable('history_day') THEN getvariable('history_day') ELSE day END AS export_day,
    contact % every(total, 8, 150) = 149 AS later,  -- call-backs agreed for next week
    day::TIMESTAMP + to_seconds(seconds_of_day(contact, 'contact time') + later::BIGINT * 86400 * 8) AS shifted_at,
    CASE WHEN later THEN greatest(shifted_at, getvariable('until')::TIMESTAMP + INTERVAL 33 HOUR) ELSE shifted_at END
      AS opened_at,
    day < getvariable('history_day') AND NOT later AS may_be_dirty,
    CASE
      WHEN may_be_dirty AND contact % 500 = 100
        THEN ['broken_line', 'repeated_key', 'unparsable_time', 'missing_key'][1 + contact // 500 % 4]
    END AS dirt,
    CASE WHEN may_be_dirty AND contact % 500 = 50 THEN 'satisfaction_score' END AS bad_cell,
  FROM drawn INNER JOIN slot USING (slot)
)

SELECT
  contact,
  copy,
  export_day,
  opened_at,
  person,
  CASE WHEN dirt = 'missing_key' THEN '' ELSE 'S' || lpad(contact::VARCHAR, 8, '0') END AS ticket_id,
  CASE WHEN rnd(contact, 'caller unknown') >= 0.03 THEN account END AS customer_no,
  CASE WHEN dirt = 'unparsable_time' THEN 'last Tuesday' ELSE strftime(opened_at, '%Y-%m-%dT%H:%M:%SZ') END
    AS opened_at_text,
  CASE
    WHEN rnd(contact, 'type') < 0.30 THEN 'complaint'
    WHEN rnd(contact, 'type') < 0.75 THEN 'inquiry'
    WHEN rnd(contact, 'type') < 0.90 THEN 'feedback'
    ELSE 'return'
  END AS ticket_type,
  CASE
    WHEN rnd(contact, 'about') < 0.6
      THEN 'P' || lpad((1 + floor(getvariable('products') * pow(rnd(contact, 'which'), 2)))::BIGINT::VARCHAR, 5, '0')
  END AS sku,
  CASE
    WHEN rnd(contact, 'end') < 0.70 THEN 'resolved'
    WHEN rnd(contact, 'end') < 0.82 THEN 'escalated'
    WHEN rnd(contact, 'end') < 0.90 THEN 'pending'
    WHEN rnd(contact, 'end') < 0.97 THEN 'open'
  END AS status,
  CASE
    WHEN bad_cell = 'satisfaction_score' THEN ['9', 'happy', '0'][1 + contact // 500 % 3]
    WHEN rnd(contact, 'silent') < 0.45 THEN NULL
    ELSE (1 + floor(5 * pow(rnd(contact, 'score'), 0.5)))::INTEGER::VARCHAR
  END AS csat,
  one_of(getvariable('comments'), contact, 'comment') AS comment,
  CASE WHEN copy > 0 THEN 'repeated_key' WHEN dirt <> 'repeated_key' THEN dirt END AS refused,
  bad_cell,
FROM dated, unnest(range(1 + coalesce(dirt = 'repeated_key', FALSE)::INTEGER)) AS t (copy)
ORDER BY contact, copy;

-- An export that was cut off: it ends within a quoted cell. Only where there are rows enough to bear it.
INSERT INTO support_contacts BY NAME
SELECT max(contact) + 1 AS contact, 0 AS copy, getvariable('history_day') AS export_day, 'broken_line' AS refused
FROM support_contacts HAVING count(*) >= 500;

-- The lines of the export files. Those without a contact number are the headers.
CREATE VIEW support_files AS
SELECT
  export_day,
  contact,
  copy,
  CASE
    WHEN ticket_id IS NULL THEN 'S99999999,C0000001,2024-01-01T10:00:00Z,inquiry,,open,,"The line went'
    WHEN refused = 'broken_line' AND contact // 2000 % 2 = 0
      THEN ticket_id || ',' || coalesce(customer_no, '') || ',2023-'
    WHEN refused = 'broken_line'
      THEN concat_ws(',', ticket_id, '', opened_at_text, ticket_type, '', 'open', '', 'late', 'and wet')
    ELSE concat_ws(
      ',', ticket_id, coalesce(customer_no, ''), opened_at_text, ticket_type, coalesce(sku, ''), coalesce(status, ''),
      coalesce(csat, ''), csv_cell(comment)
    )
  END AS text,
FROM support_contacts
UNION ALL
SELECT
  (getvariable('history_day') + n::INTEGER)::DATE,
  0,
  0,
  'ticket_id,customer_no,opened_at,ticket_type,sku,status,csat,comment'
FROM range(1 + getvariable('daily_files')) AS t (n);  -- a day on which nobody called has an export, too
