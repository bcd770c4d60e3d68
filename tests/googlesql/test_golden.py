"""Every construct on the allow-list has a golden case: its DuckDB text, and the same rows as Google's own engine."""

from __future__ import annotations

from types import ModuleType

import duckdb
import pytest
from reference import duckdb_engine, zetasql_engine
from reference.canonical import Row, compare_rows
from reference.zetasql_client import ServerError

from customer360.googlesql.allow import ALLOWED
from customer360.googlesql.parse import parse_query
from customer360.googlesql.to_duckdb import to_duckdb
from googlesql.golden import Golden, read_all
from googlesql.tables import PARAMETER_TYPES, PARAMETERS, SCHEMAS, TABLES

_CASES = [pytest.param(case, id=str(case)) for case in read_all()]
_RUNNING = [pytest.param(case, id=str(case)) for case in read_all() if not case.fails]
_FAILING = [pytest.param(case, id=str(case)) for case in read_all() if case.fails]


def _run(engine: ModuleType, case: Golden) -> tuple[list[tuple[str, str]], list[Row]]:
    tables = {name: table for name, table in TABLES.items() if name in case.sql}
    parameters = {name: value for name, value in PARAMETERS.items() if f"@{name}" in case.sql}
    columns, rows = engine.run(case.sql, tables=tables, parameters=parameters)
    return columns, rows


@pytest.mark.parametrize("case", _CASES)
def test_text(case: Golden) -> None:
    assert to_duckdb(case.sql, schemas=SCHEMAS, parameters=PARAMETER_TYPES) == case.duckdb


@pytest.mark.parametrize("case", _RUNNING)
def test_same_columns_and_rows_on_both_engines(case: Golden) -> None:
    expected_columns, expected = _run(zetasql_engine, case)
    columns, rows = _run(duckdb_engine, case)
    assert expected, "a case without rows shows nothing"
    assert columns == expected_columns
    difference = compare_rows(rows, expected)
    assert not difference, f"\n{difference}"


@pytest.mark.parametrize("case", _FAILING)
def test_error_on_both_engines(case: Golden) -> None:
    with pytest.raises(ServerError):
        _run(zetasql_engine, case)
    with pytest.raises(duckdb.Error):
        _run(duckdb_engine, case)


def test_every_construct_on_the_allow_list_has_a_case_and_none_is_off_it() -> None:
    shown = {type(node) for case in read_all() for node in parse_query(case.sql).walk()}
    missing = {f"{type_.__name__}" for type_ in ALLOWED - shown}
    assert not missing, "on the allow-list without a golden case"


def test_titles_are_unique() -> None:
    titles = [str(case) for case in read_all()]
    assert titles and len(titles) == len(set(titles))
