--- dates are made from times and from numbers
SELECT id, DATE(t) AS day, DATE(d) AS same, DATE(2024, 2, 29) AS made, DATE(EXTRACT(YEAR FROM e), 1, 1) AS new_year, DATE '2024-02-29' AS literal, TIMESTAMP '2024-02-29 10:00:00+02' AS zoned,
  TIMESTAMP(d) AS midnight, TIMESTAMP('2024-02-29 10:00:00') AS moment, TIMESTAMP '2024-01-01' AS short, DATE(CAST(t AS DATETIME)) AS clock_day
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  GSQL_DAY("days"."t") AS "day",
  "days"."d" AS "same",
  MAKE_DATE(2024, 2, 29) AS "made",
  MAKE_DATE(YEAR("days"."e"), 1, 1) AS "new_year",
  CAST('2024-02-29' AS DATE) AS "literal",
  CAST('2024-02-29 10:00:00+02' AS TIMESTAMPTZ) AS "zoned",
  CAST("days"."d" AS TIMESTAMPTZ) AS "midnight",
  CAST('2024-02-29 10:00:00' AS TIMESTAMPTZ) AS "moment",
  CAST('2024-01-01' AS TIMESTAMPTZ) AS "short",
  CAST(CAST("days"."t" AS TIMESTAMP) AS DATE) AS "clock_day"
FROM "golden"."days" AS "days"

--- parts of a date
SELECT id, d, EXTRACT(YEAR FROM d) AS y, EXTRACT(QUARTER FROM d) AS q, EXTRACT(MONTH FROM d) AS m, EXTRACT(DAY FROM d) AS day, EXTRACT(DAYOFWEEK FROM d) AS dow, EXTRACT(DAYOFYEAR FROM d) AS doy,
  EXTRACT(WEEK FROM d) AS week, EXTRACT(ISOWEEK FROM d) AS isoweek, EXTRACT(ISOYEAR FROM d) AS isoyear
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  "days"."d" AS "d",
  YEAR("days"."d") AS "y",
  QUARTER("days"."d") AS "q",
  MONTH("days"."d") AS "m",
  DAY("days"."d") AS "day",
  (
    DAYOFWEEK("days"."d") + 1
  ) AS "dow",
  DAYOFYEAR("days"."d") AS "doy",
  CAST(STRFTIME("days"."d", '%U') AS BIGINT) AS "week",
  WEEK("days"."d") AS "isoweek",
  ISOYEAR("days"."d") AS "isoyear"
FROM "golden"."days" AS "days"

--- parts of a time
SELECT id, EXTRACT(HOUR FROM t) AS h, EXTRACT(MINUTE FROM t) AS mi, EXTRACT(SECOND FROM t) AS s, EXTRACT(MILLISECOND FROM t) AS ms, EXTRACT(MICROSECOND FROM u) AS us, EXTRACT(DATE FROM t) AS d,
  EXTRACT(DAYOFWEEK FROM t) AS dow, EXTRACT(WEEK FROM t) AS week, EXTRACT(YEAR FROM u) AS y
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  HOUR("days"."t") AS "h",
  MINUTE("days"."t") AS "mi",
  SECOND("days"."t") AS "s",
  (
    MILLISECOND("days"."t") % 1000
  ) AS "ms",
  (
    MICROSECOND("days"."u") % 1000000
  ) AS "us",
  CAST("days"."t" AS DATE) AS "d",
  (
    DAYOFWEEK("days"."t") + 1
  ) AS "dow",
  CAST(STRFTIME("days"."t", '%U') AS BIGINT) AS "week",
  YEAR("days"."u") AS "y"
FROM "golden"."days" AS "days"

