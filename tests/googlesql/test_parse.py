from __future__ import annotations

from pathlib import Path

import pytest

from customer360.errors import ProjectError
from customer360.googlesql.parse import parameters, parse_expression, parse_query, references

_PATH = Path("sql/core/x/query.sql")


def test_a_query_may_have_steps_and_a_semicolon() -> None:
    assert parse_query("WITH a AS (SELECT 1 AS x)\nSELECT x FROM a;")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1; SELECT 2", "found 2 statements"),
        ("", "found 0 statements"),
        ("CREATE TABLE x AS SELECT 1", "found CREATE"),
        ("DELETE FROM core.x WHERE TRUE", "found DELETE"),
        ("SELECT (1", "Expecting )"),
        ("SELECT 'x", "tokenizing"),
    ],
)
def test_anything_but_one_query_is_refused_with_its_file(sql: str, message: str) -> None:
    with pytest.raises(ProjectError, match=r"sql/core/x/query\.sql") as caught:
        parse_query(sql, path=_PATH)
    assert message in str(caught.value)


def test_a_syntax_error_names_its_line() -> None:
    with pytest.raises(ProjectError) as caught:
        parse_query("SELECT\n  1 AS a,\n  (2 AS b\nFROM c", path=_PATH)
    assert caught.value.line == 4


def test_references_are_tables_in_order_with_their_lines() -> None:
    query = parse_query(
        """WITH orders AS (SELECT * FROM core.fct_orders)
        SELECT * FROM orders
        JOIN staging.stg_crm__customer_info AS c ON c.id IN (SELECT x FROM marts.y)
        JOIN core.fct_orders AS again ON TRUE"""
    )
    assert [(str(found), found.line) for found in references(query)] == [
        ("core.fct_orders", 1),
        ("staging.stg_crm__customer_info", 3),
        ("marts.y", 3),
    ]


def test_the_name_of_a_step_hides_a_table_only_where_it_is_in_scope() -> None:
    query = parse_query("SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT x FROM a) JOIN core.a ON TRUE")
    assert [str(found) for found in references(query)] == ["core.a"]
    with pytest.raises(ProjectError, match="a has no dataset"):
        references(parse_query("SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT x FROM a)\nJOIN a ON TRUE"))


@pytest.mark.parametrize(
    ("sql", "message", "line"),
    [
        ("SELECT *\nFROM project.core.x", "names a project", 2),
        ("SELECT *\nFROM x", "has no dataset", 2),
        ("SELECT t\nFROM core.x AS o JOIN o.tags AS t ON TRUE", "is an array", 2),
    ],
)
def test_a_table_that_is_not_dataset_dot_table_is_refused(sql: str, message: str, line: int) -> None:
    with pytest.raises(ProjectError, match=message) as caught:
        references(parse_query(sql, path=_PATH), path=_PATH)
    assert caught.value.line == line


def test_parameters_are_named() -> None:
    assert parameters(parse_query("SELECT @a FROM x.y WHERE d <= @run_date AND e IN UNNEST(@a)")) == {"a", "run_date"}


@pytest.mark.parametrize(
    "text",
    [
        "CAST(Quantity AS NUMERIC) * CAST(UnitPrice AS NUMERIC)",
        "ROW_NUMBER() OVER (PARTITION BY InvoiceNo ORDER BY StockCode)",
        "`Customer ID`",
        "NULL",
        "COUNT(*) OVER ()",
    ],
)
def test_an_expression_is_one_scalar_over_columns(text: str) -> None:
    assert parse_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a, b",
        "a AS b",
        "*",
        "t.*",
        "(SELECT 1)",
        "a FROM core.t",
        "a; b",
        "EXISTS(SELECT 1)",
        "DISTINCT a",
        "a WHERE b",
    ],
)
def test_an_expression_is_nothing_more(text: str) -> None:
    with pytest.raises(ProjectError):
        parse_expression(text)
