--- literals have the types of GoogleSQL
SELECT 1 AS whole, -1 AS negative, 1.5 AS real_number, 2e3 AS exponent, NUMERIC '1.5' AS exact, TRUE AS yes, NULL IS NULL AS nothing;
-- becomes
SELECT
  CAST(1 AS BIGINT) AS "whole",
  CAST(-1 AS BIGINT) AS "negative",
  1.5e0 AS "real_number",
  2e3 AS "exponent",
  CAST('1.5' AS DECIMAL(38, 9)) AS "exact",
  TRUE AS "yes",
  NULL IS NULL AS "nothing"

--- a number with a point becomes NUMERIC where it meets one
SELECT id, n * 0.5 AS half, n + 0.1 AS more, COALESCE(n, 0.25) AS or_quarter, IF(b, n, 0.5) AS either, n > 0.1 AS larger, n * -0.5 AS negative_half, SAFE_DIVIDE(n, 0.3) AS ratio, GREATEST(n, 0.5) AS least_half, MOD(n, 0.7) AS rest, NULLIF(n, 0.125) AS unless, CASE WHEN b THEN n WHEN i > 0 THEN 0.1 ELSE 1 END AS mixed, SUM(n * 0.1) OVER () AS total, n + 1.5e0 AS exponent
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  GSQL_MULTIPLY("numbers"."n", 0.5) AS "half",
  "numbers"."n" + 0.1 AS "more",
  COALESCE("numbers"."n", 0.25) AS "or_quarter",
  CASE WHEN "numbers"."b" THEN "numbers"."n" ELSE 0.5 END AS "either",
  "numbers"."n" > 0.1 AS "larger",
  GSQL_MULTIPLY("numbers"."n", -0.5) AS "negative_half",
  GSQL_DIVIDE("numbers"."n", CAST(NULLIF(0.3, 0) AS DECIMAL(38, 9))) AS "ratio",
  CASE WHEN "numbers"."n" IS NULL THEN NULL ELSE GREATEST("numbers"."n", 0.5) END AS "least_half",
  (
    "numbers"."n" % GSQL_NONZERO(0.7)
  ) AS "rest",
  NULLIF("numbers"."n", 0.125) AS "unless",
  CASE WHEN "numbers"."b" THEN "numbers"."n" WHEN "numbers"."i" > 0 THEN 0.1 ELSE 1 END AS "mixed",
  SUM(GSQL_MULTIPLY("numbers"."n", 0.1)) OVER () AS "total",
  "numbers"."n" + CAST(1.5e0 AS DECIMAL(38, 9)) AS "exponent"
FROM "golden"."numbers" AS "numbers"

--- integers stay integers in sums and differences and become FLOAT64 in quotients
SELECT id, i + j AS added, i - j AS taken, i * j AS times, -i AS negated, i / 2 AS halved, (i + 1) * 2 AS twice, i / NULLIF(j, 0) AS quotient
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  "numbers"."i" + "numbers"."j" AS "added",
  "numbers"."i" - "numbers"."j" AS "taken",
  "numbers"."i" * "numbers"."j" AS "times",
  -"numbers"."i" AS "negated",
  (
    "numbers"."i" / 2
  ) AS "halved",
  (
    "numbers"."i" + 1
  ) * 2 AS "twice",
  (
    "numbers"."i" / GSQL_NONZERO(NULLIF("numbers"."j", 0))
  ) AS "quotient"
FROM "golden"."numbers" AS "numbers"

--- NUMERIC times NUMERIC is rounded half away from zero at the ninth digit
SELECT id, n * m AS product, n * m * m AS cubed, n * i AS by_whole, n * 2 AS doubled, n + m AS added, n - m AS taken, n + i AS with_whole
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  GSQL_MULTIPLY("numbers"."n", "numbers"."m") AS "product",
  GSQL_MULTIPLY(GSQL_MULTIPLY("numbers"."n", "numbers"."m"), "numbers"."m") AS "cubed",
  "numbers"."n" * "numbers"."i" AS "by_whole",
  "numbers"."n" * 2 AS "doubled",
  "numbers"."n" + "numbers"."m" AS "added",
  "numbers"."n" - "numbers"."m" AS "taken",
  "numbers"."n" + "numbers"."i" AS "with_whole"
FROM "golden"."numbers" AS "numbers"