--- a date cut to a part stays a date
SELECT id, DATE_TRUNC(d, DAY) AS day, DATE_TRUNC(d, WEEK) AS week, DATE_TRUNC(d, WEEK(SUNDAY)) AS sunday, DATE_TRUNC(d, WEEK(MONDAY)) AS monday, DATE_TRUNC(d, WEEK(THURSDAY)) AS thursday,
  DATE_TRUNC(d, WEEK(SATURDAY)) AS saturday, DATE_TRUNC(d, ISOWEEK) AS isoweek, DATE_TRUNC(d, MONTH) AS month, DATE_TRUNC(d, QUARTER) AS quarter, DATE_TRUNC(d, YEAR) AS year, DATE_TRUNC(d, ISOYEAR) AS isoyear,
  DATE_TRUNC(@run_date, MONTH) AS this_month
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  CAST(DATE_TRUNC('day', "days"."d") AS DATE) AS "day",
  (
    CAST(DATE_TRUNC('week', "days"."d" + 1) AS DATE) - 1
  ) AS "week",
  (
    CAST(DATE_TRUNC('week', "days"."d" + 1) AS DATE) - 1
  ) AS "sunday",
  CAST(DATE_TRUNC('week', "days"."d") AS DATE) AS "monday",
  (
    CAST(DATE_TRUNC('week', "days"."d" + 4) AS DATE) - 4
  ) AS "thursday",
  (
    CAST(DATE_TRUNC('week', "days"."d" + 2) AS DATE) - 2
  ) AS "saturday",
  CAST(DATE_TRUNC('week', "days"."d") AS DATE) AS "isoweek",
  CAST(DATE_TRUNC('month', "days"."d") AS DATE) AS "month",
  CAST(DATE_TRUNC('quarter', "days"."d") AS DATE) AS "quarter",
  CAST(DATE_TRUNC('year', "days"."d") AS DATE) AS "year",
  CAST(DATE_TRUNC('isoyear', "days"."d") AS DATE) AS "isoyear",
  CAST(DATE_TRUNC('month', CAST($run_date AS DATE)) AS DATE) AS "this_month"
FROM "golden"."days" AS "days"

--- a time cut to a part stays a time
SELECT id, TIMESTAMP_TRUNC(t, SECOND) AS second, TIMESTAMP_TRUNC(t, MINUTE) AS minute, TIMESTAMP_TRUNC(t, HOUR) AS hour, TIMESTAMP_TRUNC(t, DAY) AS day, TIMESTAMP_TRUNC(t, WEEK) AS week,
  TIMESTAMP_TRUNC(t, ISOWEEK) AS isoweek, TIMESTAMP_TRUNC(t, MONTH) AS month, TIMESTAMP_TRUNC(t, QUARTER) AS quarter, TIMESTAMP_TRUNC(t, YEAR) AS year
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  CAST(DATE_TRUNC('second', "days"."t") AS TIMESTAMPTZ) AS "second",
  CAST(DATE_TRUNC('minute', "days"."t") AS TIMESTAMPTZ) AS "minute",
  CAST(DATE_TRUNC('hour', "days"."t") AS TIMESTAMPTZ) AS "hour",
  CAST(DATE_TRUNC('day', "days"."t") AS TIMESTAMPTZ) AS "day",
  CAST((
    CAST(DATE_TRUNC('week', CAST("days"."t" AS DATE) + 1) AS DATE) - 1
  ) AS TIMESTAMPTZ) AS "week",
  CAST(CAST(DATE_TRUNC('week', CAST("days"."t" AS DATE)) AS DATE) AS TIMESTAMPTZ) AS "isoweek",
  CAST(DATE_TRUNC('month', "days"."t") AS TIMESTAMPTZ) AS "month",
  CAST(DATE_TRUNC('quarter', "days"."t") AS TIMESTAMPTZ) AS "quarter",
  CAST(DATE_TRUNC('year', "days"."t") AS TIMESTAMPTZ) AS "year"
FROM "golden"."days" AS "days"

