"""The cases beside the models, `sql/<dataset>/<table>/tests/<sentence>.yaml`: given rows → expected rows.

description: longer text, if the file's name does not say it all
parameters: {run_date: 2024-03-31}      what differs from the settings' defaults
given:
  staging.stg_crm__customer_info:       only the columns that matter; a referenced table not listed is empty
    - {customer_id: C1, date_of_birth: 2000-02-29}
expect:
  rows:                                 any order, compared on the columns named here
    - {customer_id: C1, age: 24}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from customer360.googlesql import types
from customer360.identity import IdentityConfig
from customer360.project import Model, Project
from customer360.settings import Settings
from reference import duckdb_engine, zetasql_engine
from reference.canonical import Row, canonical, compare_rows
from reference.zetasql_engine import Parameters, Tables

RUN_DATE = date(2024, 3, 31)
ENGINES: dict[str, Callable[..., list[Row]]] = {"reference": zetasql_engine.execute, "duckdb": duckdb_engine.execute}


class _Loader(yaml.SafeLoader):
    """Numbers with a point and times stay text, so that no digit and no zone is lost on the way."""


for _tag in ("float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda _, node: node.value)


@dataclass(frozen=True)
class Case:
    """One file: a model, rows for its sources, and the rows it must yield."""

    model: Model
    path: Path
    parameters: Mapping[str, Any]
    given: Mapping[str, list[Mapping[str, Any]]]
    expected: list[Mapping[str, Any]]

    def __str__(self) -> str:
        return f"{self.model.name}-{self.path.stem}"


def read_case(model: Model, path: Path) -> Case:
    """Read a case; a key or a table that means nothing is a ValueError."""
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    if unknown := raw.keys() - {"description", "parameters", "given", "expect"}:
        raise ValueError(f"{path}: unknown key {', '.join(sorted(unknown))}")
    given = raw.get("given") or {}
    if strange := given.keys() - {str(reference.name) for reference in model.references}:
        raise ValueError(f"{path}: {model.name} does not read {', '.join(sorted(strange))}")
    expect = raw["expect"]
    rows = expect["rows"] if isinstance(expect, dict) else expect
    return Case(
        model, path, raw.get("parameters") or {}, {name: rows or [] for name, rows in given.items()}, rows or []
    )


def cases_of(model: Model) -> list[Case]:
    """All cases of a model, by name."""
    return [read_case(model, path) for path in model.cases]


def declared_parameters(overrides: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Every parameter there is, (type, value), with a case's own values over the settings' defaults."""
    run_date = date.fromisoformat(str(overrides.get("run_date", RUN_DATE)))
    every = Settings().parameters(run_date) | IdentityConfig().parameters
    declared = {name: (type_, value) for name, (type_, value) in every.items()}
    if strange := overrides.keys() - declared.keys():
        raise ValueError(f"no such parameter: {', '.join(sorted(strange))}; there are {', '.join(declared)}")
    return {name: (type_, overrides.get(name, value)) for name, (type_, value) in declared.items()}


def inputs(case: Case, project: Project) -> tuple[Tables, Parameters]:
    names = [reference.name for reference in case.model.references]
    tables = {str(name): (project.schema(name), case.given.get(str(name), [])) for name in names}
    declared = declared_parameters(case.parameters)
    return tables, {name: declared[name] for name in case.model.parameters}


def check_case(case: Case, project: Project, engine: str) -> str:
    """What an engine's rows differ from the expected ones in, as text; empty if nothing."""
    tables, parameters = inputs(case, project)
    found = ENGINES[engine](case.model.sql, tables=tables, parameters=parameters)
    columns = {column.name: types.parse(column.type) for column in case.model.columns}
    named = [name for name in columns if any(name in row for row in case.expected)]
    if strange := {name for row in case.expected for name in row} - columns.keys():
        return f"{case.path}: {case.model.name} has no column {', '.join(sorted(strange))}"
    expected = [{name: canonical(row.get(name), columns[name]) for name in named} for row in case.expected]
    return compare_rows([{name: row[name] for name in named} for row in found], expected) if named or found else ""


def check_columns(model: Model, project: Project) -> str:
    """How the columns that Google's analyzer finds differ from those that model.yaml declares; empty if in nothing."""
    schemas = {str(reference.name): project.schema(reference.name) for reference in model.references}
    declared = declared_parameters({})
    parameters = {name: declared[name][0] for name in model.parameters if name in declared}
    found = zetasql_engine.analyze(model.sql, schemas=schemas, parameters=parameters)
    wanted = [(column.name, types.normalise(column.type)) for column in model.columns]
    if found == wanted:
        return ""
    missing = [f"  model.yaml only: {name} {type_}" for name, type_ in wanted if (name, type_) not in found]
    extra = [f"  query.sql only: {name} {type_}" for name, type_ in found if (name, type_) not in wanted]
    return "\n".join([*missing, *extra] or ["  the order of the columns differs"])