--- NUMERIC divided stays NUMERIC with nine digits
SELECT id, n / 3 AS third, n / m AS ratio, n / NULLIF(i, 0) AS by_whole, i / m AS whole_by, 1 / m AS reciprocal, n / 0.3 AS by_literal
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  GSQL_DIVIDE_INT("numbers"."n", 3) AS "third",
  GSQL_DIVIDE("numbers"."n", GSQL_NONZERO("numbers"."m")) AS "ratio",
  GSQL_DIVIDE_INT("numbers"."n", GSQL_NONZERO(NULLIF("numbers"."i", 0))) AS "by_whole",
  GSQL_DIVIDE(CAST("numbers"."i" AS DECIMAL(38, 9)), GSQL_NONZERO("numbers"."m")) AS "whole_by",
  GSQL_DIVIDE(CAST(1 AS DECIMAL(38, 9)), GSQL_NONZERO("numbers"."m")) AS "reciprocal",
  GSQL_DIVIDE("numbers"."n", CAST(GSQL_NONZERO(0.3) AS DECIMAL(38, 9))) AS "by_literal"
FROM "golden"."numbers" AS "numbers"

--- FLOAT64 takes NUMERIC and INT64 along
SELECT id, f + n AS added, f * i AS times, f / 2 AS halved, n / f AS ratio, CAST(n AS FLOAT64) / i AS cast_ratio
FROM golden.numbers
WHERE f != 0 AND i != 0;
-- becomes
SELECT
  "numbers"."id" AS "id",
  "numbers"."f" + "numbers"."n" AS "added",
  "numbers"."f" * "numbers"."i" AS "times",
  (
    "numbers"."f" / 2
  ) AS "halved",
  (
    CAST("numbers"."n" AS DOUBLE) / GSQL_NONZERO("numbers"."f")
  ) AS "ratio",
  (
    CAST("numbers"."n" AS DOUBLE) / GSQL_NONZERO("numbers"."i")
  ) AS "cast_ratio"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."f" <> 0 AND "numbers"."i" <> 0

--- dividing by zero is an error for integers
-- fails
SELECT i / (j - j) AS q FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  (
    "numbers"."i" / GSQL_NONZERO((
      "numbers"."j" - "numbers"."j"
    ))
  ) AS "q"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- dividing by zero is an error for NUMERIC
-- fails
SELECT n / (m - m) AS q FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  GSQL_DIVIDE("numbers"."n", GSQL_NONZERO((
    "numbers"."m" - "numbers"."m"
  ))) AS "q"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- dividing by zero is an error for FLOAT64
-- fails
SELECT f / (f - f) AS q FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  (
    "numbers"."f" / GSQL_NONZERO((
      "numbers"."f" - "numbers"."f"
    ))
  ) AS "q"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- an integer that does not fit is an error
-- fails
SELECT i + 9223372036854775807 AS q FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  "numbers"."i" + 9223372036854775807 AS "q"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- SAFE_DIVIDE is NULL over zero and keeps the type of a quotient
SELECT id, SAFE_DIVIDE(n, m) AS numeric_by_numeric, SAFE_DIVIDE(n, i) AS numeric_by_whole, SAFE_DIVIDE(i, j) AS whole_by_whole,
  SAFE_DIVIDE(i, n) AS whole_by_numeric, SAFE_DIVIDE(f, i) AS real_by_whole, SAFE_DIVIDE(n, f) AS numeric_by_real, SAFE_DIVIDE(i, 0) AS by_zero,
  CAST(SAFE_DIVIDE(i, j) AS NUMERIC) AS ratio, SAFE_DIVIDE(n - m, n) AS change
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  GSQL_DIVIDE("numbers"."n", NULLIF("numbers"."m", 0)) AS "numeric_by_numeric",
  GSQL_DIVIDE_INT("numbers"."n", NULLIF("numbers"."i", 0)) AS "numeric_by_whole",
  (
    "numbers"."i" / NULLIF("numbers"."j", 0)
  ) AS "whole_by_whole",
  GSQL_DIVIDE(CAST("numbers"."i" AS DECIMAL(38, 9)), NULLIF("numbers"."n", 0)) AS "whole_by_numeric",
  (
    "numbers"."f" / NULLIF("numbers"."i", 0)
  ) AS "real_by_whole",
  (
    CAST("numbers"."n" AS DOUBLE) / NULLIF("numbers"."f", 0)
  ) AS "numeric_by_real",
  (
    "numbers"."i" / NULLIF(0, 0)
  ) AS "by_zero",
  GSQL_NUMERIC((
    "numbers"."i" / NULLIF("numbers"."j", 0)
  )) AS "ratio",
  GSQL_DIVIDE("numbers"."n" - "numbers"."m", NULLIF("numbers"."n", 0)) AS "change"