--- adding to a date
SELECT id, DATE_ADD(d, INTERVAL 1 DAY) AS d1, DATE_ADD(d, INTERVAL id DAY) AS by_column, DATE_ADD(d, INTERVAL 2 WEEK) AS w2, DATE_ADD(d, INTERVAL 1 MONTH) AS m1, DATE_ADD(d, INTERVAL -1 MONTH) AS minus_month,
  DATE_ADD(d, INTERVAL 1 QUARTER) AS q1, DATE_ADD(d, INTERVAL 1 YEAR) AS y1, DATE_SUB(d, INTERVAL 1 DAY) AS before, DATE_SUB(d, INTERVAL 1 MONTH) AS month_before, DATE_SUB(d, INTERVAL 4 YEAR) AS leap,
  DATE_SUB(@run_date, INTERVAL 29 DAY) AS window_start, DATE_SUB(@run_date, INTERVAL @days DAY) AS by_parameter, DATE_ADD(d, INTERVAL id + 1 MONTH) AS by_expression, DATE_ADD(d, INTERVAL -id WEEK) AS back
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  (
    "days"."d" + 1
  ) AS "d1",
  (
    "days"."d" + CAST("days"."id" AS INT)
  ) AS "by_column",
  (
    "days"."d" + 14
  ) AS "w2",
  CAST("days"."d" + TO_MONTHS(CAST(1 AS INT)) AS DATE) AS "m1",
  CAST("days"."d" + TO_MONTHS(CAST('-1' AS INT)) AS DATE) AS "minus_month",
  CAST("days"."d" + TO_MONTHS(CAST(3 AS INT)) AS DATE) AS "q1",
  CAST("days"."d" + TO_MONTHS(CAST(12 AS INT)) AS DATE) AS "y1",
  (
    "days"."d" - 1
  ) AS "before",
  CAST("days"."d" - TO_MONTHS(CAST(1 AS INT)) AS DATE) AS "month_before",
  CAST("days"."d" - TO_MONTHS(CAST(48 AS INT)) AS DATE) AS "leap",
  (
    CAST($run_date AS DATE) - 29
  ) AS "window_start",
  (
    CAST($run_date AS DATE) - CAST(CAST($days AS BIGINT) AS INT)
  ) AS "by_parameter",
  CAST("days"."d" + TO_MONTHS(CAST((
    "days"."id" + 1
  ) AS INT)) AS DATE) AS "by_expression",
  (
    "days"."d" + CAST((
      (
        -"days"."id"
      )
    ) * 7 AS INT)
  ) AS "back"
FROM "golden"."days" AS "days"

--- adding to a time
SELECT id, TIMESTAMP_ADD(t, INTERVAL 1 DAY) AS d1, TIMESTAMP_ADD(t, INTERVAL 36 HOUR) AS h36, TIMESTAMP_SUB(t, INTERVAL 90 MINUTE) AS m90, TIMESTAMP_ADD(t, INTERVAL id SECOND) AS by_column,
  TIMESTAMP_SUB(t, INTERVAL 1 MILLISECOND) AS ms, TIMESTAMP_ADD(t, INTERVAL -1 MICROSECOND) AS us, TIMESTAMP_SUB(@since, INTERVAL @days DAY) AS by_parameter, TIMESTAMP_ADD(TIMESTAMP(d), INTERVAL 23 HOUR) AS evening
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  (
    "days"."t" + TO_MICROSECONDS(CAST(1 AS BIGINT) * 86400000000)
  ) AS "d1",
  (
    "days"."t" + TO_MICROSECONDS(CAST(36 AS BIGINT) * 3600000000)
  ) AS "h36",
  (
    "days"."t" - TO_MICROSECONDS(CAST(90 AS BIGINT) * 60000000)
  ) AS "m90",
  (
    "days"."t" + TO_MICROSECONDS(CAST("days"."id" AS BIGINT) * 1000000)
  ) AS "by_column",
  (
    "days"."t" - TO_MICROSECONDS(CAST(1 AS BIGINT) * 1000)
  ) AS "ms",
  (
    "days"."t" + TO_MICROSECONDS(CAST('-1' AS BIGINT))
  ) AS "us",
  (
    CAST($since AS TIMESTAMPTZ) - TO_MICROSECONDS(CAST(CAST($days AS BIGINT) AS BIGINT) * 86400000000)
  ) AS "by_parameter",
  (
    CAST("days"."d" AS TIMESTAMPTZ) + TO_MICROSECONDS(CAST(23 AS BIGINT) * 3600000000)
  ) AS "evening"
FROM "golden"."days" AS "days"

