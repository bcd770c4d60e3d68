"""Every statement of history compiles on Google's own analyzer, with the columns that are declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import ROOT
from reference import zetasql_engine

from customer360.history import DAYS, KEPT, VERSIONS, comparing, keeping
from customer360.history.tables import content
from customer360.project import load_project
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo
from history.shelf import QUERIES, day

PROJECT = load_project(ROOT)


class Recorder:
    """A warehouse that keeps the statements it is given, by their target, and answers nothing."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, dict[str, Parameter]]] = []

    def columns(self, name: Any) -> dict[str, str]:
        return PROJECT.schema(name)

    def query(self, sql: str, *, parameters: Any = None, renames: Any = None) -> pa.Table:
        self.statements.append((sql, dict(parameters or {})))
        row = {"first_day": day(0), "last_day": day(0), "day": day(1), "_any": 0, "people_before": 0, "people_after": 0}
        return pa.Table.from_pylist([row | {"arrived": 0, "merged": 0, "gone": 0}] if "MIN(" in sql else [])

    def write(self, spec: Any, sql: str, **how: Any) -> None:
        self.statements.append((sql, how["parameters"]))

    def publish(self, *_: Any, **__: Any) -> None: ...


def test_what_is_written_has_the_declared_columns() -> None:
    recorder: Any = Recorder()
    specs = {name: PROJECT.spec(name) for name in (VERSIONS, DAYS)}
    keeping.keep_day(recorder, source=KEPT, specs=specs, run=RunInfo("r", day(0)))
    found = [_analysed(*statement) for statement in recorder.statements]
    assert len(found) == 5  # the day of the source, the next kept day, its new partition, the two of the day
    assert [list(found[n].items()) for n in (2, 3)] == [list(specs[VERSIONS].schema.items())] * 2
    assert found[4] == specs[DAYS].schema


@pytest.mark.parametrize("name", ["people", "examples", "movers", "moves"])
def test_what_is_compared_compiles(name: str) -> None:
    recorder: Any = Recorder()
    comparing._Days(recorder, QUERIES, day(0), day(1), 5).ask(comparing._read(name))
    assert _analysed(*recorder.statements[0])


def test_changed_columns_compile() -> None:
    recorder: Any = Recorder()
    columns = PROJECT.spec(KEPT).columns
    lasting = {column.name for column in content(PROJECT.spec(VERSIONS))}
    comparing._Days(recorder, QUERIES, day(0), day(1), 5).ask(comparing._changes(columns, lasting))
    assert len(_analysed(*recorder.statements[0])) == len(columns) + 1


def test_a_day_read_has_the_columns_of_customer_360() -> None:
    text = Path(QUERIES / "customer_360_at.sql").read_text()
    parameters = {"as_of": Parameter("DATE", day(0)), "customer360_ids": Parameter("ARRAY<STRING>", [])}
    assert list(_analysed(text, parameters).items()) == list(PROJECT.schema(KEPT).items())


def _analysed(sql: str, parameters: dict[str, Parameter]) -> dict[str, str]:
    types = {name: parameter.type for name, parameter in parameters.items()}
    found: dict[str, str] = dict(zetasql_engine.analyze(sql, schemas=PROJECT.schemas, parameters=types))
    return found
