--- joins of every kind
SELECT a.order_id, b.id, c.s FROM golden.orders AS a JOIN golden.numbers AS b ON a.quantity = b.id LEFT JOIN golden.texts AS c ON c.id = b.id AND c.s != '' CROSS JOIN (SELECT 1 AS one) AS d WHERE d.one = 1;
-- becomes
SELECT
  "a"."order_id" AS "order_id",
  "b"."id" AS "id",
  "c"."s" AS "s"
FROM "golden"."orders" AS "a"
JOIN "golden"."numbers" AS "b"
  ON "a"."quantity" = "b"."id"
LEFT JOIN "golden"."texts" AS "c"
  ON "c"."id" = "b"."id" AND "c"."s" <> ''
CROSS JOIN (
  SELECT
    CAST(1 AS BIGINT) AS "one"
) AS "d"
WHERE
  "d"."one" = 1

--- a full join by condition
SELECT a.id AS left_id, b.i AS right_i, COALESCE(a.id, b.i) AS either FROM golden.numbers AS a FULL JOIN golden.numbers AS b ON a.id = b.i;
-- becomes
SELECT
  "a"."id" AS "left_id",
  "b"."i" AS "right_i",
  COALESCE("a"."id", "b"."i") AS "either"
FROM "golden"."numbers" AS "a"
FULL JOIN "golden"."numbers" AS "b"
  ON "a"."id" = "b"."i"

--- a full join by name
WITH a AS (SELECT 1 AS k, 'x' AS v UNION ALL SELECT 2, 'y'), b AS (SELECT 2 AS k, 'z' AS w UNION ALL SELECT NULL, 'n')
SELECT k, v, w FROM a FULL JOIN b USING (k);
-- becomes
WITH "a" AS (
  SELECT
    CAST(1 AS BIGINT) AS "k",
    'x' AS "v"
  UNION ALL
  SELECT
    CAST(2 AS BIGINT) AS "2",
    'y' AS "y"
), "b" AS (
  SELECT
    CAST(2 AS BIGINT) AS "k",
    'z' AS "w"
  UNION ALL
  SELECT
    NULL AS "_col_0",
    'n' AS "n"
)
SELECT
  COALESCE("a"."k", "b"."k") AS "k",
  "a"."v" AS "v",
  "b"."w" AS "w"
FROM "a" AS "a"
FULL JOIN "b" AS "b"
  ON "a"."k" = "b"."k"

--- left and right joins by name
WITH a AS (SELECT 1 AS k, 'x' AS v UNION ALL SELECT 2, 'y'), b AS (SELECT 2 AS k, 'z' AS w UNION ALL SELECT 3, 'n')
SELECT k, v, w FROM a LEFT JOIN b USING (k) UNION ALL SELECT k, v, w FROM a RIGHT JOIN b USING (k) UNION ALL SELECT k, v, w FROM a INNER JOIN b USING (k);
-- becomes
WITH "a" AS (
  SELECT
    CAST(1 AS BIGINT) AS "k",
    'x' AS "v"
  UNION ALL
  SELECT
    CAST(2 AS BIGINT) AS "2",
    'y' AS "y"
), "b" AS (
  SELECT
    CAST(2 AS BIGINT) AS "k",
    'z' AS "w"
  UNION ALL
  SELECT
    CAST(3 AS BIGINT) AS "3",
    'n' AS "n"
)
SELECT
  COALESCE("a"."k", "b"."k") AS "k",
  "a"."v" AS "v",
  "b"."w" AS "w"
FROM "a" AS "a"
LEFT JOIN "b" AS "b"
  ON "a"."k" = "b"."k"
UNION ALL
SELECT
  COALESCE("a"."k", "b"."k") AS "k",
  "a"."v" AS "v",
  "b"."w" AS "w"
FROM "a" AS "a"
RIGHT JOIN "b" AS "b"
  ON "a"."k" = "b"."k"
UNION ALL
SELECT
  COALESCE("a"."k", "b"."k") AS "k",
  "a"."v" AS "v",
  "b"."w" AS "w"