--- DATE_DIFF counts boundaries
SELECT id, d, e, DATE_DIFF(d, e, DAY) AS days, DATE_DIFF(d, e, WEEK) AS weeks, DATE_DIFF(d, e, WEEK(MONDAY)) AS mondays, DATE_DIFF(d, e, WEEK(WEDNESDAY)) AS wednesdays, DATE_DIFF(d, e, ISOWEEK) AS isoweeks,
  DATE_DIFF(d, e, MONTH) AS months, DATE_DIFF(d, e, QUARTER) AS quarters, DATE_DIFF(d, e, YEAR) AS years, DATE_DIFF(d, e, ISOYEAR) AS isoyears, DATE_DIFF(@run_date, DATE(t), DAY) AS age_days,
  DATE_DIFF(@run_date, d, DAY) + 1 AS inclusive, DATE_DIFF(d, DATE '2024-01-01', DAY) AS since_literal
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  "days"."d" AS "d",
  "days"."e" AS "e",
  (
    "days"."d" - "days"."e"
  ) AS "days",
  (
    (
      (
        CAST(DATE_TRUNC('week', "days"."d" + 1) AS DATE) - 1
      ) - (
        CAST(DATE_TRUNC('week', "days"."e" + 1) AS DATE) - 1
      )
    ) // 7
  ) AS "weeks",
  (
    (
      CAST(DATE_TRUNC('week', "days"."d") AS DATE) - CAST(DATE_TRUNC('week', "days"."e") AS DATE)
    ) // 7
  ) AS "mondays",
  (
    (
      (
        CAST(DATE_TRUNC('week', "days"."d" + 5) AS DATE) - 5
      ) - (
        CAST(DATE_TRUNC('week', "days"."e" + 5) AS DATE) - 5
      )
    ) // 7
  ) AS "wednesdays",
  (
    (
      CAST(DATE_TRUNC('week', "days"."d") AS DATE) - CAST(DATE_TRUNC('week', "days"."e") AS DATE)
    ) // 7
  ) AS "isoweeks",
  DATE_DIFF('month', "days"."e", "days"."d") AS "months",
  DATE_DIFF('quarter', "days"."e", "days"."d") AS "quarters",
  DATE_DIFF('year', "days"."e", "days"."d") AS "years",
  (
    ISOYEAR("days"."d") - ISOYEAR("days"."e")
  ) AS "isoyears",
  (
    CAST($run_date AS DATE) - GSQL_DAY("days"."t")
  ) AS "age_days",
  (
    CAST($run_date AS DATE) - "days"."d"
  ) + 1 AS "inclusive",
  (
    "days"."d" - CAST('2024-01-01' AS DATE)
  ) AS "since_literal"
FROM "golden"."days" AS "days"

--- TIMESTAMP_DIFF counts whole units
SELECT id, TIMESTAMP_DIFF(t, u, DAY) AS days, TIMESTAMP_DIFF(t, u, HOUR) AS hours, TIMESTAMP_DIFF(t, u, MINUTE) AS minutes, TIMESTAMP_DIFF(t, u, SECOND) AS seconds, TIMESTAMP_DIFF(t, u, MILLISECOND) AS ms,
  TIMESTAMP_DIFF(t, u, MICROSECOND) AS us, TIMESTAMP_DIFF(u, t, DAY) AS back
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  (
    (
      EPOCH_US("days"."t") - EPOCH_US("days"."u")
    ) // 86400000000
  ) AS "days",
  (
    (
      EPOCH_US("days"."t") - EPOCH_US("days"."u")
    ) // 3600000000
  ) AS "hours",
  (
    (
      EPOCH_US("days"."t") - EPOCH_US("days"."u")
    ) // 60000000
  ) AS "minutes",
  (
    (
      EPOCH_US("days"."t") - EPOCH_US("days"."u")
    ) // 1000000
  ) AS "seconds",
  (
    (
      EPOCH_US("days"."t") - EPOCH_US("days"."u")
    ) // 1000
  ) AS "ms",
  (
    EPOCH_US("days"."t") - EPOCH_US("days"."u")
  ) AS "us",
  (
    (
      EPOCH_US("days"."u") - EPOCH_US("days"."t")
    ) // 86400000000
  ) AS "back"
FROM "golden"."days" AS "days"

--- dates as text and text as dates
SELECT id, FORMAT_DATE('%Y-%m-%d', d) AS iso, FORMAT_DATE('%F', d) AS f, FORMAT_DATE('%d/%m/%y', d) AS short, FORMAT_DATE('%B %d, %Y', d) AS long, FORMAT_DATE('%a %A %b %j %u %G %V', d) AS names,
  FORMAT_TIMESTAMP('%F %T', t) AS moment, FORMAT_TIMESTAMP('%Y%m%d%H%M%S', t) AS packed, FORMAT_DATE('%Y-%m', d) AS month, FORMAT_TIMESTAMP('%H:%M %p %I', t) AS clock
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  STRFTIME("days"."d", '%Y-%m-%d') AS "iso",
  STRFTIME("days"."d", '%Y-%m-%d') AS "f",
  STRFTIME("days"."d", '%d/%m/%y') AS "short",
  STRFTIME("days"."d", '%B %d, %Y') AS "long",
  STRFTIME("days"."d", '%a %A %b %j %u %G %V') AS "names",
  STRFTIME("days"."t", '%Y-%m-%d %H:%M:%S') AS "moment",
  STRFTIME("days"."t", '%Y%m%d%H%M%S') AS "packed",
  STRFTIME("days"."d", '%Y-%m') AS "month",
  STRFTIME("days"."t", '%H:%M %p %I') AS "clock"
