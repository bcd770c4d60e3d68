--- literals of arrays and structs
SELECT [1, 2, 3] AS whole, ['a', NULL] AS texts, [1.5, 2] AS mixed, ARRAY<NUMERIC>[1, 2.5] AS exact, ARRAY<STRING>[] AS empty, STRUCT(1 AS a, 'x' AS b, NUMERIC '1.5' AS c) AS named, STRUCT<x INT64, y NUMERIC>(1, 2) AS typed,
  ARRAY<STRUCT<k STRING, v INT64>>[('a', 1), ('b', NULL)] AS pairs, [STRUCT('a' AS k, 1 AS v), STRUCT('b', 2)] AS inferred, STRUCT(TRUE AS yes, CAST(NULL AS DATE) AS none_, IF(TRUE, 1, 0) AS flag) AS odd
FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  LIST_CONCAT(CAST([1, 2, 3] AS BIGINT[]), CAST([] AS BIGINT[])) AS "whole",
  LIST_CONCAT(CAST(['a', NULL] AS TEXT[]), CAST([] AS TEXT[])) AS "texts",
  LIST_CONCAT(CAST([1.5e0, 2] AS DOUBLE[]), CAST([] AS DOUBLE[])) AS "mixed",
  LIST_CONCAT(CAST([1, 2.5e0] AS DECIMAL(38, 9)[]), CAST([] AS DECIMAL(38, 9)[])) AS "exact",
  LIST_CONCAT(CAST([] AS TEXT[]), CAST([] AS TEXT[])) AS "empty",
  {'a': CAST(1 AS BIGINT), 'b': 'x', 'c': CAST('1.5' AS DECIMAL(38, 9))} AS "named",
  CAST(ROW(1, 2) AS STRUCT("x" BIGINT, "y" DECIMAL(38, 9))) AS "typed",
  LIST_CONCAT(
    CAST([ROW('a', 1), ROW('b', NULL)] AS STRUCT("k" TEXT, "v" BIGINT)[]),
    CAST([] AS STRUCT("k" TEXT, "v" BIGINT)[])
  ) AS "pairs",
  LIST_CONCAT(
    CAST([ROW('a', 1), ROW('b', 2)] AS STRUCT("k" TEXT, "v" BIGINT)[]),
    CAST([] AS STRUCT("k" TEXT, "v" BIGINT)[])
  ) AS "inferred",
  {'yes': TRUE, 'none_': CAST(NULL AS DATE), 'flag': CAST(CASE WHEN TRUE THEN 1 ELSE 0 END AS BIGINT)} AS "odd"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- fields
SELECT id, point.x AS x, l.point.y AS y, point.x + 1 AS next_x, point IS NULL AS missing, STRUCT(id, point.x AS px) AS made, STRUCT(point AS inner_point, id) AS nested FROM golden.lists AS l;
-- becomes
SELECT
  "l"."id" AS "id",
  "l"."point"."x" AS "x",
  "l"."point"."y" AS "y",
  "l"."point"."x" + 1 AS "next_x",
  "l"."point" IS NULL AS "missing",
  {'id': "l"."id", 'px': "l"."point"."x"} AS "made",
  {'inner_point': "l"."point", 'id': "l"."id"} AS "nested"
FROM "golden"."lists" AS "l"

--- elements
SELECT id, tags[SAFE_OFFSET(0)] AS first_tag, tags[SAFE_OFFSET(9)] AS none, tags[SAFE_ORDINAL(1)] AS ordinal, ARRAY_LENGTH(tags) AS size, items[SAFE_OFFSET(0)].sku AS sku, sizes[SAFE_OFFSET(n)] AS by_column,
  ARRAY_LENGTH(items) AS item_count, [10, 20][OFFSET(1)] AS literal, [10, 20][ORDINAL(1)] AS one
