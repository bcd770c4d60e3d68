--- SAFE_CAST of text is NULL where CAST would fail
SELECT id, s, SAFE_CAST(s AS INT64) AS whole, SAFE_CAST(s AS NUMERIC) AS exact, SAFE_CAST(s AS BOOL) AS truth, SAFE_CAST(s AS DATE) AS day,
  SAFE_CAST(s AS TIMESTAMP) AS moment
FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  "texts"."s" AS "s",
  GSQL_SAFE_INT64("texts"."s") AS "whole",
  GSQL_SAFE_NUMERIC("texts"."s") AS "exact",
  GSQL_SAFE_BOOL("texts"."s") AS "truth",
  GSQL_SAFE_DATE("texts"."s") AS "day",
  GSQL_SAFE_TIMESTAMP("texts"."s") AS "moment"
FROM "golden"."texts" AS "texts"

--- SAFE_CAST of text to FLOAT64
SELECT id, s, SAFE_CAST(s AS FLOAT64) AS real_number FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  "texts"."s" AS "s",
  GSQL_SAFE_FLOAT64("texts"."s") AS "real_number"
FROM "golden"."texts" AS "texts"

--- CAST of text
SELECT CAST('12' AS INT64) AS whole, CAST(' -7' AS INT64) AS negative, CAST('0x1F' AS INT64) AS hexadecimal, CAST('1.5' AS NUMERIC) AS exact,
  CAST('1.0000000005' AS NUMERIC) AS rounded, CAST('1e-3' AS FLOAT64) AS small, CAST('TRUE' AS BOOL) AS truth, CAST('2024-2-9' AS DATE) AS day,
  CAST('2024-02-09 01:02:03.5+01' AS TIMESTAMP) AS moment, CAST(CAST(NULL AS STRING) AS INT64) AS missing
FROM golden.numbers
WHERE id = 1;
-- becomes
SELECT
  GSQL_REQUIRED(GSQL_SAFE_INT64('12'), '12', 'INT64') AS "whole",
  GSQL_REQUIRED(GSQL_SAFE_INT64(' -7'), ' -7', 'INT64') AS "negative",
  GSQL_REQUIRED(GSQL_SAFE_INT64('0x1F'), '0x1F', 'INT64') AS "hexadecimal",
  CAST('1.5' AS DECIMAL(38, 9)) AS "exact",
  CAST('1.0000000005' AS DECIMAL(38, 9)) AS "rounded",
  GSQL_REQUIRED(GSQL_SAFE_FLOAT64('1e-3'), '1e-3', 'FLOAT64') AS "small",
  GSQL_REQUIRED(GSQL_SAFE_BOOL('TRUE'), 'TRUE', 'BOOL') AS "truth",
  CAST('2024-2-9' AS DATE) AS "day",
  CAST('2024-02-09 01:02:03.5+01' AS TIMESTAMPTZ) AS "moment",
  GSQL_REQUIRED(GSQL_SAFE_INT64(CAST(NULL AS TEXT)), CAST(NULL AS TEXT), 'INT64') AS "missing"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- CAST of a column of text
SELECT id, CAST(s AS INT64) AS whole, CAST(s AS NUMERIC) AS exact, CAST(s AS FLOAT64) AS real_number FROM golden.texts WHERE s IN ('12', '+5', '-7', ' 15 ') OR s IS NULL;
-- becomes
SELECT
  "texts"."id" AS "id",
  GSQL_REQUIRED(GSQL_SAFE_INT64("texts"."s"), "texts"."s", 'INT64') AS "whole",
  GSQL_REQUIRED(GSQL_SAFE_NUMERIC("texts"."s"), "texts"."s", 'NUMERIC') AS "exact",
  GSQL_REQUIRED(GSQL_SAFE_FLOAT64("texts"."s"), "texts"."s", 'FLOAT64') AS "real_number"
FROM "golden"."texts" AS "texts"
WHERE
  "texts"."s" IN ('12', '+5', '-7', ' 15 ') OR "texts"."s" IS NULL

