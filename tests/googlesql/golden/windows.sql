--- rankings
SELECT order_id, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY ordered_at DESC, order_id) AS rn, RANK() OVER (ORDER BY quantity) AS r, DENSE_RANK() OVER (ORDER BY quantity DESC) AS dr,
  PERCENT_RANK() OVER (ORDER BY quantity) AS pr, CUME_DIST() OVER (ORDER BY quantity) AS cd, NTILE(3) OVER (ORDER BY order_id) AS third
FROM golden.orders;
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  ROW_NUMBER() OVER (
    PARTITION BY "orders"."customer"
    ORDER BY "orders"."ordered_at" DESC, "orders"."order_id"
  ) AS "rn",
  RANK() OVER (ORDER BY "orders"."quantity") AS "r",
  DENSE_RANK() OVER (ORDER BY "orders"."quantity" DESC) AS "dr",
  PERCENT_RANK() OVER (ORDER BY "orders"."quantity") AS "pr",
  CUME_DIST() OVER (ORDER BY "orders"."quantity") AS "cd",
  NTILE(3) OVER (ORDER BY "orders"."order_id") AS "third"
FROM "golden"."orders" AS "orders"

--- NULLs come first ascending and last descending
SELECT order_id, ROW_NUMBER() OVER (ORDER BY amount, order_id) AS up, ROW_NUMBER() OVER (ORDER BY amount DESC, order_id) AS down, ROW_NUMBER() OVER (ORDER BY amount NULLS LAST, order_id) AS last,
  ROW_NUMBER() OVER (ORDER BY amount DESC NULLS FIRST, order_id) AS first
FROM golden.orders;
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  ROW_NUMBER() OVER (ORDER BY "orders"."amount", "orders"."order_id") AS "up",
  ROW_NUMBER() OVER (ORDER BY "orders"."amount" DESC, "orders"."order_id") AS "down",
  ROW_NUMBER() OVER (ORDER BY "orders"."amount" NULLS LAST, "orders"."order_id") AS "last",
  ROW_NUMBER() OVER (ORDER BY "orders"."amount" DESC NULLS FIRST, "orders"."order_id") AS "first"
FROM "golden"."orders" AS "orders"