FROM golden.lists;
-- becomes
SELECT
  "lists"."id" AS "id",
  GSQL_SAFE_AT("lists"."tags", 0) AS "first_tag",
  GSQL_SAFE_AT("lists"."tags", 9) AS "none",
  GSQL_SAFE_AT("lists"."tags", 0) AS "ordinal",
  LEN("lists"."tags") AS "size",
  GSQL_SAFE_AT("lists"."items", 0)."sku" AS "sku",
  GSQL_SAFE_AT("lists"."sizes", "lists"."n") AS "by_column",
  LEN("lists"."items") AS "item_count",
  GSQL_AT(CAST([10, 20] AS BIGINT[]), 1) AS "literal",
  GSQL_AT(CAST([10, 20] AS BIGINT[]), 0) AS "one"
FROM "golden"."lists" AS "lists"

--- an element out of bounds is an error
-- fails
SELECT tags[OFFSET(0)] AS t FROM golden.lists;
-- becomes
SELECT
  GSQL_AT("lists"."tags", 0) AS "t"
FROM "golden"."lists" AS "lists"

--- functions of arrays
SELECT id, ARRAY_TO_STRING(tags, '-') AS joined, ARRAY_CONCAT(tags, ['z']) AS longer, ARRAY_REVERSE(tags) AS reversed, GENERATE_ARRAY(1, 4) AS numbers, GENERATE_ARRAY(10, 1, -4) AS down, GENERATE_ARRAY(1, 0) AS none,
  ARRAY_CONCAT(tags, tags, ARRAY<STRING>[]) AS thrice, ARRAY_CONCAT(tags, CAST(NULL AS ARRAY<STRING>)) AS null_array, ARRAY_LENGTH(CAST(NULL AS ARRAY<STRING>)) AS null_length
FROM golden.lists;
-- becomes
SELECT
  "lists"."id" AS "id",
  ARRAY_TO_STRING("lists"."tags", '-') AS "joined",
  LIST_CONCAT(GSQL_CONCAT_ARRAYS("lists"."tags", CAST(['z'] AS TEXT[])), CAST([] AS TEXT[])) AS "longer",
  LIST_CONCAT(LIST_REVERSE("lists"."tags"), CAST([] AS TEXT[])) AS "reversed",
  LIST_CONCAT(GENERATE_SERIES(CAST(1 AS BIGINT), CAST(4 AS BIGINT)), CAST([] AS BIGINT[])) AS "numbers",
  LIST_CONCAT(
    GENERATE_SERIES(CAST(10 AS BIGINT), CAST(1 AS BIGINT), CAST(-4 AS BIGINT)),
    CAST([] AS BIGINT[])
  ) AS "down",
  LIST_CONCAT(GENERATE_SERIES(CAST(1 AS BIGINT), CAST(0 AS BIGINT)), CAST([] AS BIGINT[])) AS "none",
  LIST_CONCAT(
    GSQL_CONCAT_ARRAYS(GSQL_CONCAT_ARRAYS("lists"."tags", "lists"."tags"), CAST([] AS TEXT[])),
    CAST([] AS TEXT[])
  ) AS "thrice",
  LIST_CONCAT(GSQL_CONCAT_ARRAYS("lists"."tags", CAST(NULL AS TEXT[])), CAST([] AS TEXT[])) AS "null_array",
  LEN(CAST(NULL AS TEXT[])) AS "null_length"
FROM "golden"."lists" AS "lists"

--- membership
SELECT id, 'a' IN UNNEST(tags) AS has_a, n IN UNNEST(sizes) AS has_n, n NOT IN UNNEST(sizes) AS lacks_n, @channel IN UNNEST(@channels) AS is_channel, 'x' IN UNNEST(@none) AS never, 1 IN UNNEST([1, NULL]) AS one, 2 IN UNNEST([1, NULL]) AS unknown,
  'web' IN UNNEST(CAST(NULL AS ARRAY<STRING>)) AS nowhere
