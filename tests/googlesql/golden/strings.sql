--- case
SELECT id, UPPER(s) AS upper, LOWER(s) AS lower, REVERSE(s) AS reverse, LENGTH(s) AS length, NORMALIZE(s) AS nfc FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  GSQL_UPPER("texts"."s") AS "upper",
  LOWER("texts"."s") AS "lower",
  REVERSE("texts"."s") AS "reverse",
  LENGTH("texts"."s") AS "length",
  NFC_NORMALIZE("texts"."s") AS "nfc"
FROM "golden"."texts" AS "texts"

--- trimming takes all white space
SELECT id, TRIM(s) AS both_sides, LTRIM(s) AS left_side, RTRIM(s) AS right_side, TRIM(s, 'a') AS letters, LTRIM(s, 'aA') AS l, RTRIM(s, 'c\n') AS r, NULLIF(TRIM(s), '') AS or_null FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  GSQL_TRIM("texts"."s") AS "both_sides",
  GSQL_LTRIM("texts"."s") AS "left_side",
  GSQL_RTRIM("texts"."s") AS "right_side",
  TRIM("texts"."s", 'a') AS "letters",
  LTRIM("texts"."s", 'aA') AS "l",
  RTRIM("texts"."s", 'c
') AS "r",
  NULLIF(GSQL_TRIM("texts"."s"), '') AS "or_null"
FROM "golden"."texts" AS "texts"

--- concatenation is NULL if anything is
SELECT id, CONCAT(s, '-', s) AS joined, s || 'x' || s AS piped, CONCAT('a', 'b') AS constant, CONCAT(s) AS alone, CONCAT(COALESCE(s, ''), 'x') AS never_null FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  (
    "texts"."s" || '-' || "texts"."s"
  ) AS "joined",
  "texts"."s" || 'x' || "texts"."s" AS "piped",
  (
    'a' || 'b'
  ) AS "constant",
  "texts"."s" AS "alone",
  (
    COALESCE("texts"."s", '') || 'x'
  ) AS "never_null"
FROM "golden"."texts" AS "texts"

--- parts by position
SELECT id, SUBSTR(s, 1, 2) AS first_two, SUBSTR(s, 2) AS rest, SUBSTR(s, 0, 2) AS zero, SUBSTR(s, -2) AS last_two, SUBSTR(s, -9, 3) AS before, LEFT(s, 2) AS l, RIGHT(s, 2) AS r,
  SUBSTR(s, id, 1) AS by_column
FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  SUBSTRING("texts"."s", 1, 2) AS "first_two",
  SUBSTRING("texts"."s", 2) AS "rest",
  SUBSTRING("texts"."s", GSQL_FROM("texts"."s", 0), 2) AS "zero",
  SUBSTRING("texts"."s", GSQL_FROM("texts"."s", -2)) AS "last_two",
  SUBSTRING("texts"."s", GSQL_FROM("texts"."s", -9), 3) AS "before",
  LEFT("texts"."s", 2) AS "l",
  RIGHT("texts"."s", 2) AS "r",
  SUBSTRING("texts"."s", GSQL_FROM("texts"."s", "texts"."id"), 1) AS "by_column"
FROM "golden"."texts" AS "texts"

--- searching
SELECT id, STRPOS(s, 'a') AS position, STARTS_WITH(s, 'a') AS starts, ENDS_WITH(s, 'c') AS ends, REPLACE(s, 'a', 'o') AS replaced, REPLACE(s, ',', '') AS removed, INSTR(s, 'b') AS also,
  STRPOS(s, '') AS empty
FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  STRPOS("texts"."s", 'a') AS "position",
  STARTS_WITH("texts"."s", 'a') AS "starts",
  ENDS_WITH("texts"."s", 'c') AS "ends",
  REPLACE("texts"."s", 'a', 'o') AS "replaced",
  REPLACE("texts"."s", ',', '') AS "removed",
  STRPOS("texts"."s", 'b') AS "also",
  STRPOS("texts"."s", '') AS "empty"
FROM "golden"."texts" AS "texts"

--- LIKE escapes with a backslash
SELECT id, s LIKE 'a%' AS prefix, s LIKE '%\\_%' AS underscore, s LIKE '100\\%' AS percent, s LIKE '_b_' AS middle, s NOT LIKE '%a%' AS without, s LIKE CONCAT(s, '%') AS computed
FROM golden.texts
WHERE s != 'a\\b';
-- becomes
SELECT
  "texts"."id" AS "id",
  "texts"."s" LIKE 'a%' AS "prefix",
  "texts"."s" LIKE '%\_%' ESCAPE '\' AS "underscore",
  "texts"."s" LIKE '100\%' ESCAPE '\' AS "percent",
  "texts"."s" LIKE '_b_' AS "middle",
  "texts"."s" NOT LIKE '%a%' AS "without",
  "texts"."s" LIKE (
    "texts"."s" || '%'
  ) ESCAPE '\' AS "computed"
FROM "golden"."texts" AS "texts"
WHERE
  "texts"."s" <> 'a\b'

--- regular expressions
SELECT id, REGEXP_CONTAINS(s, r'^[0-9]+$') AS digits, REGEXP_REPLACE(s, r'[^a-z]', '') AS letters, REGEXP_REPLACE(s, r'([a-z])([a-z])', r'\2\1') AS swapped,
  REGEXP_EXTRACT(s, r'[0-9]+') AS number, REGEXP_EXTRACT(s, r'@(.+)$') AS host, REGEXP_EXTRACT(s, '^[(]?(?:a|b)(c|,?)') AS choice, REGEXP_EXTRACT(s, r'(?i)^(?P<first>a)') AS named, REGEXP_CONTAINS(s, r'\.') AS dotted,
  REGEXP_CONTAINS(s, r'(?i)^a') AS any_case, REGEXP_REPLACE(s, r'\s+', ' ') AS spaces
FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  REGEXP_MATCHES("texts"."s", '^[0-9]+$') AS "digits",
  REGEXP_REPLACE("texts"."s", '[^a-z]', '', 'g') AS "letters",
  REGEXP_REPLACE("texts"."s", '([a-z])([a-z])', '\2\1', 'g') AS "swapped",
  CASE
    WHEN REGEXP_MATCHES("texts"."s", '[0-9]+')
    THEN REGEXP_EXTRACT("texts"."s", '[0-9]+', 0)
  END AS "number",
  CASE
    WHEN REGEXP_MATCHES("texts"."s", '@(.+)$')
    THEN REGEXP_EXTRACT("texts"."s", '@(.+)$', 1)
  END AS "host",
  CASE
    WHEN REGEXP_MATCHES("texts"."s", '^[(]?(?:a|b)(c|,?)')
    THEN REGEXP_EXTRACT("texts"."s", '^[(]?(?:a|b)(c|,?)', 1)
  END AS "choice",
  CASE
    WHEN REGEXP_MATCHES("texts"."s", '(?i)^(?P<first>a)')
    THEN REGEXP_EXTRACT("texts"."s", '(?i)^(?P<first>a)', 1)
  END AS "named",
  REGEXP_MATCHES("texts"."s", '\.') AS "dotted",
  REGEXP_MATCHES("texts"."s", '(?i)^a') AS "any_case",
  REGEXP_REPLACE("texts"."s", '\s+', ' ', 'g') AS "spaces"
FROM "golden"."texts" AS "texts"

--- padding and splitting
SELECT id, LPAD(s, 5, '0') AS padded, RPAD(s, 5, '.') AS right_padded, LPAD(s, 3) AS spaces, SPLIT(s, ',') AS pieces, SPLIT(s) AS by_comma, ARRAY_LENGTH(SPLIT(s, 'a')) AS count,
  SPLIT(s, ',')[SAFE_OFFSET(1)] AS second
FROM golden.texts;
-- becomes
SELECT
  "texts"."id" AS "id",
  LPAD("texts"."s", 5, '0') AS "padded",
  RPAD("texts"."s", 5, '.') AS "right_padded",
  LPAD("texts"."s", 3, ' ') AS "spaces",
  LIST_CONCAT(STRING_SPLIT("texts"."s", ','), CAST([] AS TEXT[])) AS "pieces",
  LIST_CONCAT(STRING_SPLIT("texts"."s", ','), CAST([] AS TEXT[])) AS "by_comma",
  LEN(STRING_SPLIT("texts"."s", 'a')) AS "count",
  GSQL_SAFE_AT(STRING_SPLIT("texts"."s", ','), 1) AS "second"
FROM "golden"."texts" AS "texts"

--- text constants
SELECT "double" AS double, 'tab\tnew\nline' AS escaped, r'raw\n' AS raw, '' AS empty, 'ü😀' AS unicode, 'a\\b' AS backslash, 'quote\'s' AS quote
FROM golden.numbers WHERE id = 1;
-- becomes
SELECT
  'double' AS "double",
  'tab	new
line' AS "escaped",
  'raw\n' AS "raw",
  '' AS "empty",
  'ü😀' AS "unicode",
  'a\b' AS "backslash",
  'quote''s' AS "quote"
FROM "golden"."numbers" AS "numbers"
WHERE
  "numbers"."id" = 1

--- text compares by code point
SELECT a.id, b.id AS other, a.s < b.s AS less, a.s = b.s AS same FROM golden.texts AS a CROSS JOIN golden.texts AS b;
-- becomes
SELECT
  "a"."id" AS "id",
  "b"."id" AS "other",
  "a"."s" < "b"."s" AS "less",
  "a"."s" = "b"."s" AS "same"
FROM "golden"."texts" AS "a"
CROSS JOIN "golden"."texts" AS "b"
