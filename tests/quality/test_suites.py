"""Suites that are wrong are refused by file and reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from customer360.errors import ProjectError
from customer360.project import TableName
from customer360.quality import load_suite
from quality.conftest import expectation, query

ORDERS = TableName("core", "orders")


def good() -> dict[str, Any]:
    pair = expectation("expect_column_pair_values_a_to_be_greater_than_b", column_A="b", column_B="a")
    compound = expectation("expect_compound_columns_to_be_unique", "warning", column_list=["a", "b"])
    rows = query("SELECT a FROM {batch}") | {"meta": {"breaks": {"set": {"a": "NULL"}}}}
    return {"name": "core.orders", "expectations": [pair, compound, rows], "meta": {"key": ["a"]}}


def read(folder: Path, text: str) -> Any:
    (folder / "core").mkdir()
    (folder / "core" / "orders.json").write_text(text)
    return load_suite(folder, ORDERS)


def test_a_suite_is_read(tmp_path: Path) -> None:
    suite = read(tmp_path, json.dumps(good()))
    assert (suite.table, suite.key) == (ORDERS, ("a",))
    assert [e.columns for e in suite.expectations] == [("b", "a"), ("a", "b"), ()]
    assert [e.severity for e in suite.expectations] == ["critical", "warning", "critical"]
    assert [e.query for e in suite.expectations] == [None, None, "SELECT a FROM {batch}"]
    assert suite.expectations[2].breaks == {"set": {"a": "NULL"}}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: s.update(name="core.other"), r"named 'core.other' \(\"name\": \"core.orders\"\)"),
        (lambda s: s.pop("meta"), "meta.key is missing"),
        (lambda s: s.update(expectations=[]), "no expectations"),
        (lambda s: s.update(expectatons=[]), "the suite has the unknown key 'expectatons'"),
        (lambda s: s["expectations"][0].pop("severity"), "expectation 1 .*severity is None"),
        (lambda s: s["expectations"][0].update(severity="fatal"), "expectation 1 .*severity is 'fatal'"),
        (lambda s: s["expectations"][1].pop("description"), "expectation 2 .*description is missing"),
        (lambda s: s["expectations"][1].pop("kwargs"), "expectation 2 .*kwargs is missing"),
        (lambda s: s["expectations"][1]["kwargs"].clear(), "expectation 2 .*kwargs.column_list is missing"),
        (lambda s: s["expectations"][2]["kwargs"].clear(), "expectation 3 .*kwargs.unexpected_rows_query is missing"),
        (lambda s: s["expectations"][2]["meta"]["breaks"].update(sat={}), "meta.breaks has the unknown key 'sat'"),
        (lambda s: s["expectations"][0].update(type="expect_miracles"), "'expect_miracles' is not among"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, damage: Callable[[dict[str, Any]], Any], message: str) -> None:
    suite = good()
    damage(suite)
    with pytest.raises(ProjectError, match=rf"core/orders\.json: .*{message}"):
        read(tmp_path, json.dumps(suite))


def test_broken_json_is_refused_by_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"core/orders\.json:2: not JSON"):
        read(tmp_path, '{"name":\n nonsense}')


def test_a_missing_suite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"core\.orders has no expectations"):
        load_suite(tmp_path, ORDERS)
