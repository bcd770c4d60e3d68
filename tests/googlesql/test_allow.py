"""What is off the allow-list is refused before anything runs, with its line and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer360.errors import ProjectError, UnsupportedSqlError
from customer360.googlesql.allow import check
from customer360.googlesql.parse import parse_query
from customer360.googlesql.to_duckdb import expression_to_duckdb, to_duckdb
from googlesql.tables import PARAMETER_TYPES, SCHEMAS

_PATH = Path("sql/core/x/query.sql")

_REFUSED = {
    "CURRENT_DATE()": "@run_date",
    "CURRENT_TIMESTAMP()": "@run_date",
    "CURRENT_DATE": "@run_date",
    "CURRENT_DATETIME()": "@run_date",
    "RAND()": "same rows",
    "GENERATE_UUID()": "same rows",
    "SESSION_USER()": "everyone",
    "FARM_FINGERPRINT(s)": "SHA256",
    "APPROX_COUNT_DISTINCT(s)": "COUNT(DISTINCT",
    "APPROX_QUANTILES(id, 4)": "exact rank",
    "MAX_BY(s, id)": "HAVING MAX",
    "INITCAP(s)": "allow-list",
    "no_such_function(s)": "allow-list",
    "SAFE.SUBSTR(s, 1)": "SAFE_CAST",
    "TO_JSON_STRING(s)": "allow-list",
    "SOUNDEX(s)": "allow-list",
    "NET.HOST(s)": "allow-list",
    "mydataset.my_function(s)": "",
}
_REFUSED_WHEN_TYPED = {
    "tags[0]": "OFFSET",
    "CAST(f AS STRING)": "NUMERIC first",
    "SQRT(n)": "FLOAT64",
    "d + 1": "DATE_ADD",
    "d - DATE '2024-01-01'": "DATE_DIFF",
    "DATE_DIFF(t, t, DAY)": "TIMESTAMP_DIFF",
    "DATE(t, 'Europe/Berlin')": "UTC",
    "EXTRACT(HOUR FROM t AT TIME ZONE 'Europe/Berlin')": "",
    "FORMAT_DATE('%Q', d)": "%Y",
    "PARSE_DATE('%j', s)": "%Y",
    "REGEXP_EXTRACT(s, '(a)?b')": "group",
    "REGEXP_EXTRACT(s, '(a)(b)')": "?:",
    "REGEXP_CONTAINS(s, s)": "r'",
    "ROUND(n, id)": "digits",
    "COUNT(DISTINCT s, id)": "DISTINCT",
    "STRUCT(1, id)": "AS",
    "CAST(s AS NUMERIC(10, 2))": "",
    "tags || tags": "ARRAY_CONCAT",
    "JSON_VALUE(s, s)": "'$.",
    "PARSE_JSON(s, wide_number_mode => 'exact')": "round",
    "ROUND(n, rounding_mode => 'ROUND_HALF_EVEN')": "order",
}


def _columns() -> dict[str, str]:
    return {
        "id": "INT64",
        "s": "STRING",
        "n": "NUMERIC",
        "f": "FLOAT64",
        "d": "DATE",
        "t": "TIMESTAMP",
        "tags": "ARRAY<STRING>",
    }


@pytest.mark.parametrize(("text", "hint"), _REFUSED.items())
def test_a_function_off_the_list_is_refused_with_file_line_and_hint(text: str, hint: str) -> None:
    query = parse_query(f"SELECT\n  id,\n  {text} AS x\nFROM core.t", path=_PATH)
    with pytest.raises(UnsupportedSqlError) as caught:
        check(query, path=_PATH)
    assert hint in str(caught.value)
    assert (caught.value.path, caught.value.line) == (_PATH, 3)


@pytest.mark.parametrize(("text", "hint"), _REFUSED_WHEN_TYPED.items())
def test_a_use_off_the_list_is_refused_with_file_line_and_hint(text: str, hint: str) -> None:
    with pytest.raises(ProjectError) as caught:
        to_duckdb(f"SELECT\n  {text} AS x\nFROM core.t", schemas={"core.t": _columns()}, parameters={}, path=_PATH)
    assert hint in str(caught.value)
    assert (caught.value.path, caught.value.line) == (_PATH, 2)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM golden.orders TABLESAMPLE SYSTEM (10 PERCENT)",
        "SELECT * FROM golden.orders PIVOT (SUM(amount) FOR channel IN ('web'))",
        "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a WHERE x < 3) SELECT x FROM a",
        "SELECT AS VALUE order_id FROM golden.orders",
        "SELECT order_id FROM golden.orders FOR SYSTEM_TIME AS OF TIMESTAMP '2024-01-01'",
        "SELECT * FROM UNNEST([1, 2]) AS x",
        "SELECT customer, SUM(amount) AS s FROM golden.orders GROUP BY ROLLUP (customer)",
    ],
)
def test_a_clause_off_the_list_is_refused(sql: str) -> None:
    with pytest.raises(UnsupportedSqlError):
        to_duckdb(sql, schemas=SCHEMAS, parameters=PARAMETER_TYPES)


def test_an_unknown_table_column_or_parameter_is_an_error() -> None:
    for sql, message in (
        ("SELECT x FROM core.t", "There is no table core.t"),
        ("SELECT id\nFROM golden.numbers WHERE id = @nobody", "There is no parameter @nobody"),
        ("SELECT nothing FROM golden.numbers", "nothing"),
    ):
        with pytest.raises(ProjectError, match=message):
            to_duckdb(sql, schemas=SCHEMAS, parameters=PARAMETER_TYPES)


def test_an_expression_keeps_the_names_of_its_relation() -> None:
    columns = {"Quantity": "STRING", "Price": "NUMERIC", "Invoice No": "STRING"}
    assert expression_to_duckdb("Price * 2", columns=columns) == '"price" * 2'
    assert expression_to_duckdb("SAFE_CAST(Quantity AS INT64)", columns=columns) == 'GSQL_SAFE_INT64("quantity")'
    assert expression_to_duckdb("`Invoice No`", columns=columns) == '"invoice no"'
