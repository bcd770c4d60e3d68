"""What a DuckDB connection needs before it runs translated SQL: settings, and macros for what has no short native form.

Run every statement of SESSION_SETTINGS on each connection, cursors included: temporary macros belong to one connection.
"""

from __future__ import annotations

# Unicode's White_Space, which TRIM removes in GoogleSQL; DuckDB's own trim removes the space only.
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

_INT64_TEXT = r"\s*[+-]?([0-9]+|0[xX][0-9a-fA-F]+)\s*"
_NUMBER_TEXT = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_ENDLESS_TEXT = r"\s*[+-]?(?i:inf|infinity|nan)\s*"
_DATE_TEXT = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-[0-9]{1,2}-[0-9]{1,2}"
_CLOCK_TEXT = rf"{_DATE_TEXT}[ T]([01]?[0-9]|2[0-3]):[0-9]{{1,2}}:[0-9]{{1,2}}(\.[0-9]{{1,9}})?"
_OFFSET_TEXT = "Z|z| UTC|[+-]((0[0-9]|1[0-3])(:?[0-5][0-9])?|14(:?00)?)"
_TIMESTAMP_TEXT = f"{_DATE_TEXT}|{_CLOCK_TEXT}({_OFFSET_TEXT})?"
_NO_JSON = r"(?i)nan|inf|,\s*[\]}]"
_JSON_STRING = r'"(?:[^"\\]|\\.)*"'
# DuckDB 1.5.5 keeps the zone named in one row for the rows after it, so a zone by name never reaches its cast.
_NAMED_ZONE_TEXT = f"{_CLOCK_TEXT} ([A-Z][A-Za-z_]+/[A-Za-z0-9_/+-]+|GMT|[CEMW]ET|[EHM]ST|[A-Z]{{3}}[0-9][A-Z]{{3}})"