FROM golden.lists;
-- becomes
SELECT
  "lists"."id" AS "id",
  GSQL_IN('a', "lists"."tags") AS "has_a",
  GSQL_IN("lists"."n", "lists"."sizes") AS "has_n",
  NOT GSQL_IN("lists"."n", "lists"."sizes") AS "lacks_n",
  GSQL_IN(CAST($channel AS TEXT), CAST($channels AS TEXT[])) AS "is_channel",
  GSQL_IN('x', CAST($none AS TEXT[])) AS "never",
  GSQL_IN(1, CAST([1, NULL] AS BIGINT[])) AS "one",
  GSQL_IN(2, CAST([1, NULL] AS BIGINT[])) AS "unknown",
  GSQL_IN('web', CAST(NULL AS TEXT[])) AS "nowhere"
FROM "golden"."lists" AS "lists"

--- a cross join with an array's elements
SELECT l.id, tag FROM golden.lists AS l, UNNEST(l.tags) AS tag;
-- becomes
SELECT
  "l"."id" AS "id",
  "_0"."tag" AS "tag"
FROM "golden"."lists" AS "l"
CROSS JOIN UNNEST("l"."tags") AS "_0"("tag")

--- elements with their offset from zero
SELECT id, tag, position FROM golden.lists CROSS JOIN UNNEST(tags) AS tag WITH OFFSET AS position WHERE position < 2;
-- becomes
SELECT
  "lists"."id" AS "id",
  "_0"."tag" AS "tag",
  "_0"."position" AS "position"
FROM "golden"."lists" AS "lists"
CROSS JOIN LATERAL (
  SELECT
    "_"."tag",
    "_"."position" - 1 AS "position"
  FROM UNNEST("lists"."tags") WITH ORDINALITY AS "_"("tag", "position", "position")
) AS "_0"("tag", "position")
WHERE
  "_0"."position" < 2

--- a left join keeps rows with empty arrays
SELECT id, tag, position, item.sku, item.price * item.quantity AS amount FROM golden.lists LEFT JOIN UNNEST(tags) AS tag WITH OFFSET AS position LEFT JOIN UNNEST(items) AS item ON item.quantity > 1;
-- becomes
SELECT
  "lists"."id" AS "id",
  "_0"."tag" AS "tag",
  "_0"."position" AS "position",
  "_1"."item"."sku" AS "sku",
  "_1"."item"."price" * "_1"."item"."quantity" AS "amount"
FROM "golden"."lists" AS "lists"
LEFT JOIN LATERAL (
  SELECT
    "_"."tag",
    "_"."position" - 1 AS "position"
  FROM UNNEST("lists"."tags") WITH ORDINALITY AS "_"("tag", "position", "position")
) AS "_0"("tag", "position")
  ON TRUE
LEFT JOIN UNNEST("lists"."items") AS "_1"("item")
  ON "_1"."item"."quantity" > 1

--- elements that are structs
SELECT l.id, i.sku, i.price, i, i.quantity + 1 AS more FROM golden.lists AS l CROSS JOIN UNNEST(l.items) AS i WHERE i.quantity >= 1;
-- becomes
SELECT
  "l"."id" AS "id",
  "_0"."i"."sku" AS "sku",
  "_0"."i"."price" AS "price",
  "_0"."i" AS "i",
  "_0"."i"."quantity" + 1 AS "more"
FROM "golden"."lists" AS "l"
CROSS JOIN UNNEST("l"."items") AS "_0"("i")
WHERE
  "_0"."i"."quantity" >= 1

--- fields of elements are in reach by themselves
SELECT id, sku, price FROM golden.lists CROSS JOIN UNNEST(items);
-- becomes
SELECT
  "lists"."id" AS "id",
  "_0"."element"."sku" AS "sku",
  "_0"."element"."price" AS "price"
FROM "golden"."lists" AS "lists"
CROSS JOIN UNNEST("lists"."items") AS "_0"("element")

--- all fields of elements
SELECT l.id, i.* FROM golden.lists AS l CROSS JOIN UNNEST(l.items) AS i;
-- becomes
SELECT
  "l"."id" AS "id",
  "_0"."i"."sku" AS "sku",
  "_0"."i"."price" AS "price",
  "_0"."i"."quantity" AS "quantity"