FROM "a" AS "a"
INNER JOIN "b" AS "b"
  ON "a"."k" = "b"."k"

--- steps by name
WITH sold AS (SELECT customer, amount FROM golden.orders WHERE amount > 0), totals AS (SELECT customer, SUM(amount) AS total FROM sold GROUP BY customer)
SELECT customer, total, SAFE_DIVIDE(total, SUM(total) OVER ()) AS share FROM totals;
-- becomes
WITH "sold" AS (
  SELECT
    "orders"."customer" AS "customer",
    "orders"."amount" AS "amount"
  FROM "golden"."orders" AS "orders"
  WHERE
    "orders"."amount" > 0
), "totals" AS (
  SELECT
    "sold"."customer" AS "customer",
    SUM("sold"."amount") AS "total"
  FROM "sold" AS "sold"
  GROUP BY
    "sold"."customer"
)
SELECT
  "totals"."customer" AS "customer",
  "totals"."total" AS "total",
  GSQL_DIVIDE("totals"."total", NULLIF(SUM("totals"."total") OVER (), 0)) AS "share"
FROM "totals" AS "totals"

--- a step may be named like a table elsewhere
WITH orders AS (SELECT order_id FROM golden.orders) SELECT orders.order_id FROM orders;
-- becomes
WITH "orders" AS (
  SELECT
    "orders"."order_id" AS "order_id"
  FROM "golden"."orders" AS "orders"
)
SELECT
  "orders"."order_id" AS "order_id"
FROM "orders" AS "orders"

--- unions give the common type
SELECT id, n AS v FROM golden.numbers WHERE id < 3 UNION ALL SELECT 0, 1 UNION ALL SELECT 1, NULL;
-- becomes
SELECT
  "numbers"."id" AS "id",
  "numbers"."n" AS "v"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" < 3
UNION ALL
SELECT
  CAST(0 AS BIGINT) AS "0",
  CAST(1 AS BIGINT) AS "1"
UNION ALL
SELECT
  CAST(1 AS BIGINT) AS "1",
  NULL AS "_col_1"

--- sets
(SELECT customer FROM golden.orders UNION DISTINCT SELECT 'zoe') EXCEPT DISTINCT SELECT 'ben';
-- becomes
(
  SELECT
    "orders"."customer" AS "customer"
  FROM "golden"."orders" AS "orders"
  UNION
  SELECT
    'zoe' AS "zoe"
)
EXCEPT
SELECT
  'ben' AS "ben"

--- what both have
(SELECT channel FROM golden.orders WHERE amount > 10) INTERSECT DISTINCT (SELECT channel FROM golden.orders WHERE amount < 10);
-- becomes
(
  SELECT
    "orders"."channel" AS "channel"
  FROM "golden"."orders" AS "orders"
  WHERE
    "orders"."amount" > 10
)
INTERSECT
(
  SELECT
    "orders"."channel" AS "channel"
  FROM "golden"."orders" AS "orders"
  WHERE
    "orders"."amount" < 10
)

--- subqueries as values and as conditions
SELECT order_id, amount - (SELECT AVG(amount) FROM golden.orders) AS above_mean, customer IN (SELECT customer FROM golden.orders WHERE amount > 50) AS big, EXISTS(SELECT 1 FROM golden.numbers AS n WHERE n.id = o.quantity) AS known
FROM golden.orders AS o
WHERE NOT EXISTS(SELECT 1 FROM golden.texts AS t WHERE t.s = o.order_id);
-- becomes
SELECT
  "o"."order_id" AS "order_id",
  "o"."amount" - (
    SELECT
      GSQL_DIVIDE_INT(SUM("orders"."amount"), NULLIF(COUNT("orders"."amount"), 0)) AS "_col_0"
    FROM "golden"."orders" AS "orders"
  ) AS "above_mean",
  "o"."customer" IN (
    SELECT
      "orders"."customer" AS "customer"
    FROM "golden"."orders" AS "orders"
    WHERE
      "orders"."amount" > 50
  ) AS "big",
  EXISTS(
    SELECT
      CAST(1 AS BIGINT) AS "1"
    FROM "golden"."numbers" AS "n"
    WHERE
      "n"."id" = "o"."quantity"
  ) AS "known"
