--- sums counts and means keep their types
SELECT customer, COUNT(*) AS rows_, COUNT(amount) AS amounts, COUNT(DISTINCT channel) AS channels, SUM(amount) AS total, SUM(quantity) AS units, AVG(amount) AS mean_amount, AVG(quantity) AS mean_units,
  MIN(amount) AS low, MAX(amount) AS high, MIN(ordered_at) AS first_at, MAX(channel) AS last_channel, SUM(1) AS ones, SUM(IF(is_gift, 1, 0)) AS gifts, MAX(IF(is_gift, 1, 0)) AS any_gift,
  SUM(CAST(amount AS FLOAT64)) AS real_total, AVG(CAST(amount AS FLOAT64)) AS real_mean, SUM(DISTINCT quantity) AS different, AVG(DISTINCT amount) AS mean_different
FROM golden.orders
GROUP BY customer;
-- becomes
SELECT
  "orders"."customer" AS "customer",
  COUNT(*) AS "rows_",
  COUNT("orders"."amount") AS "amounts",
  COUNT(DISTINCT "orders"."channel") AS "channels",
  SUM("orders"."amount") AS "total",
  CAST(SUM("orders"."quantity") AS BIGINT) AS "units",
  GSQL_DIVIDE_INT(SUM("orders"."amount"), NULLIF(COUNT("orders"."amount"), 0)) AS "mean_amount",
  AVG("orders"."quantity") AS "mean_units",
  MIN("orders"."amount") AS "low",
  MAX("orders"."amount") AS "high",
  MIN("orders"."ordered_at") AS "first_at",
  MAX("orders"."channel") AS "last_channel",
  CAST(SUM(1) AS BIGINT) AS "ones",
  CAST(SUM(CASE WHEN "orders"."is_gift" THEN 1 ELSE 0 END) AS BIGINT) AS "gifts",
  CAST(MAX(CASE WHEN "orders"."is_gift" THEN 1 ELSE 0 END) AS BIGINT) AS "any_gift",
  SUM(CAST("orders"."amount" AS DOUBLE)) AS "real_total",
  AVG(CAST("orders"."amount" AS DOUBLE)) AS "real_mean",
  CAST(SUM(DISTINCT "orders"."quantity") AS BIGINT) AS "different",
  GSQL_DIVIDE_INT(SUM(DISTINCT "orders"."amount"), NULLIF(COUNT(DISTINCT "orders"."amount"), 0)) AS "mean_different"
FROM "golden"."orders" AS "orders"
GROUP BY
  "orders"."customer"

--- aggregates of nothing
SELECT COUNT(*) AS c, SUM(n) AS s, AVG(n) AS a, MAX(id) AS m, COUNTIF(n > 0) AS ci, STRING_AGG(s) AS sa, ARRAY_AGG(s) AS aa, LOGICAL_OR(n > 0) AS lo, SUM(id) AS si, ANY_VALUE(s) AS av, ANY_VALUE(s HAVING MAX n) AS avm
FROM golden.nothing;
-- becomes
SELECT
  COUNT(*) AS "c",
  SUM("nothing"."n") AS "s",
  GSQL_DIVIDE_INT(SUM("nothing"."n"), NULLIF(COUNT("nothing"."n"), 0)) AS "a",
  MAX("nothing"."id") AS "m",
  COUNT(*) FILTER(WHERE
    "nothing"."n" > 0) AS "ci",
  ARRAY_TO_STRING(LIST("nothing"."s") FILTER(WHERE
    NOT "nothing"."s" IS NULL), ',') AS "sa",
  LIST_CONCAT(LIST("nothing"."s"), CAST([] AS TEXT[])) AS "aa",
  BOOL_OR("nothing"."n" > 0) AS "lo",
  CAST(SUM("nothing"."id") AS BIGINT) AS "si",
  ANY_VALUE("nothing"."s") AS "av",
  ARG_MAX_NULL("nothing"."s", "nothing"."n") AS "avm"
FROM "golden"."nothing" AS "nothing"

--- no group of nothing
SELECT 'x' AS x, (SELECT COUNT(*) FROM (SELECT s, SUM(n) AS t FROM golden.nothing GROUP BY s)) AS groups_ FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  'x' AS "x",
  (
    SELECT
      COUNT(*) AS "_col_0"
    FROM (
      SELECT
        "nothing"."s" AS "s",
        SUM("nothing"."n") AS "t"
      FROM "golden"."nothing" AS "nothing"
      GROUP BY
        "nothing"."s"
    ) AS "_0"
  ) AS "groups_"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- conditions counted
SELECT channel, COUNTIF(amount > 7) AS large, COUNTIF(is_gift) AS gifts, LOGICAL_OR(is_gift) AS any_gift, LOGICAL_AND(is_gift) AS all_gifts, COUNTIF(is_gift IS NULL) AS unknown
FROM golden.orders
GROUP BY channel;
-- becomes
SELECT
  "orders"."channel" AS "channel",
  COUNT(*) FILTER(WHERE
    "orders"."amount" > 7) AS "large",
  COUNT(*) FILTER(WHERE
    "orders"."is_gift") AS "gifts",
  BOOL_OR("orders"."is_gift") AS "any_gift",
  BOOL_AND("orders"."is_gift") AS "all_gifts",
  COUNT(*) FILTER(WHERE
    "orders"."is_gift" IS NULL) AS "unknown"