FROM "golden"."days" AS "days"

--- text becomes a date by a format
SELECT PARSE_DATE('%Y%m%d', '20240229') AS packed, PARSE_DATE('%d/%m/%Y', '1/2/2024') AS european, PARSE_DATE('%Y-%m-%d', '2024-02-29') AS iso, PARSE_TIMESTAMP('%Y-%m-%d %T', '2024-02-29 10:11:12') AS t, PARSE_DATE('%B %d, %Y', 'February 29, 2024') AS long,
  PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2024-02-29 10:11:12') AS moment, SAFE.PARSE_DATE('%Y-%m-%d', '2023-02-29') AS no_leap_day, SAFE.PARSE_TIMESTAMP('%Y %T', 'x') AS no_time
FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  CAST(STRPTIME('20240229', '%Y%m%d') AS DATE) AS "packed",
  CAST(STRPTIME('1/2/2024', '%d/%m/%Y') AS DATE) AS "european",
  CAST(STRPTIME('2024-02-29', '%Y-%m-%d') AS DATE) AS "iso",
  CAST(STRPTIME('2024-02-29 10:11:12', '%Y-%m-%d %H:%M:%S') AS TIMESTAMPTZ) AS "t",
  CAST(STRPTIME('February 29, 2024', '%B %d, %Y') AS DATE) AS "long",
  CAST(STRPTIME('2024-02-29 10:11:12', '%Y-%m-%d %H:%M:%S') AS TIMESTAMPTZ) AS "moment",
  CAST(TRY_STRPTIME('2023-02-29', '%Y-%m-%d') AS DATE) AS "no_leap_day",
  CAST(TRY_STRPTIME('x', '%Y %H:%M:%S') AS TIMESTAMPTZ) AS "no_time"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- a column becomes a date by a format
SELECT id, s, SAFE.PARSE_DATE('%Y%m%d', s) AS packed, SAFE.PARSE_DATE('%d/%m/%Y', s) AS european FROM golden.texts WHERE s IN ('20240102', '02/01/2024', 'abc', '', 'inf') OR s IS NULL;
-- becomes
SELECT
  "texts"."id" AS "id",
  "texts"."s" AS "s",
  CAST(TRY_STRPTIME("texts"."s", '%Y%m%d') AS DATE) AS "packed",
  CAST(TRY_STRPTIME("texts"."s", '%d/%m/%Y') AS DATE) AS "european"
FROM "golden"."texts" AS "texts"
WHERE
  "texts"."s" IN ('20240102', '02/01/2024', 'abc', '', 'inf')
  OR "texts"."s" IS NULL

--- the last day
SELECT id, LAST_DAY(d) AS month, LAST_DAY(d, MONTH) AS also_month, LAST_DAY(d, QUARTER) AS quarter, LAST_DAY(d, YEAR) AS year FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  LAST_DAY("days"."d") AS "month",
  LAST_DAY("days"."d") AS "also_month",
  (
    CAST(DATE_TRUNC('quarter', "days"."d") + TO_MONTHS(3) AS DATE) - 1
  ) AS "quarter",
  (
    CAST(DATE_TRUNC('year', "days"."d") + TO_MONTHS(12) AS DATE) - 1
  ) AS "year"
FROM "golden"."days" AS "days"

--- seconds since 1970
SELECT id, UNIX_SECONDS(t) AS s, UNIX_MILLIS(t) AS ms, UNIX_MICROS(t) AS us, UNIX_DATE(d) AS days FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  (
    (
      EPOCH_US("days"."t") - (
        (
          (
            EPOCH_US("days"."t") % 1000000
          ) + 1000000
        ) % 1000000
      )
    ) // 1000000
  ) AS "s",
  (
    (
      EPOCH_US("days"."t") - (
        (
          (
            EPOCH_US("days"."t") % 1000
          ) + 1000
        ) % 1000
      )
    ) // 1000
  ) AS "ms",
  EPOCH_US("days"."t") AS "us",
  (
    "days"."d" - CAST('1970-01-01' AS DATE)
  ) AS "days"
