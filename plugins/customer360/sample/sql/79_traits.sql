-- What other systems know of customers: documents of every kind, some expired, some of a day to come.
CREATE TABLE trait AS
WITH told AS (
  SELECT person, account AS customer, 'tags' AS key, 'PREFERENCE' AS type, 'crm-app' AS source, to_json(list_sort([
    one_of(['vip', 'wholesale'], person, 'tag'), one_of(['gärtner', 'says "no"', 'press'], person, 'other tag')
  ])) AS value
  FROM reach WHERE rnd(person, 'is tagged') < 0.12

  UNION ALL BY NAME  -- where the CRM has no birthday: the year, as text or number, or the month
  SELECT person, account AS customer, 'birth_year' AS key, 'DEMOGRAPHIC' AS type, 'survey' AS source,
    CASE person % 2 WHEN 0 THEN to_json(year(birth_date)) ELSE to_json(year(birth_date)::VARCHAR) END AS value
  FROM reach INNER JOIN person USING (person, account) WHERE rnd(person, 'no birthday') < 0.07

  UNION ALL BY NAME
  SELECT person, account AS customer, 'birth_month' AS key, 'demographic' AS type, 'survey' AS source,
    to_json(strftime(birth_date, '%Y-%m')) AS value
  FROM reach INNER JOIN person USING (person, account) WHERE rnd(person, 'no birthday') BETWEEN 0.06 AND 0.12

  UNION ALL BY NAME
  SELECT person, account AS customer, 'customer_status' AS key, 'RISK' AS type, 'fraud desk' AS source,
    to_json(CASE WHEN nth >= 24 THEN 'suspended' ELSE 'active' END) AS value
  FROM role WHERE nth IN (20, 21, 24, 25, 30)

  UNION ALL BY NAME
  SELECT person, account AS customer, 'nps' AS key, 'COMPUTED' AS type, 'survey' AS source,
    CASE WHEN person % 10 = 0 THEN 'null'::JSON ELSE to_json(person % 11) END AS value
  FROM reach WHERE rnd(person, 'was asked') < 0.15

  UNION ALL BY NAME
  SELECT person, account AS customer, 'sizes' AS key, 'BEHAVIORAL' AS type, 'shop' AS source,
    to_json({'shoe': 36 + person % 12, 'fits': [person % 2 = 0]}) AS value
  FROM reach WHERE rnd(person, 'was measured') < 0.1

  UNION ALL BY NAME
  SELECT person, loyalty_no AS customer, 'loyalty' AS system, 'Tags' AS key, 'ENGAGEMENT' AS type, 'till' AS source,
    to_json(['collector']) AS value
  FROM loyalty_account WHERE how = 'outsider' AND nth = 0
),

numbered AS (
  SELECT
    *,
    row_number() OVER (ORDER BY key = 'customer_status', key, customer) AS number,
    number % 300 = 299 OR (key = 'customer_status' AND value = '"active"') AS later,
    CASE
      WHEN later THEN getvariable('until') + 2
      ELSE getvariable('until') - 10 - floor(300 * rnd(number, 'told'))::INTEGER
    END::DATE AS told_on,
    CASE
      WHEN key = 'customer_status' THEN customer = (SELECT account FROM role WHERE nth = 30)
      ELSE rnd(number, 'expires') < 0.2
    END AS ends,
    CASE
      WHEN key <> 'customer_status' AND NOT later AND number % 250 = 120
        THEN ['broken_line', 'missing_key', 'repeated_key', 'unparsable_time'][1 + number // 250 % 4]
    END AS dirt,
    CASE
      WHEN key <> 'customer_status' AND NOT later AND number % 250 = 200
        THEN ['trait_type', 'expires_at'][1 + number // 250 % 2]
    END AS bad_cell,
  FROM told
)

SELECT
  number,
  copy,
  person,
  coalesce(system, 'crm') AS source_system,
  customer,
  key,
  value,
  later,
  ends,
  CASE WHEN copy > 0 THEN 'repeated_key' WHEN dirt <> 'repeated_key' THEN dirt END AS refused,
  bad_cell,
  to_json({
    'customer': customer,
    'system': system,
    'key': CASE WHEN dirt IS DISTINCT FROM 'missing_key' THEN key END,
    'value': value,
    'type': CASE WHEN bad_cell = 'trait_type' THEN 'GOSSIP' ELSE type END,
    'source': source,
    'computed': CASE WHEN dirt = 'unparsable_time' THEN 'lately' ELSE strftime(told_on, '%Y-%m-%dT06:00:00Z') END,
    'until': CASE
      WHEN bad_cell = 'expires_at' THEN 'open end'
      WHEN ends THEN strftime(told_on + CASE WHEN key = 'customer_status' THEN 5 ELSE 100 END, '%Y-%m-%dT00:00:00Z')
    END
  })::VARCHAR AS document,
FROM numbered, unnest(range(1 + coalesce(dirt = 'repeated_key', FALSE)::INTEGER)) AS t (copy)
ORDER BY number, copy;

CREATE VIEW trait_file AS
SELECT number, copy, CASE WHEN refused = 'broken_line' THEN left(document, 30) ELSE document END AS text FROM trait;