--- neighbours
SELECT order_id, LAG(amount) OVER w AS previous, LEAD(amount, 2) OVER w AS second_next, LAG(channel, 1, 'none') OVER w AS previous_channel,
  FIRST_VALUE(order_id) OVER w AS first_order, LAST_VALUE(order_id) OVER w AS so_far, FIRST_VALUE(channel IGNORE NULLS) OVER (PARTITION BY customer ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS first_channel,
  LAST_VALUE(channel IGNORE NULLS) OVER (PARTITION BY customer ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS last_channel, NTH_VALUE(order_id, 2) OVER (ORDER BY order_id) AS second
FROM golden.orders
WINDOW w AS (PARTITION BY customer ORDER BY order_id);
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  LAG("orders"."amount") OVER "w" AS "previous",
  LEAD("orders"."amount", 2) OVER "w" AS "second_next",
  LAG("orders"."channel", 1, 'none') OVER "w" AS "previous_channel",
  FIRST_VALUE("orders"."order_id") OVER "w" AS "first_order",
  LAST_VALUE("orders"."order_id") OVER "w" AS "so_far",
  FIRST_VALUE("orders"."channel" IGNORE NULLS) OVER (
    PARTITION BY "orders"."customer"
    ORDER BY "orders"."order_id"
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) AS "first_channel",
  LAST_VALUE("orders"."channel" IGNORE NULLS) OVER (
    PARTITION BY "orders"."customer"
    ORDER BY "orders"."order_id"
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS "last_channel",
  NTH_VALUE("orders"."order_id", 2) OVER (ORDER BY "orders"."order_id") AS "second"
FROM "golden"."orders" AS "orders"
WINDOW "w" AS (PARTITION BY "orders"."customer" ORDER BY "orders"."order_id")

--- running aggregates
SELECT order_id, SUM(amount) OVER (PARTITION BY customer ORDER BY order_id) AS running, SUM(quantity) OVER (ORDER BY order_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS last_two, COUNT(*) OVER (PARTITION BY customer) AS orders,
  AVG(amount) OVER (PARTITION BY customer) AS mean_amount, AVG(quantity) OVER () AS mean_units, MIN(amount) OVER (ORDER BY order_id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS later_low,
  MAX(quantity) OVER (ORDER BY quantity RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS near, COUNTIF(is_gift) OVER (PARTITION BY customer) AS gifts, LOGICAL_OR(is_gift) OVER (ORDER BY order_id) AS gift_so_far,
  SUM(IF(is_gift, 1, 0)) OVER (ORDER BY order_id ROWS UNBOUNDED PRECEDING) AS running_gifts, SUM(amount) OVER () AS total, SAFE_DIVIDE(amount, SUM(amount) OVER (PARTITION BY customer)) AS share,
  SUM(1) OVER (PARTITION BY customer) AS ones, MAX(IF(is_gift, 1, 0)) OVER () AS any_gift
FROM golden.orders;
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  SUM("orders"."amount") OVER (PARTITION BY "orders"."customer" ORDER BY "orders"."order_id") AS "running",
  CAST(SUM("orders"."quantity") OVER (ORDER BY "orders"."order_id" ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS BIGINT) AS "last_two",
  COUNT(*) OVER (PARTITION BY "orders"."customer") AS "orders",
  GSQL_DIVIDE_INT(
    SUM("orders"."amount") OVER (PARTITION BY "orders"."customer"),
    NULLIF(COUNT("orders"."amount") OVER (PARTITION BY "orders"."customer"), 0)
  ) AS "mean_amount",
  AVG("orders"."quantity") OVER () AS "mean_units",
  MIN("orders"."amount") OVER (ORDER BY "orders"."order_id" ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS "later_low",
  MAX("orders"."quantity") OVER (ORDER BY "orders"."quantity" RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS "near",
  COUNT(*) FILTER(WHERE
    "orders"."is_gift") OVER (PARTITION BY "orders"."customer") AS "gifts",
  BOOL_OR("orders"."is_gift") OVER (ORDER BY "orders"."order_id") AS "gift_so_far",
  CAST(SUM(CASE WHEN "orders"."is_gift" THEN 1 ELSE 0 END) OVER (ORDER BY "orders"."order_id" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS BIGINT) AS "running_gifts",
  SUM("orders"."amount") OVER () AS "total",
  GSQL_DIVIDE(
    "orders"."amount",
    NULLIF(SUM("orders"."amount") OVER (PARTITION BY "orders"."customer"), 0)
  ) AS "share",
  CAST(SUM(1) OVER (PARTITION BY "orders"."customer") AS BIGINT) AS "ones",
  CAST(MAX(CASE WHEN "orders"."is_gift" THEN 1 ELSE 0 END) OVER () AS BIGINT) AS "any_gift"
FROM "golden"."orders" AS "orders"

--- aggregates of groups inside windows
SELECT customer, SUM(amount) AS total, SUM(SUM(amount)) OVER () AS all_of_it, RANK() OVER (ORDER BY SUM(amount) DESC) AS r, SUM(COUNT(*)) OVER (ORDER BY customer) AS running
FROM golden.orders
GROUP BY customer;
-- becomes
SELECT
  "orders"."customer" AS "customer",
  SUM("orders"."amount") AS "total",
  SUM(SUM("orders"."amount")) OVER () AS "all_of_it",
  RANK() OVER (ORDER BY SUM("orders"."amount") DESC) AS "r",
  CAST(SUM(COUNT(*)) OVER (ORDER BY "orders"."customer") AS BIGINT) AS "running"
FROM "golden"."orders" AS "orders"
GROUP BY
  "orders"."customer"

--- QUALIFY keeps the latest
SELECT order_id, customer FROM golden.orders WHERE TRUE QUALIFY ROW_NUMBER() OVER (PARTITION BY customer ORDER BY ordered_at DESC, order_id) = 1;
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  "orders"."customer" AS "customer"
FROM "golden"."orders" AS "orders"
WHERE
  TRUE
QUALIFY
  ROW_NUMBER() OVER (
    PARTITION BY "orders"."customer"
    ORDER BY "orders"."ordered_at" DESC, "orders"."order_id"
  ) = 1

--- QUALIFY by alias
SELECT order_id, customer, RANK() OVER (PARTITION BY customer ORDER BY amount DESC) AS r FROM golden.orders WHERE amount IS NOT NULL QUALIFY r <= 2;
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  "orders"."customer" AS "customer",
  RANK() OVER (PARTITION BY "orders"."customer" ORDER BY "orders"."amount" DESC) AS "r"
FROM "golden"."orders" AS "orders"
WHERE
  NOT "orders"."amount" IS NULL
QUALIFY
  RANK() OVER (PARTITION BY "orders"."customer" ORDER BY "orders"."amount" DESC) <= 2

--- a window over a shared base
SELECT order_id, SUM(quantity) OVER (later ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS pair FROM golden.orders WINDOW later AS (ORDER BY order_id);
-- becomes
SELECT
  "orders"."order_id" AS "order_id",
  CAST(SUM("orders"."quantity") OVER ("later" ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS BIGINT) AS "pair"
FROM "golden"."orders" AS "orders"
WINDOW "later" AS (ORDER BY "orders"."order_id")