FROM "golden"."numbers" AS "numbers"

--- DIV and MOD go towards zero
SELECT id, DIV(i, 2) AS halves, MOD(i, 3) AS thirds, DIV(i, NULLIF(j, 0)) AS d, MOD(i, NULLIF(j, 0)) AS m, MOD(n, 3) AS exact_thirds, DIV(5 * i, 4) AS fives,
  MOD(i + 1, 2) AS odd
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  (
    "numbers"."i" // 2
  ) AS "halves",
  (
    "numbers"."i" % 3
  ) AS "thirds",
  (
    "numbers"."i" // GSQL_NONZERO(NULLIF("numbers"."j", 0))
  ) AS "d",
  (
    "numbers"."i" % GSQL_NONZERO(NULLIF("numbers"."j", 0))
  ) AS "m",
  (
    "numbers"."n" % 3
  ) AS "exact_thirds",
  (
    (
      5 * "numbers"."i"
    ) // 4
  ) AS "fives",
  (
    (
      "numbers"."i" + 1
    ) % 2
  ) AS "odd"
FROM "golden"."numbers" AS "numbers"

--- DIV by zero is an error
-- fails
SELECT DIV(i, 0) AS q FROM golden.numbers;
-- becomes
SELECT
  (
    "numbers"."i" // GSQL_NONZERO(0)
  ) AS "q"
FROM "golden"."numbers" AS "numbers"

--- MOD by zero is an error
-- fails
SELECT MOD(i, j - j) AS q FROM golden.numbers;
-- becomes
SELECT
  (
    "numbers"."i" % GSQL_NONZERO("numbers"."j" - "numbers"."j")
  ) AS "q"
FROM "golden"."numbers" AS "numbers"

--- rounding is half away from zero and keeps the type
SELECT id, ROUND(n) AS n0, ROUND(n, 2) AS n2, ROUND(n, -1) AS tens, ROUND(f) AS f0, ROUND(f, 1) AS f1, ROUND(i) AS i0, TRUNC(n, 1) AS cut, TRUNC(f) AS f_cut,
  FLOOR(n) AS n_floor, FLOOR(f) AS f_floor, CEIL(n) AS n_ceil, CEILING(f) AS f_ceil, CEIL(i) AS i_ceil, TRUNC(n) AS whole, TRUNC(i) AS ti, ROUND(n, 9) AS n9, ROUND(f, 3) AS f3
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  GSQL_ROUND("numbers"."n", 0) AS "n0",
  GSQL_ROUND("numbers"."n", 2) AS "n2",
  GSQL_ROUND("numbers"."n", -1) AS "tens",
  ROUND("numbers"."f") AS "f0",
  ROUND("numbers"."f", 1) AS "f1",
  ROUND(CAST("numbers"."i" AS DOUBLE)) AS "i0",
  CAST(TRUNC("numbers"."n", 1) AS DECIMAL(38, 9)) AS "cut",
  TRUNC("numbers"."f") AS "f_cut",
  CAST(FLOOR("numbers"."n") AS DECIMAL(38, 9)) AS "n_floor",
  FLOOR("numbers"."f") AS "f_floor",
  CAST(CEIL("numbers"."n") AS DECIMAL(38, 9)) AS "n_ceil",
  CEIL("numbers"."f") AS "f_ceil",
  CEIL(CAST("numbers"."i" AS DOUBLE)) AS "i_ceil",
  CAST(TRUNC("numbers"."n") AS DECIMAL(38, 9)) AS "whole",
  TRUNC(CAST("numbers"."i" AS DOUBLE)) AS "ti",
  GSQL_ROUND("numbers"."n", 9) AS "n9",
  ROUND("numbers"."f", 3) AS "f3"
FROM "golden"."numbers" AS "numbers"