FROM "golden"."lists" AS "l"
CROSS JOIN UNNEST("l"."items") AS "_0"("i")

--- a table made of a literal
SELECT response, outcome FROM UNNEST([STRUCT('open' AS response, 'positive' AS outcome), STRUCT('sent', 'neutral'), STRUCT(CAST(NULL AS STRING), 'none')]);
-- becomes
SELECT
  "_0"."element"."response" AS "response",
  "_0"."element"."outcome" AS "outcome"
FROM UNNEST(CAST([ROW('open', 'positive'), ROW('sent', 'neutral'), ROW(CAST(NULL AS TEXT), 'none')] AS STRUCT("response" TEXT, "outcome" TEXT)[])) AS "_0"("element")

--- a table made of typed rows
SELECT x.a, b, x.a * 2 AS twice FROM UNNEST(ARRAY<STRUCT<a INT64, b NUMERIC>>[(1, 0.5), (2, NULL)]) AS x;
-- becomes
SELECT
  "_0"."x"."a" AS "a",
  "_0"."x"."b" AS "b",
  "_0"."x"."a" * 2 AS "twice"
FROM UNNEST(CAST([ROW(1, 0.5e0), ROW(2, NULL)] AS STRUCT("a" BIGINT, "b" DECIMAL(38, 9))[])) AS "_0"("x")

--- arrays from subqueries
SELECT id, ARRAY(SELECT UPPER(tag) FROM UNNEST(tags) AS tag ORDER BY tag DESC) AS upper_tags, ARRAY(SELECT AS STRUCT i.sku, i.price AS amount FROM UNNEST(items) AS i ORDER BY i.sku) AS pairs,
  ARRAY(SELECT DISTINCT size FROM UNNEST(sizes) AS size WHERE size > 1 ORDER BY size LIMIT 2) AS large, ARRAY(SELECT i.quantity FROM UNNEST(items) AS i WITH OFFSET AS o ORDER BY o DESC) AS backwards
FROM golden.lists;
-- becomes
SELECT
  "lists"."id" AS "id",
  LIST_CONCAT(
    ARRAY(
      SELECT
        GSQL_UPPER("_0"."tag") AS "_col_0"
      FROM UNNEST("lists"."tags") AS "_0"("tag")
      ORDER BY
        "_0"."tag" DESC
    ),
    CAST([] AS TEXT[])
  ) AS "upper_tags",
  LIST_CONCAT(
    ARRAY(
      SELECT
        {'sku': "_1"."i"."sku", 'amount': "_1"."i"."price"}
      FROM UNNEST("lists"."items") AS "_1"("i")
      ORDER BY
        "_1"."i"."sku"
    ),
    CAST([] AS STRUCT("sku" TEXT, "amount" DECIMAL(38, 9))[])
  ) AS "pairs",
  LIST_CONCAT(
    ARRAY(
      SELECT DISTINCT
        "_2"."size" AS "size"
      FROM UNNEST("lists"."sizes") AS "_2"("size")
      WHERE
        "_2"."size" > 1
      ORDER BY
        "size"
      LIMIT 2
    ),
    CAST([] AS BIGINT[])
  ) AS "large",
  LIST_CONCAT(
    ARRAY(
      SELECT
        "_3"."i"."quantity" AS "quantity"
      FROM (
        SELECT
          "_"."i",
          "_"."o" - 1 AS "o"
        FROM UNNEST("lists"."items") WITH ORDINALITY AS "_"("i", "o", "o")
      ) AS "_3"("i", "o")
      ORDER BY
        "_3"."o" DESC
    ),
    CAST([] AS BIGINT[])
  ) AS "backwards"
FROM "golden"."lists" AS "lists"