FROM "golden"."orders" AS "orders"
GROUP BY
  "orders"."channel"

--- the value at the largest
SELECT customer, ANY_VALUE(channel HAVING MAX ordered_at) AS last_channel, ANY_VALUE(order_id HAVING MIN amount) AS cheapest, ANY_VALUE(order_id HAVING MAX quantity) AS most, ANY_VALUE(customer) AS same
FROM golden.orders
WHERE order_id NOT IN ('o6', 'o7')
GROUP BY customer;
-- becomes
SELECT
  "orders"."customer" AS "customer",
  ARG_MAX_NULL("orders"."channel", "orders"."ordered_at") AS "last_channel",
  ARG_MIN_NULL("orders"."order_id", "orders"."amount") AS "cheapest",
  ARG_MAX_NULL("orders"."order_id", "orders"."quantity") AS "most",
  ANY_VALUE("orders"."customer") AS "same"
FROM "golden"."orders" AS "orders"
WHERE
  NOT "orders"."order_id" IN ('o6', 'o7')
GROUP BY
  "orders"."customer"

--- arrays aggregated
SELECT customer, ARRAY_AGG(order_id ORDER BY order_id) AS ids, ARRAY_AGG(channel IGNORE NULLS ORDER BY order_id DESC) AS channels, ARRAY_AGG(order_id ORDER BY ordered_at DESC, order_id LIMIT 2) AS last_two,
  ARRAY_AGG(DISTINCT channel IGNORE NULLS ORDER BY channel) AS different, ARRAY_AGG(amount IGNORE NULLS ORDER BY amount) AS amounts, ARRAY_AGG(amount RESPECT NULLS ORDER BY amount, order_id) AS with_nulls,
  ARRAY_AGG(STRUCT(order_id AS id, amount) ORDER BY order_id LIMIT 1) AS first_order, ARRAY_AGG(channel IGNORE NULLS ORDER BY ordered_at DESC LIMIT 1)[SAFE_OFFSET(0)] AS latest
FROM golden.orders
WHERE channel IS NOT NULL OR amount < 0
GROUP BY customer;
-- becomes
SELECT
  "orders"."customer" AS "customer",
  LIST_CONCAT(LIST("orders"."order_id" ORDER BY "orders"."order_id"), CAST([] AS TEXT[])) AS "ids",
  LIST_CONCAT(
    LIST("orders"."channel" ORDER BY "orders"."order_id" DESC) FILTER(WHERE
      NOT "orders"."channel" IS NULL),
    CAST([] AS TEXT[])
  ) AS "channels",
  LIST_CONCAT(
    (
      LIST("orders"."order_id" ORDER BY "orders"."ordered_at" DESC, "orders"."order_id")
    )[1:2],
    CAST([] AS TEXT[])
  ) AS "last_two",
  LIST_CONCAT(
    LIST(DISTINCT "orders"."channel" ORDER BY "orders"."channel") FILTER(WHERE
      NOT "orders"."channel" IS NULL),
    CAST([] AS TEXT[])
  ) AS "different",
  LIST_CONCAT(
    LIST("orders"."amount" ORDER BY "orders"."amount") FILTER(WHERE
      NOT "orders"."amount" IS NULL),
    CAST([] AS DECIMAL(38, 9)[])
  ) AS "amounts",
  LIST_CONCAT(
    LIST("orders"."amount" ORDER BY "orders"."amount", "orders"."order_id"),
    CAST([] AS DECIMAL(38, 9)[])
  ) AS "with_nulls",
  LIST_CONCAT(
    (
      LIST(
        {'id': "orders"."order_id", 'amount': "orders"."amount"} ORDER BY "orders"."order_id"
      )
    )[1:1],
    CAST([] AS STRUCT("id" TEXT, "amount" DECIMAL(38, 9))[])
  ) AS "first_order",
  GSQL_SAFE_AT(
    (
      LIST("orders"."channel" ORDER BY "orders"."ordered_at" DESC) FILTER(WHERE
        NOT "orders"."channel" IS NULL)
    )[1:1],
    0
  ) AS "latest"
FROM "golden"."orders" AS "orders"
WHERE
  NOT "orders"."channel" IS NULL OR "orders"."amount" < 0
GROUP BY
  "orders"."customer"

--- an array of ignored NULLs only
SELECT customer, ARRAY_AGG(channel IGNORE NULLS) AS channels FROM golden.orders WHERE channel IS NULL GROUP BY customer;
-- becomes
SELECT
  "orders"."customer" AS "customer",
  LIST_CONCAT(
    LIST("orders"."channel") FILTER(WHERE
      NOT "orders"."channel" IS NULL),
    CAST([] AS TEXT[])
  ) AS "channels"
FROM "golden"."orders" AS "orders"
WHERE
  "orders"."channel" IS NULL
