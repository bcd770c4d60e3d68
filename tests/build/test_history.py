"""History is written and published with what it keeps, for any day, and by a run of an older day alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from customer360.build import Build
from customer360.errors import WarehouseError
from customer360.history import DAYS, KEPT, VERSIONS
from customer360.project import TableName

_MODEL = "description: {what}. One row per {grain}.\nowner: nobody\n{more}columns:\n{columns}"
_COLUMN = "  - {{name: {0}, type: {1}, description: {0}}}\n"
_COLUMNS = {"run_date": "DATE", "valid_from": "DATE", "customer360_id": "STRING", "city": "STRING", "score": "NUMERIC"}


@pytest.fixture
def home(home: Path) -> Path:
    """The tiny project with a customer_360 of two columns, one of which moves every day."""
    computed = "built_by: history\nreads: [marts.customer_360]\npartition_by: {{column: {0}}}\n"
    tables = {
        KEPT: ("", ["customer360_id", "city", "score", "run_date"]),
        VERSIONS: (computed.format("valid_from"), ["valid_from", "customer360_id", "city"]),
        DAYS: (computed.format("run_date"), ["run_date", "customer360_id", "score"]),
    }
    for name, (more, columns) in tables.items():
        folder = home / "sql" / name.dataset / name.table
        folder.mkdir(parents=True)
        told = "".join(_COLUMN.format(column, _COLUMNS[column]) for column in columns)
        (folder / "model.yaml").write_text(_MODEL.format(what=name.table, grain="row", more=more, columns=told))
    (home / "sql" / "marts" / "customer_360" / "query.sql").write_text(
        "SELECT id AS customer360_id, 'Bonn' AS city, amount AS score, @run_date AS run_date FROM core.fct_a"
    )
    for name in tables:
        unique = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "customer360_id"}}
        suite = {"name": str(name), "expectations": [unique | {"severity": "critical", "description": "one row"}]}
        file = home / "expectations" / f"{name.dataset}/{name.table}.json"
        file.write_text(json.dumps(suite | {"meta": {"key": ["customer360_id"]}}))
    return home


def build_day(build: Build, *, publish: bool = True) -> None:
    for layer, names in build.project.graph.layers().items():
        for name in build.project.graph.steps(names):
            build.write(name)
        if layer != "marts" or publish:
            build.publish(names)


def kept(build: Build) -> dict[date, list[Any]]:
    rows = build.warehouse.query(f"SELECT run_date, score FROM {DAYS} ORDER BY run_date, customer360_id").to_pylist()
    return {day: [float(r["score"]) for r in rows if r["run_date"] == day] for day in {r["run_date"] for r in rows}}


def now(build: Build) -> list[Any]:
    return build.warehouse.query(f"SELECT DISTINCT run_date FROM {KEPT}")["run_date"].to_pylist()


def test_it_is_published_with_what_it_keeps_and_not_before(
    start: Callable[..., Build], load_raw: Callable[..., None]
) -> None:
    for day, amounts in ((1, ["1.5", "2"]), (2, ["3"])):
        build = start(day)
        load_raw(build, amounts)
        build_day(build)
    build = start(3)
    load_raw(build, ["4"])
    build_day(build, publish=False)
    build.audit([KEPT, VERSIONS, DAYS])
    assert kept(build) == {date(2024, 1, 1): [1.5, 2.0], date(2024, 1, 2): [3.0]}
    build.publish(build.project.graph.layers()["marts"])
    assert kept(build) == {date(2024, 1, 1): [1.5, 2.0], date(2024, 1, 2): [3.0], date(2024, 1, 3): [4.0]}
    versions = build.warehouse.query(f"SELECT valid_from FROM {VERSIONS}")["valid_from"].to_pylist()
    assert versions == [date(2024, 1, 1)] * 2


def test_a_run_of_an_older_day_writes_history_and_nothing_else(
    start: Callable[..., Build], load_raw: Callable[..., None]
) -> None:
    for day, amounts in ((1, ["1"]), (4, ["4"])):
        build = start(day)
        load_raw(build, amounts)
        build_day(build)
    for _ in range(2):  # and when it is run again
        build = start(2, "late")
        load_raw(build, ["2", "2.5"])
        build_day(build)
        assert now(build) == [date(2024, 1, 4)]
        assert kept(build) == {date(2024, 1, 1): [1.0], date(2024, 1, 2): [2.0, 2.5], date(2024, 1, 4): [4.0]}
        assert not [name for name in build.warehouse.tables("marts") if name.is_candidate or "__" in name.table]
    # A publish that is cleared again finds its work done.
    start(2, "late").publish(build.project.graph.layers()["marts"])
    newest = start(5)
    load_raw(newest, ["5"])
    build_day(newest)
    assert now(newest) == [date(2024, 1, 5)] and kept(newest)[date(2024, 1, 5)] == [5.0]


def test_a_new_column_is_added_to_the_history(
    home: Path, start: Callable[..., Build], load_raw: Callable[..., None], tmp_path: Path
) -> None:
    from customer360.project import load_project
    from customer360.warehouse.local import LocalWarehouse

    first = start(1)
    load_raw(first, ["1"])
    build_day(first)
    for name in (KEPT, VERSIONS):
        file = home / "sql" / name.dataset / name.table / "model.yaml"
        before = _COLUMN.format("city", "STRING")
        file.write_text(file.read_text().replace(before, _COLUMN.format("email", "STRING") + before))
    query = home / "sql" / "marts" / "customer_360" / "query.sql"
    query.write_text(query.read_text().replace("'Bonn'", "'a@x.com' AS email, 'Bonn'"))
    project = load_project(home)
    warehouse = LocalWarehouse(tmp_path / "lake", schemas=project.schemas)
    second = Build(project, first.settings, warehouse, start(2).run)
    load_raw(second, ["2"])
    build_day(second)
    rows = warehouse.query(f"SELECT email, city FROM {VERSIONS} ORDER BY valid_from").to_pylist()
    warehouse.close()
    assert rows == [{"email": None, "city": "Bonn"}, {"email": "a@x.com", "city": "Bonn"}]


def test_it_is_selected_with_what_it_keeps(start: Callable[..., Build]) -> None:
    graph = start(1).project.graph
    assert set(graph.select([str(KEPT)])) == set(graph.select([f"{KEPT}+"])) == {KEPT, VERSIONS, DAYS}
    assert set(graph.select(["core.int_b"])) == {TableName("core", "int_b")}


def test_what_is_at_another_day_cannot_be_kept(start: Callable[..., Build], load_raw: Callable[..., None]) -> None:
    first = start(1)
    load_raw(first, ["1"])
    build_day(first)
    other = start(3)
    alone = Build(other.project, other.settings, other.warehouse, other.run, selected=frozenset({VERSIONS, DAYS}))
    with pytest.raises(WarehouseError, match="is of 2024-01-01, so it cannot be kept as 2024-01-03"):
        alone.write(DAYS)