--- text that is no INT64 is an error
-- fails
SELECT CAST(s AS INT64) AS n FROM golden.texts WHERE s = '1.5';
-- becomes
SELECT
  GSQL_REQUIRED(GSQL_SAFE_INT64("texts"."s"), "texts"."s", 'INT64') AS "n"
FROM "golden"."texts" AS "texts"
WHERE
  "texts"."s" = '1.5'

--- text that is no BOOL is an error
-- fails
SELECT CAST(s AS BOOL) AS b FROM golden.texts WHERE s = 't';
-- becomes
SELECT
  GSQL_REQUIRED(GSQL_SAFE_BOOL("texts"."s"), "texts"."s", 'BOOL') AS "b"
FROM "golden"."texts" AS "texts"
WHERE
  "texts"."s" = 't'

--- text that is no DATE is an error
-- fails
SELECT CAST(s AS DATE) AS d FROM golden.texts WHERE s = '2024/01/02';
-- becomes
SELECT
  GSQL_REQUIRED(GSQL_SAFE_DATE("texts"."s"), "texts"."s", 'DATE') AS "d"
FROM "golden"."texts" AS "texts"
WHERE
  "texts"."s" = '2024/01/02'

--- FLOAT64 and NUMERIC become INT64 by rounding half away from zero
SELECT id, CAST(f AS INT64) AS from_real, CAST(n AS INT64) AS from_exact, SAFE_CAST(f * 1e200 AS INT64) AS too_large, CAST(0.5 AS INT64) AS half, CAST(-2.5 AS INT64) AS minus
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  CAST(ROUND("numbers"."f") AS BIGINT) AS "from_real",
  CAST("numbers"."n" AS BIGINT) AS "from_exact",
  TRY_CAST(ROUND("numbers"."f" * 1e200) AS BIGINT) AS "too_large",
  CAST(ROUND(0.5e0) AS BIGINT) AS "half",
  CAST(ROUND(-2.5e0) AS BIGINT) AS "minus"
FROM "golden"."numbers" AS "numbers"

--- numbers become numbers
SELECT id, CAST(i AS NUMERIC) AS exact, CAST(i AS FLOAT64) AS real_number, CAST(n AS FLOAT64) AS rf, CAST(f AS NUMERIC) AS rn, CAST(i AS BOOL) AS truth, CAST(b AS INT64) AS bit,
  CAST(1.1 AS NUMERIC) AS literal, CAST(i AS INT64) AS same, CAST(1 AS NUMERIC) AS one, CAST(0.1234567895 AS NUMERIC) AS cut, SAFE_CAST(i AS NUMERIC) AS safe, SAFE_CAST(f * 1e200 AS NUMERIC) AS too_large
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  CAST("numbers"."i" AS DECIMAL(38, 9)) AS "exact",
  CAST("numbers"."i" AS DOUBLE) AS "real_number",
  CAST("numbers"."n" AS DOUBLE) AS "rf",
  GSQL_NUMERIC("numbers"."f") AS "rn",
  CAST("numbers"."i" AS BOOLEAN) AS "truth",
  CAST("numbers"."b" AS BIGINT) AS "bit",
  CAST(1.1 AS DECIMAL(38, 9)) AS "literal",
  "numbers"."i" AS "same",
  CAST(1 AS DECIMAL(38, 9)) AS "one",
  CAST(0.1234567895 AS DECIMAL(38, 9)) AS "cut",
  TRY_CAST("numbers"."i" AS DECIMAL(38, 9)) AS "safe",
  GSQL_SAFE_NUMERIC_OF("numbers"."f" * 1e200) AS "too_large"
FROM "golden"."numbers" AS "numbers"

--- numbers and truth become text
SELECT id, CAST(i AS STRING) AS whole, CAST(n AS STRING) AS exact, CAST(b AS STRING) AS truth, CAST(NUMERIC '100' AS STRING) AS hundred, CAST(NUMERIC '-0.10' AS STRING) AS minus
FROM golden.numbers;
-- becomes
SELECT
  "numbers"."id" AS "id",
  CAST("numbers"."i" AS TEXT) AS "whole",
  GSQL_NUMERIC_TEXT("numbers"."n") AS "exact",
  CAST("numbers"."b" AS TEXT) AS "truth",
  GSQL_NUMERIC_TEXT(CAST('100' AS DECIMAL(38, 9))) AS "hundred",
  GSQL_NUMERIC_TEXT(CAST('-0.10' AS DECIMAL(38, 9))) AS "minus"