GROUP BY
  "orders"."customer"

--- text aggregated
SELECT customer, STRING_AGG(order_id ORDER BY order_id) AS by_comma, STRING_AGG(channel, ' > ' ORDER BY ordered_at, order_id) AS path, STRING_AGG(DISTINCT channel, '|' ORDER BY channel DESC) AS different,
  STRING_AGG(order_id, ', ' ORDER BY order_id DESC LIMIT 2) AS two
FROM golden.orders
GROUP BY customer;
-- becomes
SELECT
  "orders"."customer" AS "customer",
  ARRAY_TO_STRING(
    LIST("orders"."order_id" ORDER BY "orders"."order_id") FILTER(WHERE
      NOT "orders"."order_id" IS NULL),
    ','
  ) AS "by_comma",
  ARRAY_TO_STRING(
    LIST("orders"."channel" ORDER BY "orders"."ordered_at", "orders"."order_id") FILTER(WHERE
      NOT "orders"."channel" IS NULL),
    ' > '
  ) AS "path",
  ARRAY_TO_STRING(
    LIST(DISTINCT "orders"."channel" ORDER BY "orders"."channel" DESC) FILTER(WHERE
      NOT "orders"."channel" IS NULL),
    '|'
  ) AS "different",
  ARRAY_TO_STRING(
    (
      LIST("orders"."order_id" ORDER BY "orders"."order_id" DESC) FILTER(WHERE
        NOT "orders"."order_id" IS NULL)
    )[1:2],
    ', '
  ) AS "two"
FROM "golden"."orders" AS "orders"
GROUP BY
  "orders"."customer"

--- groups by alias by ordinal and by expression
SELECT EXTRACT(YEAR FROM ordered_at) AS y, channel, SUM(amount) AS total FROM golden.orders GROUP BY y, 2;
-- becomes
SELECT
  YEAR("orders"."ordered_at") AS "y",
  "orders"."channel" AS "channel",
  SUM("orders"."amount") AS "total"
FROM "golden"."orders" AS "orders"
GROUP BY
  YEAR("orders"."ordered_at"),
  "orders"."channel"

--- having by alias and by aggregate
SELECT customer, SUM(amount) AS total FROM golden.orders GROUP BY customer HAVING total > 10 AND COUNT(*) > 1;
-- becomes
SELECT
  "orders"."customer" AS "customer",
  SUM("orders"."amount") AS "total"
FROM "golden"."orders" AS "orders"
GROUP BY
  "orders"."customer"
HAVING
  SUM("orders"."amount") > 10 AND COUNT(*) > 1

--- an alias that hides a column
SELECT UPPER(customer) AS customer, COUNT(*) AS c FROM golden.orders WHERE customer != 'x' GROUP BY customer;
-- becomes
SELECT
  GSQL_UPPER("orders"."customer") AS "customer",
  COUNT(*) AS "c"
FROM "golden"."orders" AS "orders"
WHERE
  "orders"."customer" <> 'x'
GROUP BY
  GSQL_UPPER("orders"."customer")

--- distinct rows
SELECT DISTINCT customer, channel FROM golden.orders;
-- becomes
SELECT DISTINCT
  "orders"."customer" AS "customer",
  "orders"."channel" AS "channel"
FROM "golden"."orders" AS "orders"

--- means are rounded half away from zero
SELECT AVG(x) AS a, AVG(y) AS b, AVG(z) AS c, SUM(x) / COUNT(*) AS d
FROM UNNEST([STRUCT(NUMERIC '0.000000001' AS x, NUMERIC '-0.000000001' AS y, 1 AS z), STRUCT(NUMERIC '0' AS x, NUMERIC '0' AS y, 2 AS z)]);
-- becomes
SELECT
  GSQL_DIVIDE_INT(SUM("_0"."element"."x"), NULLIF(COUNT("_0"."element"."x"), 0)) AS "a",
  GSQL_DIVIDE_INT(SUM("_0"."element"."y"), NULLIF(COUNT("_0"."element"."y"), 0)) AS "b",
  AVG("_0"."element"."z") AS "c",
  GSQL_DIVIDE_INT(SUM("_0"."element"."x"), GSQL_NONZERO(COUNT(*))) AS "d"
FROM UNNEST(CAST([
  ROW(CAST('0.000000001' AS DECIMAL(38, 9)), CAST('-0.000000001' AS DECIMAL(38, 9)), 1),
  ROW(CAST('0' AS DECIMAL(38, 9)), CAST('0' AS DECIMAL(38, 9)), 2)
] AS STRUCT("x" DECIMAL(38, 9), "y" DECIMAL(38, 9), "z" BIGINT)[])) AS "_0"("element")

--- a sum that does not fit is an error
-- fails
SELECT SUM(x) AS s FROM UNNEST([9223372036854775807, 1]) AS x;
-- becomes
SELECT
  CAST(SUM("_0"."x") AS BIGINT) AS "s"
FROM UNNEST(CAST([9223372036854775807, 1] AS BIGINT[])) AS "_0"("x")