--- ABS and SIGN keep the type
SELECT id, ABS(i) AS ai, ABS(n) AS an, ABS(f) AS af, SIGN(i) AS si, SIGN(n) AS sn, SIGN(f) AS sf FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  ABS("numbers"."i") AS "ai",
  ABS("numbers"."n") AS "an",
  ABS("numbers"."f") AS "af",
  CAST(SIGN("numbers"."i") AS BIGINT) AS "si",
  CAST(SIGN("numbers"."n") AS DECIMAL(38, 9)) AS "sn",
  CAST(SIGN("numbers"."f") AS DOUBLE) AS "sf"
FROM "golden"."numbers" AS "numbers"

--- roots powers and logarithms are FLOAT64
SELECT id, SQRT(ABS(f)) AS root, POW(f, 2) AS square, POWER(2, 10) AS kilo, EXP(f / 10) AS e, LN(ABS(f) + 1) AS ln, LOG(ABS(f) + 1) AS log_e,
  LOG(100, 10) AS log_10, LOG(8, 2) AS log_2
FROM golden.numbers
WHERE ABS(f) < 1000;
-- becomes
SELECT
  "numbers"."id" AS "id",
  SQRT(ABS("numbers"."f")) AS "root",
  POW("numbers"."f", CAST(2 AS DOUBLE)) AS "square",
  POW(CAST(2 AS DOUBLE), CAST(10 AS DOUBLE)) AS "kilo",
  EXP((
    "numbers"."f" / 10
  )) AS "e",
  LN(ABS("numbers"."f") + 1) AS "ln",
  LN(ABS("numbers"."f") + 1) AS "log_e",
  (
    LN(CAST(100 AS DOUBLE)) / LN(CAST(10 AS DOUBLE))
  ) AS "log_10",
  (
    LN(CAST(8 AS DOUBLE)) / LN(CAST(2 AS DOUBLE))
  ) AS "log_2"
FROM "golden"."numbers" AS "numbers"
WHERE
  ABS("numbers"."f") < 1000

--- the logarithm of zero is an error
-- fails
SELECT LN(f) AS l FROM golden.numbers WHERE id = 5;
-- becomes
SELECT
  LN("numbers"."f") AS "l"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 5

--- GREATEST and LEAST are NULL if anything is
SELECT id, GREATEST(i, j) AS larger, LEAST(i, j, 3) AS smallest, GREATEST(n, m, 0) AS largest, LEAST(i, 5) AS capped, GREATEST(0, 1) AS one FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  CASE
    WHEN "numbers"."i" IS NULL OR "numbers"."j" IS NULL
    THEN NULL
    ELSE GREATEST("numbers"."i", "numbers"."j")
  END AS "larger",
  CASE
    WHEN "numbers"."i" IS NULL OR "numbers"."j" IS NULL
    THEN NULL
    ELSE LEAST("numbers"."i", "numbers"."j", 3)
  END AS "smallest",
  CASE
    WHEN "numbers"."n" IS NULL OR "numbers"."m" IS NULL
    THEN NULL
    ELSE GREATEST("numbers"."n", "numbers"."m", 0)
  END AS "largest",
  CASE WHEN "numbers"."i" IS NULL THEN NULL ELSE LEAST("numbers"."i", 5) END AS "capped",
  CAST(GREATEST(0, 1) AS BIGINT) AS "one"
FROM "golden"."numbers" AS "numbers"

--- comparisons and ranges
SELECT id, i = j AS eq, i != j AS ne, i < j AS lt, i <= j AS le, i > j AS gt, i >= n AS ge, i <> 7 AS not_seven, i BETWEEN j AND 10 AS inside,
  n NOT BETWEEN -1 AND 1 AS outside, i IN (7, 0, 1) AS listed, i NOT IN (7, NULL) AS unlisted, i IS NULL AS missing, b IS TRUE AS is_true, b IS NOT FALSE AS not_false,
  i IS DISTINCT FROM j AS differs, i IS NOT DISTINCT FROM j AS same
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  "numbers"."i" = "numbers"."j" AS "eq",
  "numbers"."i" <> "numbers"."j" AS "ne",
  "numbers"."i" < "numbers"."j" AS "lt",
  "numbers"."i" <= "numbers"."j" AS "le",
  "numbers"."i" > "numbers"."j" AS "gt",
  "numbers"."i" >= "numbers"."n" AS "ge",
  "numbers"."i" <> 7 AS "not_seven",
  "numbers"."i" BETWEEN "numbers"."j" AND 10 AS "inside",
  NOT "numbers"."n" BETWEEN -1 AND 1 AS "outside",
  "numbers"."i" IN (7, 0, 1) AS "listed",
  NOT "numbers"."i" IN (7, NULL) AS "unlisted",
  "numbers"."i" IS NULL AS "missing",
  "numbers"."b" IS TRUE AS "is_true",
  NOT "numbers"."b" IS FALSE AS "not_false",
  "numbers"."i" IS DISTINCT FROM "numbers"."j" AS "differs",
  "numbers"."i" IS NOT DISTINCT FROM "numbers"."j" AS "same"