FROM "golden"."orders" AS "o"
WHERE
  NOT EXISTS(
    SELECT
      CAST(1 AS BIGINT) AS "1"
    FROM "golden"."texts" AS "t"
    WHERE
      "t"."s" = "o"."order_id"
  )

--- NOT IN over NULLs
SELECT id FROM golden.numbers WHERE id NOT IN (SELECT i FROM golden.numbers WHERE i IS NOT NULL);
-- becomes
SELECT
  "numbers"."id" AS "id"
FROM "golden"."numbers" AS "numbers"
WHERE
  NOT "numbers"."id" IN (
    SELECT
      "numbers"."i" AS "i"
    FROM "golden"."numbers" AS "numbers"
    WHERE
      NOT "numbers"."i" IS NULL
  )

--- the first rows in order
SELECT order_id, amount FROM golden.orders ORDER BY amount DESC, order_id LIMIT 3 OFFSET 1;
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  "orders"."amount" AS "amount"
FROM "golden"."orders" AS "orders"
ORDER BY
  "amount" DESC,
  "order_id"
LIMIT 3
OFFSET 1

--- NULLs first in order
SELECT ordered_at, order_id FROM golden.orders ORDER BY ordered_at, order_id DESC LIMIT 2;
-- becomes
SELECT
  "orders"."ordered_at" AS "ordered_at",
  "orders"."order_id" AS "order_id"
FROM "golden"."orders" AS "orders"
ORDER BY
  "ordered_at",
  "order_id" DESC
LIMIT 2

--- stars
SELECT o.* EXCEPT (is_gift, ordered_at), 1 AS extra FROM golden.orders AS o;
-- becomes
SELECT
  "o"."order_id" AS "order_id",
  "o"."customer" AS "customer",
  "o"."amount" AS "amount",
  "o"."quantity" AS "quantity",
  "o"."channel" AS "channel",
  CAST(1 AS BIGINT) AS "extra"
FROM "golden"."orders" AS "o"

--- stars with replacements
SELECT * REPLACE (UPPER(customer) AS customer) FROM golden.orders WHERE amount > 10;
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  GSQL_UPPER("orders"."customer") AS "customer",
  "orders"."amount" AS "amount",
  "orders"."quantity" AS "quantity",
  "orders"."ordered_at" AS "ordered_at",
  "orders"."channel" AS "channel",
  "orders"."is_gift" AS "is_gift"
FROM "golden"."orders" AS "orders"
WHERE
  "orders"."amount" > 10

--- names that DuckDB reserves
SELECT t.`end`, `order` FROM (SELECT id AS `end`, n AS `order`, i AS `offset` FROM golden.numbers) AS t WHERE t.offset > 0;
-- becomes
SELECT
  "t"."end" AS "end",
  "t"."order" AS "order"
FROM (
  SELECT
    "numbers"."id" AS "end",
    "numbers"."n" AS "order",
    "numbers"."i" AS "offset"
  FROM "golden"."numbers" AS "numbers"
) AS "t"
WHERE
  "t"."offset" > 0

--- parameters everywhere
SELECT order_id, @run_date AS run_date, amount > @threshold AS above, DATE_DIFF(@run_date, DATE(ordered_at), DAY) AS age FROM golden.orders WHERE ordered_at >= @since AND channel IN UNNEST(@channels);
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  CAST($run_date AS DATE) AS "run_date",
  "orders"."amount" > CAST($threshold AS DECIMAL(38, 9)) AS "above",
  (
    CAST($run_date AS DATE) - GSQL_DAY("orders"."ordered_at")
  ) AS "age"
FROM "golden"."orders" AS "orders"
WHERE
  "orders"."ordered_at" >= CAST($since AS TIMESTAMPTZ)
  AND GSQL_IN("orders"."channel", CAST($channels AS TEXT[]))