FROM "golden"."numbers" AS "numbers"

--- dates and times become text and each other
SELECT id, CAST(d AS STRING) AS day, CAST(t AS STRING) AS moment, CAST(u AS STRING) AS fine, CAST(d AS TIMESTAMP) AS midnight, CAST(t AS DATE) AS day_of, SAFE_CAST(d AS STRING) AS safe
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  CAST("days"."d" AS TEXT) AS "day",
  GSQL_DATETIME_TEXT("days"."t") || '+00' AS "moment",
  GSQL_DATETIME_TEXT("days"."u") || '+00' AS "fine",
  CAST("days"."d" AS TIMESTAMPTZ) AS "midnight",
  CAST("days"."t" AS DATE) AS "day_of",
  TRY_CAST("days"."d" AS TEXT) AS "safe"
FROM "golden"."days" AS "days"

--- DATETIME exists between DATE and TIMESTAMP
SELECT id, CAST(t AS DATETIME) AS clock, CAST(CAST(t AS DATETIME) AS STRING) AS text, CAST(CAST(u AS DATETIME) AS TIMESTAMP) AS back, CAST(d AS DATETIME) AS midnight, CAST(CAST(t AS DATETIME) AS DATE) AS day
FROM golden.days;
-- becomes
SELECT
  "days"."id" AS "id",
  CAST("days"."t" AS TIMESTAMP) AS "clock",
  GSQL_DATETIME_TEXT(CAST("days"."t" AS TIMESTAMP)) AS "text",
  CAST(CAST("days"."u" AS TIMESTAMP) AS TIMESTAMPTZ) AS "back",
  CAST("days"."d" AS TIMESTAMP) AS "midnight",
  CAST(CAST("days"."t" AS TIMESTAMP) AS DATE) AS "day"
FROM "golden"."days" AS "days"

--- bytes and digests
SELECT id, TO_HEX(SHA256(s)) AS sha, TO_HEX(MD5(s)) AS md, SHA256(s) AS raw_sha, MD5(s) AS raw_md, CAST(s AS BYTES) AS encoded, CAST(CAST(s AS BYTES) AS STRING) AS decoded, FROM_HEX('00ff') AS hex,
  TO_HEX(CAST(s AS BYTES)) AS digits, LENGTH(CAST(s AS BYTES)) AS size, SUBSTR(TO_HEX(SHA256(CONCAT('crm:', s))), 1, 24) AS key
FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  SHA256("texts"."s") AS "sha",
  MD5("texts"."s") AS "md",
  UNHEX(SHA256("texts"."s")) AS "raw_sha",
  UNHEX(MD5("texts"."s")) AS "raw_md",
  ENCODE("texts"."s") AS "encoded",
  DECODE(ENCODE("texts"."s")) AS "decoded",
  UNHEX('00ff') AS "hex",
  LOWER(HEX(ENCODE("texts"."s"))) AS "digits",
  OCTET_LENGTH(ENCODE("texts"."s")) AS "size",
  SUBSTRING(SHA256((
    'crm:' || "texts"."s"
  )), 1, 24) AS "key"
FROM "golden"."texts" AS "texts"

--- typed NULLs
SELECT CAST(NULL AS STRING) AS a, CAST(NULL AS NUMERIC) AS b, CAST(NULL AS ARRAY<STRING>) AS c, CAST(NULL AS STRUCT<x INT64>) AS d, CAST(NULL AS TIMESTAMP) AS e, SAFE_CAST(NULL AS DATE) AS f;
-- becomes
SELECT
  CAST(NULL AS TEXT) AS "a",
  CAST(NULL AS DECIMAL(38, 9)) AS "b",
  LIST_CONCAT(CAST(NULL AS TEXT[]), CAST([] AS TEXT[])) AS "c",
  CAST(NULL AS STRUCT("x" BIGINT)) AS "d",
  CAST(NULL AS TIMESTAMPTZ) AS "e",
  TRY_CAST(NULL AS DATE) AS "f"
