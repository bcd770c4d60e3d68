"""Random values through every scalar function: DuckDB and the reference implementation agree. Many rows a query, so quick."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import duckdb_engine, zetasql_engine
from reference.canonical import compare_rows

_WHOLE = st.one_of(st.integers(-20, 20), st.integers(-(10**9), 10**9))
_EXACT = st.one_of(
    st.decimals(Decimal(-100), Decimal(100), places=2),
    st.decimals(Decimal(-1000000), Decimal(1000000), places=9),
    st.sampled_from([Decimal(text) for text in ["0", "0.5", "-0.5", "2.5", "0.000000001", "-1.999999999", "0.125"]]),
)
_REAL = st.one_of(
    st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6),
    st.integers(-100, 100).map(lambda value: value / 2),
)
_DAY = st.dates(date(1900, 1, 1), date(2100, 12, 31))
_MOMENT = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_NUMBER_TEXT = st.text("0123456789+-.eE _xX", max_size=10) | st.sampled_from(["inf", "-Infinity", "NaN", " 1e5 "])
_CLOCKS = (
    "| |T| 10:11:12|T10:11:12Z| 1:2:3| 10:11| 24:00:00| 10:11:61| 10:11:12.1234567| 10:11:12+2| 10:11:12 +02:00|"
    " 10:11:12-08:00| 10:11:12 UTC| 10:11:12.|+01| 10:11:12+0130"
)
_DATE_TEXT = st.one_of(
    st.text("0123456789-/ T:Z.+", max_size=14),
    st.builds(
        "{}{}{}{}{}{}".format,
        *map(st.sampled_from, (["2024", "1999", "0001", "24", "12024"], "-/", ["02", "2", "13", "00"], "-/")),
        st.sampled_from(["29", "1", "31", "00", "030"]),
        st.sampled_from(_CLOCKS.split("|")),
    ),
)
_TEXT = st.text("abcABC äßÉ😀,.-_%\\'\"\t\n\u00a01", max_size=8)


@dataclass(frozen=True)
class Family:
    """Columns of random values, and expressions over them, parted by semicolons."""

    columns: dict[str, tuple[str, st.SearchStrategy[Any]]]
    expressions: str

    @property
    def listed(self) -> list[str]:
        return [text.strip() for text in self.expressions.split(";") if text.strip()]


FAMILIES = {
    "numbers": Family(
        {
            "i": ("INT64", _WHOLE),
            "j": ("INT64", _WHOLE),
            "n": ("NUMERIC", _EXACT),
            "m": ("NUMERIC", _EXACT),
            "f": ("FLOAT64", _REAL),
        },
        """
        i + j; i - j; i * j; n + m; n - m; n * m; n * i; n + i; n * 0.19; f + i; f * n; i / 7; n / 7; n / 1.19;
        SAFE_DIVIDE(n, m); SAFE_DIVIDE(n, i); SAFE_DIVIDE(i, j); SAFE_DIVIDE(i, n); SAFE_DIVIDE(f, j);
        MOD(i, NULLIF(j, 0)); DIV(i, NULLIF(j, 0)); MOD(n, NULLIF(m, 0)); ABS(n); SIGN(n); SIGN(f);
        ROUND(n); ROUND(n, 2); ROUND(n, -1); TRUNC(n, 1); FLOOR(n); CEIL(n); ROUND(f); FLOOR(f); CEIL(f); TRUNC(f);
        CAST(n AS INT64); CAST(f AS INT64); CAST(n AS FLOAT64); CAST(f AS NUMERIC); CAST(n AS STRING);
        CAST(i AS STRING); CAST(SAFE_DIVIDE(i, j) AS NUMERIC); GREATEST(i, j); LEAST(n, m); GREATEST(n, i);
        i > n; n < m; f > i; n = m; IF(i > j, n, m); COALESCE(n, 0.5); NULLIF(i, j); i BETWEEN j AND 100;
        SQRT(ABS(f)); EXP(f / 1e6); LN(ABS(f) + 1); POW(f / 1e4, 2); n IN (0, 0.5, 2.5); i IN UNNEST([1, 2, 3])
        """,
    ),
    "number_text": Family(
        {"s": ("STRING", _NUMBER_TEXT)},
        # DuckDB does not read hexadecimal fractions.
        """
        SAFE_CAST(s AS INT64); SAFE_CAST(s AS NUMERIC); SAFE_CAST(s AS BOOL);
        SAFE_CAST(REPLACE(LOWER(s), 'x', '') AS FLOAT64)
        """,
    ),
    "date_text": Family({"s": ("STRING", _DATE_TEXT)}, "SAFE_CAST(s AS DATE); SAFE_CAST(s AS TIMESTAMP)"),
    "text": Family(
        {"s": ("STRING", _TEXT), "t": ("STRING", _TEXT), "i": ("INT64", st.integers(-5, 10))},
        r"""
        UPPER(s); LOWER(s); LENGTH(s); TRIM(s); LTRIM(s); RTRIM(s); TRIM(s, 'ab'); REVERSE(s); s || t;
        CONCAT(s, '-', t); SUBSTR(s, 2); SUBSTR(s, 1, 2); SUBSTR(s, i); SUBSTR(s, i, 2); LEFT(s, 3); RIGHT(s, 3);
        STRPOS(s, t); REPLACE(s, 'a', t); STARTS_WITH(s, t); ENDS_WITH(s, t); SPLIT(s, ','); SPLIT(s, 'a');
        LPAD(s, 4, '*'); RPAD(s, 4, '*'); s < t; s = t; s LIKE 'a%'; s LIKE '%\\_%'; GREATEST(s, t);
        REGEXP_CONTAINS(s, r'[a-c]+'); REGEXP_REPLACE(s, r'[^a-c]', ''); REGEXP_EXTRACT(s, r'[a-c]+');
        REGEXP_EXTRACT(s, r'a(.*)'); TO_HEX(SHA256(s)); TO_HEX(MD5(s)); COALESCE(NULLIF(TRIM(s), ''), t);
        s IN UNNEST(['a', 'b'])
        """,
    ),
    "dates": Family(
        {
            "d": ("DATE", _DAY),
            "e": ("DATE", _DAY),
            "t": ("TIMESTAMP", _MOMENT),
            "u": ("TIMESTAMP", _MOMENT),
            "i": ("INT64", st.integers(-40, 40)),
        },
        ";".join(
            f"{function} {part})" if function.startswith(("DATE", "TIME")) else f"{function}({part} FROM {value})"
            for function, value, parts in (
                ("EXTRACT", "d", "YEAR QUARTER MONTH DAY DAYOFWEEK DAYOFYEAR WEEK ISOWEEK ISOYEAR"),
                ("EXTRACT", "t", "YEAR HOUR MINUTE SECOND MILLISECOND MICROSECOND DATE DAYOFWEEK WEEK"),
                ("DATE_TRUNC(d,", "", "WEEK WEEK(MONDAY) WEEK(FRIDAY) ISOWEEK MONTH QUARTER YEAR ISOYEAR"),
                ("TIMESTAMP_TRUNC(t,", "", "SECOND MINUTE HOUR DAY WEEK ISOWEEK MONTH QUARTER YEAR"),
                ("DATE_DIFF(d, e,", "", "DAY WEEK WEEK(MONDAY) WEEK(TUESDAY) ISOWEEK MONTH QUARTER YEAR ISOYEAR"),
                ("TIMESTAMP_DIFF(t, u,", "", "DAY HOUR MINUTE SECOND MILLISECOND MICROSECOND"),
                ("DATE_ADD(d, INTERVAL i", "", "DAY WEEK MONTH QUARTER YEAR"),
                ("DATE_SUB(d, INTERVAL i", "", "DAY MONTH YEAR"),
                ("TIMESTAMP_ADD(t, INTERVAL i", "", "DAY HOUR MINUTE SECOND MILLISECOND MICROSECOND"),
            )
            for part in parts.split()
        )
        + """
        ; LAST_DAY(d); LAST_DAY(d, QUARTER); UNIX_SECONDS(t); UNIX_MILLIS(t); UNIX_DATE(d); DATE(t); TIMESTAMP(d);
        CAST(t AS STRING); CAST(d AS STRING); CAST(t AS DATE); d < e; t > u; GREATEST(d, e);
        FORMAT_DATE('%Y-%m-%d %j %a %b %G %V %u %y', d); FORMAT_TIMESTAMP('%F %T', t);
        PARSE_DATE('%Y%m%d', FORMAT_DATE('%Y%m%d', d));
        GENERATE_DATE_ARRAY(d, DATE_ADD(d, INTERVAL 40 DAY), INTERVAL 1 WEEK)
        """,
    ),
}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_both_engines_agree(family: Family) -> None:
    schema = {"id": "INT64", **{name: type_ for name, (type_, _) in family.columns.items()}}
    shown = ", ".join(f"{text} AS e{number}" for number, text in enumerate(family.listed))
    sql = f"SELECT id, {shown} FROM t.v"
    row = st.fixed_dictionaries({name: st.none() | values for name, (_, values) in family.columns.items()})

    @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(row, min_size=25, max_size=25))
    def agree(rows: list[dict[str, Any]]) -> None:
        tables = {"t.v": (schema, [{"id": number, **values} for number, values in enumerate(rows)])}
        expected_columns, expected = zetasql_engine.run(sql, tables=tables, parameters={})
        columns, found = duckdb_engine.run(sql, tables=tables, parameters={})
        assert columns == expected_columns
        difference = compare_rows(found, expected)
        assert not difference, difference

    agree()