FROM "golden"."numbers" AS "numbers"

--- three-valued logic
SELECT id, b AND i > 0 AS both_true, b OR i > 0 AS either_true, NOT b AS not_b, NOT (b AND i > 0) AS not_both FROM golden.numbers WHERE b OR b IS NULL OR NOT b;
-- becomes
SELECT
  "numbers"."id" AS "id",
  "numbers"."b" AND "numbers"."i" > 0 AS "both_true",
  "numbers"."b" OR "numbers"."i" > 0 AS "either_true",
  NOT "numbers"."b" AS "not_b",
  NOT (
    "numbers"."b" AND "numbers"."i" > 0
  ) AS "not_both"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."b" OR "numbers"."b" IS NULL OR NOT "numbers"."b"

--- conditionals
SELECT id, IF(b, i, j) AS if_, IF(b, 1, 0) AS flag, IF(b, NULL, n) AS maybe, CASE WHEN i > 0 THEN 'positive' WHEN i < 0 THEN 'negative' ELSE 'other' END AS kind,
  CASE i WHEN 7 THEN 'seven' WHEN -7 THEN 'minus seven' END AS named, IFNULL(i, 0) AS or_zero, COALESCE(i, j, 0) AS first_known, NULLIF(i, 7) AS not_seven,
  COALESCE(NULL, 1) AS one, CASE WHEN b THEN n ELSE 0 END AS amount, CASE WHEN b THEN 1.5 ELSE 2 END AS factor
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  CASE WHEN "numbers"."b" THEN "numbers"."i" ELSE "numbers"."j" END AS "if_",
  CAST(CASE WHEN "numbers"."b" THEN 1 ELSE 0 END AS BIGINT) AS "flag",
  CASE WHEN "numbers"."b" THEN NULL ELSE "numbers"."n" END AS "maybe",
  CASE
    WHEN "numbers"."i" > 0
    THEN 'positive'
    WHEN "numbers"."i" < 0
    THEN 'negative'
    ELSE 'other'
  END AS "kind",
  CASE "numbers"."i" WHEN 7 THEN 'seven' WHEN -7 THEN 'minus seven' END AS "named",
  COALESCE("numbers"."i", 0) AS "or_zero",
  COALESCE("numbers"."i", "numbers"."j", 0) AS "first_known",
  NULLIF("numbers"."i", 7) AS "not_seven",
  CAST(COALESCE(NULL, 1) AS BIGINT) AS "one",
  CASE WHEN "numbers"."b" THEN "numbers"."n" ELSE 0 END AS "amount",
  CASE WHEN "numbers"."b" THEN 1.5e0 ELSE 2 END AS "factor"
FROM "golden"."numbers" AS "numbers"

--- a parameter has its declared type
SELECT id, n > @threshold AS above, i + @days AS later, f * @ratio AS scaled, @run_date AS run_date, @since AS since, @threshold AS threshold, @channels AS channels,
  @none AS none, @channel AS channel, n / @threshold AS ratio
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  "numbers"."n" > CAST($threshold AS DECIMAL(38, 9)) AS "above",
  "numbers"."i" + CAST($days AS BIGINT) AS "later",
  "numbers"."f" * CAST($ratio AS DOUBLE) AS "scaled",
  CAST($run_date AS DATE) AS "run_date",
  CAST($since AS TIMESTAMPTZ) AS "since",
  CAST($threshold AS DECIMAL(38, 9)) AS "threshold",
  LIST_CONCAT(CAST($channels AS TEXT[]), CAST([] AS TEXT[])) AS "channels",
  LIST_CONCAT(CAST($none AS TEXT[]), CAST([] AS TEXT[])) AS "none",
  CAST($channel AS TEXT) AS "channel",
  GSQL_DIVIDE("numbers"."n", GSQL_NONZERO(CAST($threshold AS DECIMAL(38, 9)))) AS "ratio"
FROM "golden"."numbers" AS "numbers"