--- scalars from arrays
SELECT id, (SELECT SUM(i.quantity) FROM UNNEST(items) AS i) AS units, (SELECT MAX(size) FROM UNNEST(sizes) AS size) AS largest, EXISTS(SELECT 1 FROM UNNEST(tags) AS tag WHERE tag = 'a') AS has_a,
  (SELECT COUNT(*) FROM UNNEST(tags) AS tag WHERE tag IN ('a', 'b')) AS known, (SELECT STRING_AGG(tag, '' ORDER BY tag) FROM UNNEST(tags) AS tag) AS joined
FROM golden.lists;
-- becomes
SELECT
  "lists"."id" AS "id",
  (
    SELECT
      CAST(SUM("_0"."i"."quantity") AS BIGINT) AS "_col_0"
    FROM UNNEST("lists"."items") AS "_0"("i")
  ) AS "units",
  (
    SELECT
      MAX("_1"."size") AS "_col_0"
    FROM UNNEST("lists"."sizes") AS "_1"("size")
  ) AS "largest",
  EXISTS(
    SELECT
      CAST(1 AS BIGINT) AS "1"
    FROM UNNEST("lists"."tags") AS "_2"("tag")
    WHERE
      "_2"."tag" = 'a'
  ) AS "has_a",
  (
    SELECT
      COUNT(*) AS "_col_0"
    FROM UNNEST("lists"."tags") AS "_3"("tag")
    WHERE
      "_3"."tag" IN ('a', 'b')
  ) AS "known",
  (
    SELECT
      ARRAY_TO_STRING(LIST("_4"."tag" ORDER BY "_4"."tag") FILTER(WHERE
        NOT "_4"."tag" IS NULL), '') AS "_col_0"
    FROM UNNEST("lists"."tags") AS "_4"("tag")
  ) AS "joined"
FROM "golden"."lists" AS "lists"

--- a NULL array is stored as an empty one
SELECT id, IF(id = 1, tags, NULL) AS maybe, (SELECT ARRAY_AGG(tag) FROM UNNEST(tags) AS tag WHERE tag = 'zz') AS none FROM golden.lists;
-- becomes
SELECT
  "lists"."id" AS "id",
  LIST_CONCAT(CASE WHEN "lists"."id" = 1 THEN "lists"."tags" ELSE NULL END, CAST([] AS TEXT[])) AS "maybe",
  LIST_CONCAT(
    (
      SELECT
        LIST("_0"."tag") AS "_col_0"
      FROM UNNEST("lists"."tags") AS "_0"("tag")
      WHERE
        "_0"."tag" = 'zz'
    ),
    CAST([] AS TEXT[])
  ) AS "none"
FROM "golden"."lists" AS "lists"

--- grouping elements
SELECT tag, COUNT(DISTINCT id) AS lists FROM golden.lists, UNNEST(tags) AS tag GROUP BY tag HAVING lists > 1;
-- becomes
SELECT
  "_0"."tag" AS "tag",
  COUNT(DISTINCT "lists"."id") AS "lists"
FROM "golden"."lists" AS "lists"
CROSS JOIN UNNEST("lists"."tags") AS "_0"("tag")
GROUP BY
  "_0"."tag"
HAVING
  "lists" > 1

--- months from a series
SELECT month, DATE_ADD(month, INTERVAL offset_ MONTH) AS shifted FROM UNNEST(GENERATE_DATE_ARRAY(DATE '2024-01-01', @run_date, INTERVAL 1 MONTH)) AS month WITH OFFSET AS offset_;
-- becomes
SELECT
  "_0"."month" AS "month",
  CAST("_0"."month" + TO_MONTHS(CAST("_0"."offset_" AS INT)) AS DATE) AS "shifted"
FROM (
  SELECT
    "_"."month",
    "_"."offset_" - 1 AS "offset_"
  FROM UNNEST(CAST(GENERATE_SERIES(CAST('2024-01-01' AS DATE), CAST($run_date AS DATE), TO_MONTHS(CAST(1 AS INT))) AS DATE[])) WITH ORDINALITY AS "_"("month", "offset_", "offset_")
) AS "_0"("month", "offset_")