--- a table in parentheses and an inner alias
SELECT s.total FROM (SELECT SUM(amount) AS total, customer AS c FROM golden.orders GROUP BY 2) AS s WHERE s.c IS NOT NULL;
-- becomes
SELECT
  "s"."total" AS "total"
FROM (
  SELECT
    SUM("orders"."amount") AS "total",
    "orders"."customer" AS "c"
  FROM "golden"."orders" AS "orders"
  GROUP BY
    "orders"."customer"
) AS "s"
WHERE
  NOT "s"."c" IS NULL

--- tuples compared
SELECT id FROM golden.numbers WHERE (i, j) IN ((7, 2), (5, 5));
-- becomes
SELECT
  "numbers"."id" AS "id"
FROM "golden"."numbers" AS "numbers"
WHERE
  ("numbers"."i", "numbers"."j") IN ((7, 2), (5, 5))

--- JSON values
SELECT id, JSON_VALUE(s, '$.a') AS a, JSON_VALUE(s, '$.n') AS n, JSON_VALUE(s, '$.b') AS b, JSON_VALUE(s, '$.o') AS o, JSON_VALUE(s, '$.o.l[1]') AS two, JSON_VALUE(s, '$.z') AS z, JSON_VALUE(s, '$."a b"') AS spaced, JSON_VALUE(s, '$[0]') AS element,
  JSON_VALUE(s) AS whole, JSON_VALUE(s, '$.o.l[2]') AS null_element
FROM golden.documents;
-- becomes
SELECT
  "documents"."id" AS "id",
  GSQL_JSON_VALUE("documents"."s", '$.a') AS "a",
  GSQL_JSON_VALUE("documents"."s", '$.n') AS "n",
  GSQL_JSON_VALUE("documents"."s", '$.b') AS "b",
  GSQL_JSON_VALUE("documents"."s", '$.o') AS "o",
  GSQL_JSON_VALUE("documents"."s", '$.o.l[1]') AS "two",
  GSQL_JSON_VALUE("documents"."s", '$.z') AS "z",
  GSQL_JSON_VALUE("documents"."s", '$."a b"') AS "spaced",
  GSQL_JSON_VALUE("documents"."s", '$[0]') AS "element",
  GSQL_JSON_VALUE("documents"."s", '$') AS "whole",
  GSQL_JSON_VALUE("documents"."s", '$.o.l[2]') AS "null_element"
FROM "golden"."documents" AS "documents"

--- JSON parts
SELECT id, JSON_QUERY(s, '$.o.k') AS k, JSON_QUERY(s, '$.z') AS z, JSON_QUERY(s, '$.missing') AS missing, JSON_QUERY(s, '$.o.l') AS l FROM golden.documents;
-- becomes
SELECT
  "documents"."id" AS "id",
  CAST(GSQL_JSON_QUERY("documents"."s", '$.o.k') AS TEXT) AS "k",
  CAST(GSQL_JSON_QUERY("documents"."s", '$.z') AS TEXT) AS "z",
  CAST(GSQL_JSON_QUERY("documents"."s", '$.missing') AS TEXT) AS "missing",
  CAST(GSQL_JSON_QUERY("documents"."s", '$.o.l') AS TEXT) AS "l"
FROM "golden"."documents" AS "documents"

--- JSON arrays of scalars
SELECT d.id, ARRAY_LENGTH(JSON_VALUE_ARRAY(d.s)) AS size, element, ARRAY_LENGTH(JSON_VALUE_ARRAY(d.s, '$.o.l')) AS inner_size, ARRAY_LENGTH(JSON_VALUE_ARRAY(d.s, '$.l')) AS empty_size
FROM golden.documents AS d LEFT JOIN UNNEST(JSON_VALUE_ARRAY(d.s, '$.o.l')) AS element;
-- becomes
SELECT
  "d"."id" AS "id",
  LEN(GSQL_JSON_VALUE_ARRAY("d"."s", '$')) AS "size",
  "_0"."element" AS "element",
  LEN(GSQL_JSON_VALUE_ARRAY("d"."s", '$.o.l')) AS "inner_size",
  LEN(GSQL_JSON_VALUE_ARRAY("d"."s", '$.l')) AS "empty_size"
