"""Read sql/<dataset>/<table>/ folders into models and contracts, refusing what is wrong by file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

from customer360.errors import ProjectError
from customer360.googlesql import allow, parse, types
from customer360.project.graph import Graph
from customer360.project.incremental import check_incremental, read_incremental
from customer360.project.model import (
    AUDIT_COLUMNS,
    EXTRA,
    Column,
    Contract,
    Format,
    Granularity,
    Materialized,
    Model,
    NewColumns,
    Partition,
    Reference,
    Schedule,
    TableSpec,
)
from customer360.project.names import TableName
from customer360.project.yaml_files import read_yaml

_Choice = TypeVar("_Choice", bound=str)
_COMMON = {"description", "owner", "columns", "key", "labels"}
_MODEL_KEYS = _COMMON | {"schedule", "partition_by", "cluster_by", "materialized", "budget_bytes", "incremental"}
_COMPUTED_KEYS = _COMMON | {"schedule", "partition_by", "cluster_by", "built_by", "reads"}
_CONTRACT_KEYS = _COMMON | {"event_time", "max_refused_share", "new_columns", "cluster_by"}
_COLUMN_NAME = re.compile(r"[A-Za-z_]\w{0,299}", re.ASCII)
_COLUMN_KEYS = {"name", "type", "description", "required", "pii", "allowed", "minimum", "maximum", "pattern", "format"}


@dataclass(frozen=True)
class Project:
    """Everything under sql/: models and contracts by name."""

    root: Path
    models: Mapping[TableName, Model]
    contracts: Mapping[TableName, Contract]

    @cached_property
    def graph(self) -> Graph:
        return Graph(self.models, self.contracts)

    def spec(self, name: TableName) -> TableSpec:
        """The table's specification, of a model or a contract; KeyError for neither."""
        return (self.models.get(name) or self.contracts[name]).spec

    def schema(self, name: TableName) -> dict[str, str]:
        """Column → GoogleSQL type."""
        return self.spec(name).schema

    @cached_property
    def schemas(self) -> dict[str, dict[str, str]]:
        """`dataset.table` → its schema, for every table the project knows."""
        return {str(name): self.schema(name) for name in (*self.contracts, *self.models)}


def load_project(root: Path) -> Project:
    """Read `root`/sql. Raises ProjectError with file (and line, where there is one) for the first thing wrong.

    A project whose files have not changed since is not read again: a scheduler's tasks, which are forked from it,
    find it read.
    """
    files = [*(root / "sql").glob("*/*/model.yaml"), *(root / "sql").glob("*/*/query.sql")]
    return _read_project(root, tuple(sorted((str(file), *_written(file)) for file in files)))


def _written(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4)
def _read_project(root: Path, files: tuple[tuple[str, int, int], ...]) -> Project:
    models: dict[TableName, Model] = {}
    contracts: dict[TableName, Contract] = {}
    for file in sorted((root / "sql").glob("*/*/model.yaml")):
        folder = file.parent
        try:
            name = TableName.from_path(folder)
        except ValueError as error:
            raise ProjectError(str(error), path=folder) from None
        if (folder / "query.sql").is_file():
            models[name] = _read_model(name, folder)
        elif not name.dataset.startswith("raw_"):
            models[name] = _read_computed(name, folder)
        else:
            contracts[name] = _read_contract(name, folder)
    if not models:
        raise ProjectError("no models found", path=root / "sql", hint="is C360_HOME the project's folder?")
    project = Project(root, models, contracts)
    _ = project.graph  # refuses unknown references and cycles now, not at the first use
    schemas = {name: project.schema(name) for name in (*contracts, *models)}
    for model in models.values():
        check_incremental(model, schemas)
    return project


def _read_model(name: TableName, folder: Path) -> Model:
    file = folder / "model.yaml"
    raw = _read_yaml(file, _MODEL_KEYS)
    path = folder / "query.sql"
    sql = path.read_text(encoding="utf-8")
    query = parse.parse_query(sql, path=path)
    allow.check(query, path=path)
    return Model(
        spec=_spec(name, file, raw, ()),
        path=folder,
        owner=raw["owner"],
        sql=sql,
        references=tuple(
            Reference(TableName(reference.dataset, reference.table), reference.line or 1)
            for reference in parse.references(query, path=path)
        ),
        parameters=parse.parameters(query),
        materialized=_choice(raw, "materialized", get_args(Materialized), "table", file),
        schedule=_choice(raw, "schedule", get_args(Schedule), "daily", file),
        key=tuple(raw.get("key", ())),
        budget_bytes=_budget(raw, file),
        incremental=read_incremental(raw.get("incremental"), file),
    )


def _read_computed(name: TableName, folder: Path) -> Model:
    """A table without a query.sql: who computes it, and from what, is said instead of parsed."""
    file = folder / "model.yaml"
    raw = _read_yaml(file, _COMPUTED_KEYS)
    if not isinstance(raw.get("built_by"), str) or not isinstance(raw.get("reads"), list):
        raise ProjectError(
            f"{name} has no query.sql",
            path=file,
            hint="only raw_<system> holds source contracts; a table that Python computes says built_by: and reads:",
        )
    text = file.read_text(encoding="utf-8").splitlines()
    references = []
    for read in raw["reads"]:
        line = next((number for number, each in enumerate(text, 1) if str(read) in each), 1)
        try:
            references.append(Reference(TableName.parse(str(read)), line))
        except ValueError as error:
            raise ProjectError(f"reads: {error}", path=file, line=line) from None
    return Model(
        spec=_spec(name, file, raw, ()),
        path=folder,
        owner=raw["owner"],
        sql="",
        references=tuple(references),
        parameters=frozenset(),
        built_by=raw["built_by"],
        schedule=_choice(raw, "schedule", get_args(Schedule), "daily", file),
        key=tuple(raw.get("key", ())),
    )