_MACROS = {
    "gsql_nonzero(x)": "CASE WHEN x = 0 THEN error('division by zero') ELSE x END",
    # NUMERIC products, quotients and roundings, half away from zero at 1e-9. DuckDB itself divides doubles, and its
    # 128-bit integers cost a microsecond each: so a double decides where it cannot err, and they only where it might.
    "gsql_is_certain(x)": "abs(x) < 1e14 AND abs(x - floor(x) - 0.5) > 2e-15 * abs(x) + 1e-9",
    "gsql_times(x, unit)": "CAST(CAST(CAST(round(x) AS BIGINT) AS DECIMAL(38, 0)) * unit AS DECIMAL(38, 9))",
    "gsql_nano(x)": "CAST(x * 1000000000 AS HUGEINT)",
    "gsql_round_ratio(a, b)": (
        "CAST(CAST((CASE WHEN (a < 0) <> (b < 0) THEN -1 ELSE 1 END) * ((2 * abs(a) + abs(b)) // (2 * abs(b))) "
        "AS DECIMAL(38, 0)) * 0.000000001 AS DECIMAL(38, 9))"
    ),
    "gsql_double_ratio(a, b)": "CAST(a AS DOUBLE) / CAST(b AS DOUBLE) * 1e9",
    "gsql_double_product(a, b)": "CAST(a AS DOUBLE) * CAST(b AS DOUBLE) * 1e9",
    "gsql_multiply(a, b)": (
        "CASE WHEN gsql_is_certain(gsql_double_product(a, b)) THEN gsql_times(gsql_double_product(a, b), 0.000000001) "
        "ELSE CAST(a * b AS DECIMAL(38, 9)) END"
    ),
    "gsql_divide(a, b)": (
        "CASE WHEN gsql_is_certain(gsql_double_ratio(a, b)) THEN gsql_times(gsql_double_ratio(a, b), 0.000000001) "
        "ELSE gsql_round_ratio(gsql_nano(a) * 1000000000, gsql_nano(b)) END"
    ),
    "gsql_divide_int(a, n)": (
        "CASE WHEN gsql_is_certain(gsql_double_ratio(a, n)) THEN gsql_times(gsql_double_ratio(a, n), 0.000000001) "
        "ELSE gsql_round_ratio(gsql_nano(a), CAST(n AS HUGEINT)) END"
    ),
    "gsql_round(x, digits)": (
        "CASE WHEN gsql_is_certain(CAST(x AS DOUBLE) * pow(10, digits)) "
        "THEN gsql_times(CAST(x AS DOUBLE) * pow(10, digits), CAST(pow(10, -digits) AS DECIMAL(38, 9))) "
        "ELSE CAST(round(x, digits) AS DECIMAL(38, 9)) END"
    ),
    # FLOAT64 to NUMERIC rounds the exact binary value: its first 32 bits times 1e9 are exact, the rest is small.
    "gsql_high(f)": "floor(f * 4294967296) / 4294967296",
    "gsql_fraction(f)": (
        "floor(gsql_high(f) * 1e9) + CASE WHEN gsql_high(f) * 1e9 - floor(gsql_high(f) * 1e9) "
        "+ (f - gsql_high(f)) * 1e9 >= 0.5 THEN 1 ELSE 0 END"
    ),
    "gsql_numeric(x)": (
        "CAST(CAST(trunc(x) AS HUGEINT) AS DECIMAL(38, 9)) "
        "+ CAST(CAST(sign(x) * gsql_fraction(abs(x) - trunc(abs(x))) AS BIGINT) AS DECIMAL(38, 0)) * 0.000000001"
    ),
    "gsql_safe_numeric_of(x)": "CASE WHEN abs(x) < 1e29 THEN gsql_numeric(x) END",
    # Text to number, date and truth, stricter than DuckDB: it reads '1.5' as 2, '2024/01/02' as a date and 't' as true.
    "gsql_safe_int64(s)": f"CASE WHEN regexp_full_match(s, '{_INT64_TEXT}') THEN TRY_CAST(s AS BIGINT) END",
    "gsql_safe_numeric(s)": (
        # 64 bits read 70 times faster than 128, and nearly everything fits.
        f"CASE WHEN regexp_full_match(s, '{_NUMBER_TEXT}') "
        "THEN coalesce(CAST(TRY_CAST(s AS DECIMAL(18, 9)) AS DECIMAL(38, 9)), TRY_CAST(s AS DECIMAL(38, 9))) END"
    ),
    "gsql_safe_float64(s)": (
        f"CASE WHEN regexp_full_match(s, '{_NUMBER_TEXT}|{_ENDLESS_TEXT}') THEN TRY_CAST(s AS DOUBLE) "
        "ELSE CAST(gsql_safe_int64(s) AS DOUBLE) END"
    ),
    "gsql_safe_bool(s)": "CASE lower(s) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END",
    "gsql_safe_date(s)": f"CASE WHEN regexp_full_match(s, '{_DATE_TEXT}') THEN TRY_CAST(s AS DATE) END",
    "gsql_safe_timestamp(s)": (
        f"CASE WHEN regexp_full_match(s, '{_TIMESTAMP_TEXT}') THEN TRY_CAST(s AS TIMESTAMP WITH TIME ZONE) "
        f"WHEN regexp_full_match(s, '{_CLOCK_TEXT}[+-][0-9]') "
        r"THEN TRY_CAST(regexp_replace(s, '(.)$', '0\1') AS TIMESTAMP WITH TIME ZONE) "
        f"WHEN regexp_full_match(s, '{_NAMED_ZONE_TEXT}') THEN error('a time zone by name is not read: ' || s) END"
    ),
    "gsql_required(x, s, type)": (
        "CASE WHEN x IS NULL AND s IS NOT NULL THEN error('bad ' || type || ' value: ' || s) ELSE x END"
    ),
    "gsql_numeric_text(x)": "rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.')",
    "gsql_datetime_text(t)": (
        "strftime(t, '%Y-%m-%d %H:%M:%S') || CASE WHEN epoch_us(t) % 1000000 = 0 THEN '' "
        "WHEN epoch_us(t) % 1000 = 0 THEN strftime(t, '.%g') ELSE strftime(t, '.%f') END"
    ),
    # Twenty times faster than CAST(t AS DATE), which asks the time zone database about every row; all times are UTC.
    "gsql_day(t)": "CAST(make_timestamp(epoch_us(t)) AS DATE)",
    # Text that begins and ends with a visible ASCII character needs no work; trimming by a set of characters is slow,
    # and the slower the larger the set.
    **{
        f"gsql_{trim}(s)": (
            r"CASE WHEN regexp_full_match(s, '[!-~]|[!-~][ -~]*[!-~]') THEN s WHEN regexp_full_match(s, '[\t-\r -~]*') "
            f"THEN {trim}(s, '{_WHITE_SPACE[:6]}') ELSE {trim}(s, '{_WHITE_SPACE}') END"
        )
        for trim in ("trim", "ltrim", "rtrim")
    },
    "gsql_upper(s)": "upper(replace(s, 'ß', 'ss'))",
    "gsql_from(s, p)": "CASE WHEN p = 0 OR p < -length(s) THEN 1 ELSE p END",
    "gsql_at(xs, n)": (
        "CASE WHEN n < 0 OR n >= len(xs) THEN error('array index ' || n || ' is out of bounds') ELSE xs[n + 1] END"
    ),
    "gsql_safe_at(xs, n)": "CASE WHEN n >= 0 THEN xs[n + 1] END",
    "gsql_in(x, xs)": (
        "CASE WHEN coalesce(len(xs), 0) = 0 THEN FALSE WHEN list_contains(xs, x) THEN TRUE "
        "WHEN x IS NULL OR list_count(xs) < len(xs) THEN NULL ELSE FALSE END"
    ),
    "gsql_concat_arrays(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_concat(a, b) END",
    "gsql_json_value(j, p)": (
        "CASE WHEN json_valid(j) AND json_type(j, p) NOT IN ('OBJECT', 'ARRAY', 'NULL') "
        "THEN json_extract_string(j, p) END"
    ),
    # DuckDB reads NaN, Infinity and a comma before a closing bracket, which JSON has not. Few texts have anything like
    # them, so that few are looked at without their strings.
    "gsql_safe_json(s)": (
        f"CASE WHEN json_valid(s) AND (NOT regexp_matches(s, '{_NO_JSON}') "
        f"OR NOT regexp_matches(regexp_replace(s, '{_JSON_STRING}', '0', 'g'), '{_NO_JSON}')) THEN CAST(s AS JSON) END"
    ),
    "gsql_json_query(j, p)": "CASE WHEN json_valid(j) AND json_type(j, p) <> 'NULL' THEN json_extract(j, p) END",
    "gsql_json_value_array(j, p)": (
        "CASE WHEN json_valid(j) AND json_type(j, p) = 'ARRAY' AND len(list_filter("
        "CAST(json_extract(j, p) AS JSON[]), lambda x: json_type(x) IN ('OBJECT', 'ARRAY'))) = 0 "
        "THEN list_transform(CAST(json_extract(j, p) AS JSON[]), lambda x: json_extract_string(x, '$')) END"
    ),
}

SESSION_SETTINGS: tuple[str, ...] = (
    "SET default_null_order = 'nulls_first_on_asc_last_on_desc'",
    "SET ieee_floating_point_ops = false",
    "SET TimeZone = 'UTC'",
    *(f"CREATE OR REPLACE TEMP MACRO {signature} AS {body}" for signature, body in _MACROS.items()),
)
