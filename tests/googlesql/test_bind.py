"""Values reach a query as literals; every other character of it stays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from customer360.build.computed import IDENTITY_YAML
from customer360.errors import ProjectError
from customer360.googlesql.bind import bind_parameters
from customer360.identity import load_identity_config
from customer360.project import load_project
from customer360.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ARRAY_AGG(k ORDER BY i NULLS LAST) AS z FROM t.a",
        "SELECT CAST(1.239 AS NUMERIC(5, 2)) AS x  -- @run_date in a comment",
        "SELECT JSON_VALUE(x, '$.a[*]'), '@run_date', \"it's @here\" FROM t.a /* @there */",
        "SELECT PARSE_DATE('%Y-%m-%d', x) FROM t.a",
    ],
)
def test_what_is_no_parameter_stays_to_the_letter(sql: str) -> None:
    assert bind_parameters(sql, {}) == sql


@pytest.mark.parametrize(
    ("type_", "value", "literal"),
    [
        ("STRING", "it's \\ a\n'); DROP TABLE x; --", "'it\\'s \\\\ a\\n\\'); DROP TABLE x; --'"),
        ("DATE", date(2024, 6, 30), "CAST('2024-06-30' AS DATE)"),
        ("NUMERIC", Decimal("10000.50"), "CAST('10000.50' AS NUMERIC)"),
        ("INT64", 7, "7"),
        ("BOOL", True, "TRUE"),
        ("ARRAY<STRING>", ["delivered", "ship'd"], "['delivered', 'ship\\'d']"),
        ("TIMESTAMP", datetime(2024, 6, 30, 12, tzinfo=UTC), "CAST('2024-06-30 12:00:00+00:00' AS TIMESTAMP)"),
    ],
)
def test_a_value_becomes_a_typed_literal(type_: str, value: object, literal: str) -> None:
    assert bind_parameters("SELECT @x AS x, '@x' AS y", {"x": (type_, value)}) == f"SELECT {literal} AS x, '@x' AS y"


def test_a_parameter_without_a_value_is_named_with_its_line() -> None:
    with pytest.raises(ProjectError, match=r"no value for @run_dat .*run_date"):
        bind_parameters("SELECT\n  @run_dat AS d", {"run_date": ("DATE", date(2024, 6, 30))})


def test_models_keep_their_text() -> None:
    parameters = Settings().parameters(date(2024, 6, 30)) | load_identity_config(ROOT / IDENTITY_YAML).parameters
    changed = 0
    for model in load_project(ROOT).models.values():
        bound = bind_parameters(model.sql, parameters).splitlines()
        for before, after in zip(model.sql.splitlines(), bound, strict=True):
            assert before == after or "@" in before
            changed += before != after
    assert changed > 50