def _budget(raw: Mapping[str, Any], file: Path) -> int | None:
    budget = raw.get("budget_bytes")
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int) or budget <= 0):
        raise ProjectError(f"budget_bytes is {budget!r}", path=file, hint="a whole number of bytes, such as 1073741824")
    return budget


def _read_contract(name: TableName, folder: Path) -> Contract:
    file = folder / "model.yaml"
    raw = _read_yaml(file, _CONTRACT_KEYS)
    if not raw.get("key"):
        raise ProjectError("a contract needs a key", path=file, hint="key: [customer_id]")
    # Events pile up day by day: whoever reads them says which days.
    partition = {"column": "_loaded_date", "require_filter": bool(raw.get("event_time"))}
    new_columns: NewColumns = _choice(raw, "new_columns", get_args(NewColumns), "ignore", file)
    added = (*AUDIT_COLUMNS, EXTRA) if new_columns == "add" else AUDIT_COLUMNS
    spec = _spec(name, file, raw | {"partition_by": partition}, added)
    for column in [*raw["key"], *([raw["event_time"]] if raw.get("event_time") else [])]:
        if column not in spec.schema:
            raise ProjectError(f"{column} is named as key or event_time but is no column", path=file)
    for column in spec.columns:
        if column.type == "JSON":
            hint = "type: STRING, format: json; staging reads it with SAFE.PARSE_JSON"
            raise ProjectError(
                f"{column.name} is JSON, which BigQuery loads from no Parquet file", path=file, hint=hint
            )
        if column.format and column.type != "STRING":
            raise ProjectError(f"{column.name} has a format but is {column.type}", path=file, hint="type: STRING")
        if column.name in (*raw["key"], raw.get("event_time")) and not column.required:
            raise ProjectError(f"{column.name} is key or event_time but not required", path=file, hint="required: true")
    return Contract(
        spec=spec,
        path=folder,
        owner=raw["owner"],
        key=tuple(raw["key"]),
        event_time=raw.get("event_time"),
        max_refused_share=float(raw.get("max_refused_share", 0.01)),
        new_columns=new_columns,
    )


def _read_yaml(file: Path, known: set[str]) -> dict[str, Any]:
    raw = read_yaml(file)
    if not isinstance(raw, dict):
        raise ProjectError("must be a mapping", path=file)
    for key in raw.keys() - known:
        raise ProjectError(f"unknown key {key!r}", path=file, hint=f"known: {', '.join(sorted(known))}")
    for key in ("description", "owner", "columns"):
        if not raw.get(key):
            raise ProjectError(f"{key} is missing", path=file)
    if "One row per " not in raw["description"]:
        raise ProjectError("the description does not state the grain", path=file, hint='end it with "One row per …"')
    return raw


def _spec(name: TableName, file: Path, raw: Mapping[str, Any], extra: tuple[Column, ...]) -> TableSpec:
    columns = tuple(_column(entry, file) for entry in raw["columns"]) + extra
    names = [column.name for column in columns]
    for column in names:
        if names.count(column) > 1:
            raise ProjectError(f"column {column} is listed twice", path=file)
    partition = None
    if given := raw.get("partition_by"):
        partition = Partition(
            given["column"],
            _choice(given, "granularity", get_args(Granularity), "DAY", file),
            bool(given.get("require_filter", False)),
        )
    clustered = tuple(raw.get("cluster_by", ()))
    for column in (*clustered, *([partition.column] if partition else []), *raw.get("key", ())):
        if column not in names:
            raise ProjectError(f"{column} is named in partition_by, cluster_by or key but is no column", path=file)
    return TableSpec(
        name=name,
        columns=columns,
        description=" ".join(raw["description"].split()),
        partition=partition,
        cluster_by=clustered,
        labels=tuple(sorted({"owner": raw["owner"], **raw.get("labels", {})}.items())),
    )


def _column(entry: Any, file: Path) -> Column:
    if not isinstance(entry, dict) or not {"name", "type", "description"} <= entry.keys():
        raise ProjectError(f"column {entry!r} needs name, type and description", path=file)
    for key in entry.keys() - _COLUMN_KEYS:
        raise ProjectError(
            f"unknown key {key!r} in column {entry['name']}",
            path=file,
            hint=f"known: {', '.join(sorted(_COLUMN_KEYS))}",
        )
    if not _COLUMN_NAME.fullmatch(str(entry["name"])):
        hint = "letters, digits and _, beginning with no digit"
        raise ProjectError(f"{entry['name']!r} is no name of a column", path=file, hint=hint)
    try:
        type_ = types.normalise(entry["type"])
    except ProjectError as error:
        raise ProjectError(f"column {entry['name']}: {error}", path=file) from None
    return Column(
        name=entry["name"],
        type=type_,
        description=entry["description"],
        required=bool(entry.get("required", False)),
        pii=bool(entry.get("pii", False)),
        allowed=tuple(entry.get("allowed", ())),
        minimum=_text(entry.get("minimum")),
        maximum=_text(entry.get("maximum")),
        pattern=_text(entry.get("pattern")),
        format=_choice(entry, "format", get_args(Format), "json", file) if "format" in entry else None,
    )


def _choice(raw: Mapping[str, Any], key: str, choices: tuple[_Choice, ...], default: _Choice, file: Path) -> _Choice:
    value = raw.get(key, default)
    for choice in choices:
        if value == choice:
            return choice
    raise ProjectError(f"{key} is {value!r}", path=file, hint=" or ".join(choices))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