FROM "golden"."documents" AS "d"
LEFT JOIN UNNEST(GSQL_JSON_VALUE_ARRAY("d"."s", '$.o.l')) AS "_0"("element")
  ON TRUE

--- an array of documents has no scalars
SELECT t.id, ARRAY_LENGTH(JSON_VALUE_ARRAY('[1, "two", null, true, 2.50]')) AS scalars, ARRAY_LENGTH(JSON_VALUE_ARRAY('[1, {"a": 2}]')) AS documents, ARRAY_LENGTH(JSON_VALUE_ARRAY(PARSE_JSON('[1, [2]]'))) AS arrays, element
FROM golden.texts AS t CROSS JOIN UNNEST(JSON_VALUE_ARRAY(PARSE_JSON('["a", 1, null, true, 2.5, " b "]'))) AS element WHERE t.id = 1;
-- becomes
SELECT
  "t"."id" AS "id",
  LEN(GSQL_JSON_VALUE_ARRAY('[1, "two", null, true, 2.50]', '$')) AS "scalars",
  LEN(GSQL_JSON_VALUE_ARRAY('[1, {"a": 2}]', '$')) AS "documents",
  LEN(GSQL_JSON_VALUE_ARRAY(CAST('[1, [2]]' AS JSON), '$')) AS "arrays",
  "_0"."element" AS "element"
FROM "golden"."texts" AS "t"
CROSS JOIN UNNEST(GSQL_JSON_VALUE_ARRAY(CAST('["a", 1, null, true, 2.5, " b "]' AS JSON), '$')) AS "_0"("element")
WHERE
  "t"."id" = 1

--- JSON documents
SELECT id, PARSE_JSON(s) AS document, JSON_VALUE(PARSE_JSON(s), '$.a') AS a, JSON_QUERY(PARSE_JSON(s), '$.o') AS o FROM golden.documents WHERE id < 3;
-- becomes
SELECT
  "documents"."id" AS "id",
  CAST("documents"."s" AS JSON) AS "document",
  GSQL_JSON_VALUE(CAST("documents"."s" AS JSON), '$.a') AS "a",
  GSQL_JSON_QUERY(CAST("documents"."s" AS JSON), '$.o') AS "o"
FROM "golden"."documents" AS "documents"
WHERE
  "documents"."id" < 3

--- JSON or nothing
SELECT n, SAFE.PARSE_JSON(s) AS document, SAFE.PARSE_JSON(s, wide_number_mode => 'round') AS rounded
FROM UNNEST([
  ' {"a": [1, "nan", ",]"]} ', '"text"', 'null', '{"a": NaN}', '-Infinity', '[1,]', '{"a": 1,\n}', "{'a': 1}", '01', 'abc', '', NULL
]) AS s WITH OFFSET AS n;
-- becomes
SELECT
  "_0"."n" AS "n",
  GSQL_SAFE_JSON("_0"."s") AS "document",
  GSQL_SAFE_JSON("_0"."s") AS "rounded"
FROM (
  SELECT
    "_"."s",
    "_"."n" - 1 AS "n"
  FROM UNNEST(CAST([
    ' {"a": [1, "nan", ",]"]} ',
    '"text"',
    'null',
    '{"a": NaN}',
    '-Infinity',
    '[1,]',
    '{"a": 1,
}',
    '{''a'': 1}',
    '01',
    'abc',
    '',
    NULL
  ] AS TEXT[])) WITH ORDINALITY AS "_"("s", "n", "n")
) AS "_0"("s", "n")

--- JSON whose numbers may be rounded
SELECT JSON_VALUE(PARSE_JSON('{"a": 0.25, "b": 1e2}', wide_number_mode => 'round'), '$.a') AS a;
-- becomes
SELECT
  GSQL_JSON_VALUE(CAST('{"a": 0.25, "b": 1e2}' AS JSON), '$.a') AS "a"