FROM "golden"."days" AS "days"

--- dates compare with dates and literals
SELECT id, d < e AS before, d = DATE '2024-02-29' AS leap, d BETWEEN DATE_SUB(@run_date, INTERVAL 29 DAY) AND @run_date AS recent, t >= @since AS since, DATE(t) <= @run_date AS known, d > '2024-01-01' AS after_text,
  t < TIMESTAMP_ADD(TIMESTAMP(@run_date), INTERVAL 1 DAY) AS in_time, GREATEST(d, e) AS later, MAX(d) OVER () AS latest, COALESCE(d, e) AS known_day, IF(d > e, d, e) AS choice
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  "days"."d" < "days"."e" AS "before",
  "days"."d" = CAST('2024-02-29' AS DATE) AS "leap",
  "days"."d" BETWEEN (
    CAST($run_date AS DATE) - 29
  ) AND CAST($run_date AS DATE) AS "recent",
  "days"."t" >= CAST($since AS TIMESTAMPTZ) AS "since",
  GSQL_DAY("days"."t") <= CAST($run_date AS DATE) AS "known",
  "days"."d" > '2024-01-01' AS "after_text",
  "days"."t" < (
    CAST(CAST($run_date AS DATE) AS TIMESTAMPTZ) + TO_MICROSECONDS(CAST(1 AS BIGINT) * 86400000000)
  ) AS "in_time",
  CASE
    WHEN "days"."d" IS NULL OR "days"."e" IS NULL
    THEN NULL
    ELSE GREATEST("days"."d", "days"."e")
  END AS "later",
  MAX("days"."d") OVER () AS "latest",
  COALESCE("days"."d", "days"."e") AS "known_day",
  CASE WHEN "days"."d" > "days"."e" THEN "days"."d" ELSE "days"."e" END AS "choice"
FROM "golden"."days" AS "days"

--- a series of dates
SELECT day FROM UNNEST(GENERATE_DATE_ARRAY(DATE '2024-02-27', @run_date)) AS day;
-- becomes
SELECT
  "_0"."day" AS "day"
FROM UNNEST(CAST(GENERATE_SERIES(CAST('2024-02-27' AS DATE), CAST($run_date AS DATE), TO_DAYS(CAST(1 AS INT))) AS DATE[])) AS "_0"("day")

--- series of weeks and months
SELECT GENERATE_DATE_ARRAY(DATE '2024-01-31', DATE '2024-05-31', INTERVAL 1 MONTH) AS months, GENERATE_DATE_ARRAY(DATE '2024-01-01', @run_date, INTERVAL 2 WEEK) AS weeks,
  GENERATE_DATE_ARRAY(@run_date, DATE '2024-01-01') AS none, GENERATE_DATE_ARRAY(DATE '2024-01-01', DATE '2024-01-09', INTERVAL 4 DAY) AS fours, GENERATE_DATE_ARRAY(DATE '2023-01-01', @run_date, INTERVAL 1 YEAR) AS years
FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  LIST_CONCAT(
    CAST(GENERATE_SERIES(CAST('2024-01-31' AS DATE), CAST('2024-05-31' AS DATE), TO_MONTHS(CAST(1 AS INT))) AS DATE[]),
    CAST([] AS DATE[])
  ) AS "months",
  LIST_CONCAT(
    CAST(GENERATE_SERIES(CAST('2024-01-01' AS DATE), CAST($run_date AS DATE), TO_DAYS(CAST(14 AS INT))) AS DATE[]),
    CAST([] AS DATE[])
  ) AS "weeks",
  LIST_CONCAT(
    CAST(GENERATE_SERIES(CAST($run_date AS DATE), CAST('2024-01-01' AS DATE), TO_DAYS(CAST(1 AS INT))) AS DATE[]),
    CAST([] AS DATE[])
  ) AS "none",
  LIST_CONCAT(
    CAST(GENERATE_SERIES(CAST('2024-01-01' AS DATE), CAST('2024-01-09' AS DATE), TO_DAYS(CAST(4 AS INT))) AS DATE[]),
    CAST([] AS DATE[])
  ) AS "fours",
  LIST_CONCAT(
    CAST(GENERATE_SERIES(CAST('2023-01-01' AS DATE), CAST($run_date AS DATE), TO_MONTHS(CAST(12 AS INT))) AS DATE[]),
    CAST([] AS DATE[])
  ) AS "years"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1
