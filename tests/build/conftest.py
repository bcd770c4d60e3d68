"""A two-layer project in a temporary folder, and builds on a real lake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from customer360.build import Build
from customer360.project import TableName, load_project
from customer360.settings import Settings
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

FILES = {
    "raw_x/orders": (
        "description: Orders. One row per order.\nowner: nobody\nkey: [id]\ncolumns:\n"
        "  - {name: id, type: STRING, description: id, required: true}\n"
        "  - {name: amount, type: NUMERIC, description: money}\n",
        None,
    ),
    "raw_y/things": (
        "description: Things. One row per thing.\nowner: nobody\nkey: [id]\ncolumns:\n"
        "  - {name: id, type: STRING, description: id, required: true}\n",
        None,
    ),
    "core/fct_a": (
        "description: A. One row per order.\nowner: nobody\ncolumns:\n"
        "  - {name: id, type: STRING, description: id}\n"
        "  - {name: amount, type: NUMERIC, description: money}\n",
        "SELECT id, amount FROM raw_x.orders WHERE _loaded_date = @run_date",
    ),
    "core/int_b": (
        "description: B. One row per table.\nowner: nobody\ncolumns:\n"
        "  - {name: total, type: NUMERIC, description: sum}\n",
        "SELECT SUM(amount) AS total FROM core.fct_a",
    ),
    "marts/c": (
        "description: C. One row per table.\nowner: nobody\ncolumns:\n"
        "  - {name: total, type: NUMERIC, description: sum}\n"
        "  - {name: day, type: DATE, description: day}\n",
        "SELECT total, @run_date AS day FROM core.int_b",
    ),
    "marts/c_view": (
        "description: V. One row per table.\nowner: nobody\nmaterialized: view\ncolumns:\n"
        "  - {name: total, type: NUMERIC, description: sum}\n",
        "SELECT total FROM marts.c",
    ),
}
SUITES = {
    "core.fct_a": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "amount"}, "severity": "critical"},
    "core.int_b": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "total"}, "severity": "warning"},
    "marts.c": {
        "type": "unexpected_rows_expectation",
        "kwargs": {
            "unexpected_rows_query": "SELECT t.total FROM {batch} AS t, core.int_b AS b WHERE t.total <> b.total"
            " OR t.day <> @run_date"
        },
        "severity": "critical",
    },
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "project"
    for address, (model, query) in FILES.items():
        folder = home / "sql" / address
        folder.mkdir(parents=True)
        (folder / "model.yaml").write_text(model)
        if query:
            (folder / "query.sql").write_text(query)
    for name, expectation in SUITES.items():
        file = home / "expectations" / f"{name.replace('.', '/')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        key = "id" if name == "core.fct_a" else "total"
        described = expectation | {"description": f"{name} is right"}
        file.write_text(json.dumps({"name": name, "expectations": [described], "meta": {"key": [key]}}))
    # The tests put rows into raw_x themselves; nothing is bound to raw_y.
    (home / "bindings").mkdir()
    (home / "bindings" / "x.yaml").write_text(
        "system: x\ntables:\n  orders: {files: /nowhere/*.csv, format: csv, load: snapshot}\n"
    )
    return home


@pytest.fixture
def start(home: Path, tmp_path: Path) -> Iterator[Callable[..., Build]]:
    """`start(day, run_id=…)` gives a Build of that January day, each on a warehouse of its own, as tasks have."""
    project = load_project(home)
    warehouses: list[LocalWarehouse] = []

    def make(day: int, run_id: str | None = None) -> Build:
        warehouses.append(LocalWarehouse(tmp_path / "lake", schemas=project.schemas))
        settings = Settings(home=home, data=tmp_path, sources=home / "bindings")
        build = Build(project, settings, warehouses[-1], RunInfo(run_id or f"run_{day}", date(2024, 1, day)))
        build.ensure()
        return build

    yield make
    for warehouse in warehouses:
        warehouse.close()


@pytest.fixture
def load_raw(tmp_path: Path) -> Callable[..., None]:
    """`load_raw(build, ["1.50", None])` puts one order per amount into the build's raw partition."""

    def load(build: Build, amounts: list[str | None]) -> None:
        file = tmp_path / f"{build.run.run_id}.parquet"
        rows = ", ".join(
            f"('o{number}', CAST({'NULL' if amount is None else repr(amount)} AS DECIMAL(38, 9)))"
            for number, amount in enumerate(amounts)
        )
        now = datetime.now(UTC).isoformat()
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT id, amount, DATE '{build.run.run_date}' AS _loaded_date, TIMESTAMPTZ '{now}' AS _loaded_at,"
                f" 'batch' AS _batch_id, 'test' AS _source FROM (VALUES {rows}) AS t(id, amount)) TO '{file}'"
            )
        spec = build.project.spec(TableName("raw_x", "orders"))
        build.warehouse.load(spec, [str(file)], partition=build.run.run_date, run=build.run)

    return load
