"""Bindings: where each contract's rows come from in one deployment. One YAML file per source system."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast

from sqlglot import exp

from customer360.errors import ProjectError
from customer360.googlesql.allow import check
from customer360.googlesql.parse import parse_expression
from customer360.project import Contract, Project, TableName
from customer360.project.yaml_files import read_yaml

Format = Literal["csv", "ndjson", "parquet"]
Mode = Literal["snapshot", "cursor", "file_date"]

_SYSTEM_KEYS = {"system", "description", "tables"}
_DATABASE_KEYS = {"connection", "relation"}
_FILE_KEYS = {"files", "format", "encoding", "delimiter", "settle_seconds"}
_COMMON_KEYS = {"load", "columns", "where", "distinct", "freshness"}
_LOAD_KEYS = {"cursor", "file_date", "lookback_days"}
_FRESHNESS_KEYS = {"column", "warn_after", "fail_after"}
_SPAN = re.compile(r"(\d+) (hour|day)s?")
_NOT_BINDINGS = ("example.yaml",)


@dataclass(frozen=True)
class Expression:
    """A GoogleSQL expression over the source's columns: as written, and as a tree. Never pasted into SQL."""

    text: str
    tree: exp.Expr = field(repr=False, compare=False)

    @property
    def is_column(self) -> bool:
        return isinstance(self.tree, exp.Column)

    @property
    def columns(self) -> frozenset[str]:
        """The names of the columns it reads."""
        return frozenset(column.name for column in self.tree.find_all(exp.Column))


@dataclass(frozen=True)
class Load:
    """Which rows one logical date reads: all, those whose cursor falls in the window, or files dated in it."""

    mode: Mode
    cursor: Expression | None = None
    file_date: re.Pattern[str] | None = None
    lookback_days: int = 0


@dataclass(frozen=True)
class Distinct:
    """One row per `by` (contract columns) out of a wider relation: the one with the greatest `latest`."""

    by: tuple[str, ...]
    latest: Expression


@dataclass(frozen=True)
class Freshness:
    """How old the newest row of a source may be at the end of the run date, by the contract's DATE or TIMESTAMP
    `column`; None is the day of the last load that brought rows. Over `fail_after` the load fails."""

    column: str | None = None
    warn_after: timedelta | None = None
    fail_after: timedelta | None = None


@dataclass(frozen=True)
class TableBinding:
    """One contract's source: `connection` and `relation`, or `files` and `format`.

    `columns` maps contract columns to expressions; others are taken by equal name. `file` is the binding's own file.
    `settle_seconds`: a file that was written to within so many seconds is not read yet.
    """

    contract: TableName
    file: Path
    load: Load
    connection: str = ""
    relation: str = ""
    files: str = ""
    format: Format = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    settle_seconds: int = 0
    where: Expression | None = None
    distinct: Distinct | None = None
    columns: Mapping[str, Expression] = field(default_factory=dict)
    freshness: Freshness | None = None

    @property
    def place(self) -> str:
        """Where the rows come from, for people to read."""
        return self.files or f"{self.connection}.{self.relation}"


@dataclass(frozen=True)
class SystemBinding:
    """One source system of a deployment: its tables by contract table name, such as `customer_info`."""

    system: str
    description: str
    file: Path
    tables: Mapping[str, TableBinding]


def load_bindings(folder: Path, project: Project) -> Mapping[str, SystemBinding]:
    """The bindings of a folder by system name; `example.yaml` describes the folder itself and is left out.

    Raises ProjectError naming file and place for unknown keys, systems, tables and columns, and bad expressions.
    """
    if not folder.is_dir():
        raise ProjectError("no such folder of bindings", path=folder, hint="C360_SOURCES names it")
    found: dict[str, SystemBinding] = {}
    for file in sorted(folder.glob("*.yaml")):
        if file.name in _NOT_BINDINGS:
            continue
        binding = _read_system(file, project)
        if binding.system in found:
            raise ProjectError(f"system {binding.system} is bound already in {found[binding.system].file}", path=file)
        found[binding.system] = binding
    if not found:
        raise ProjectError("no bindings found", path=folder, hint="one <system>.yaml per source system")
    return found


def _read_system(file: Path, project: Project) -> SystemBinding:
    raw = read_yaml(file)
    reader = _Reader(file)
    document = reader.mapping(raw, "the file", _SYSTEM_KEYS)
    system = document.get("system")
    contracts = {n.table: c for n, c in project.contracts.items() if c.system == system}
    if not contracts:
        known = ", ".join(sorted({contract.system for contract in project.contracts.values()}))
        raise reader.error("system", f"{system!r} has no contract", f"systems with contracts: {known}")
    tables = {}
    for name, entry in reader.mapping(document.get("tables"), "tables", None).items():
        if name not in contracts:
            raise reader.error(f"tables.{name}", "is no contract", f"known: {', '.join(sorted(contracts))}")
        tables[name] = reader.table(entry, f"tables.{name}", contracts[name])
    return SystemBinding(str(system), str(document.get("description", "")), file, tables)


@dataclass(frozen=True)
class _Reader:
    """Reads one file's values; every refusal names the file and the place in it."""

    file: Path

    def error(self, place: str, message: str, hint: str | None = None) -> ProjectError:
        return ProjectError(f"{place}: {message}", path=self.file, hint=hint)

    def mapping(self, raw: Any, place: str, known: set[str] | None) -> dict[str, Any]:
        if not isinstance(raw, dict) or not raw:
            raise self.error(place, "must be a mapping")
        for key in raw:
            if known is not None and key not in known:
                raise self.error(place, f"unknown key {key!r}", f"known: {', '.join(sorted(known))}")
        return raw

    def expression(self, text: Any, place: str) -> Expression:
        if not isinstance(text, str | int | float) or isinstance(text, bool):
            raise self.error(place, f"{text!r} is no GoogleSQL expression")
        try:
            tree = parse_expression(str(text), path=self.file)
            check(tree, path=self.file)
        except ProjectError as error:
            raise self.error(place, str(error).removeprefix(f"{self.file}: "), error.hint) from None
        for column in tree.find_all(exp.Column):
            if column.table:
                raise self.error(place, f"{column.sql('bigquery')} names a table", "columns of the source stand alone")
        if found := tree.find(exp.Parameter):
            raise self.error(place, f"{found.sql('bigquery')} is a parameter", "a binding has none")
        return Expression(str(text), tree)

    def table(self, raw: Any, place: str, contract: Contract) -> TableBinding:
        entry = self.mapping(raw, place, _DATABASE_KEYS | _FILE_KEYS | _COMMON_KEYS)
        from_files = "files" in entry
        needed, refused = ({"files", "format"}, _DATABASE_KEYS) if from_files else (_DATABASE_KEYS, _FILE_KEYS)
        for key in sorted(needed - entry.keys()):
            raise self.error(place, f"{key} is missing", "a table has connection and relation, or files and format")
        for key in sorted(refused & entry.keys()):
            raise self.error(place, f"{key} and {sorted(needed)[0]} exclude each other")
        return TableBinding(
            contract=contract.name,
            file=self.file,
            load=self.load(entry.get("load"), f"{place}.load", from_files),
            connection=str(entry.get("connection", "")),
            relation=str(entry.get("relation", "")),
            files=str(entry.get("files", "")),
            format=cast(Format, self.choice(entry, "format", place, ("csv", "ndjson", "parquet"), "csv")),
            encoding=self.choice(entry, "encoding", place, ("utf-8", "latin-1", "windows-1252"), "utf-8"),
            delimiter=str(entry.get("delimiter", ",")),
            settle_seconds=self.number(entry, "settle_seconds", place, "seconds"),
            where=self.expression(entry["where"], f"{place}.where") if "where" in entry else None,
            distinct=self.distinct(entry["distinct"], f"{place}.distinct", contract) if "distinct" in entry else None,
            columns=self.columns(entry.get("columns") or {}, f"{place}.columns", contract),
            freshness=self.freshness(entry["freshness"], f"{place}.freshness", contract)
            if "freshness" in entry
            else None,
        )

    def choice(self, entry: Mapping[str, Any], key: str, place: str, values: tuple[str, ...], default: str) -> str:
        value = str(entry.get(key, default))
        if value not in values:
            raise self.error(f"{place}.{key}", f"is {value!r}", f"one of {', '.join(values)}")
        return value

    def number(self, entry: Mapping[str, Any], key: str, place: str, unit: str) -> int:
        value = entry.get(key, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(f"{place}.{key}", f"is {value!r}", f"a number of {unit}, 0 or more")
        return value

    def load(self, raw: Any, place: str, from_files: bool) -> Load:
        if raw == "snapshot":
            return Load("snapshot")
        if raw is None or isinstance(raw, str):
            raise self.error(place, f"is {raw!r}", "snapshot, {cursor: column} or {file_date: 'regular expression'}")
        entry = self.mapping(raw, place, _LOAD_KEYS)
        lookback = self.number(entry, "lookback_days", place, "days")
        if ("cursor" in entry) == ("file_date" in entry):
            raise self.error(place, "needs either cursor or file_date")
        if "cursor" in entry:
            return Load("cursor", cursor=self.expression(entry["cursor"], f"{place}.cursor"), lookback_days=lookback)
        if not from_files:
            raise self.error(f"{place}.file_date", "is for files", "use a cursor for a database")
        try:
            pattern = re.compile(str(entry["file_date"]))
        except re.error as error:
            raise self.error(f"{place}.file_date", f"is no regular expression: {error}") from None
        if pattern.groups != 1:
            raise self.error(f"{place}.file_date", "needs one group", r"such as orders_(\d{4}-\d{2}-\d{2})")
        return Load("file_date", file_date=pattern, lookback_days=lookback)

    def distinct(self, raw: Any, place: str, contract: Contract) -> Distinct:
        entry = self.mapping(raw, place, {"by", "latest"})
        by = entry.get("by")
        names = {column.name for column in contract.source_columns}
        if not isinstance(by, list) or not by or not names.issuperset(by):
            raise self.error(f"{place}.by", f"is {by!r}", f"a list of contract columns: {', '.join(sorted(names))}")
        return Distinct(tuple(by), self.expression(entry.get("latest"), f"{place}.latest"))

    def freshness(self, raw: Any, place: str, contract: Contract) -> Freshness:
        entry = self.mapping(raw, place, _FRESHNESS_KEYS)
        dated = [c.name for c in contract.source_columns if c.type in ("DATE", "TIMESTAMP")]
        column = entry.get("column", contract.event_time)
        if column is not None and column not in dated:
            raise self.error(f"{place}.column", f"is {column!r}", f"a DATE or TIMESTAMP of it: {', '.join(dated)}")
        spans = {key: self.span(entry[key], f"{place}.{key}") for key in ("warn_after", "fail_after") if key in entry}
        if not spans:
            raise self.error(place, "needs warn_after or fail_after, or both")
        if len(spans) == 2 and spans["warn_after"] >= spans["fail_after"]:
            raise self.error(place, "warn_after must be less than fail_after")
        return Freshness(column, **spans)

    def span(self, raw: Any, place: str) -> timedelta:
        found = _SPAN.fullmatch(str(raw))
        if not found or not int(found[1]):
            raise self.error(place, f"is {raw!r}", "a length of time: 36 hours, 2 days")
        return timedelta(**{f"{found[2]}s": int(found[1])})

    def columns(self, raw: Any, place: str, contract: Contract) -> dict[str, Expression]:
        names = {column.name for column in contract.source_columns}
        if not isinstance(raw, dict):
            raise self.error(place, "must be a mapping of contract column to expression")
        for name in raw:
            if name not in names:
                known = ", ".join(column.name for column in contract.source_columns)
                raise self.error(place, f"{name!r} is no column of {contract.name}", f"known: {known}")
        return {name: self.expression(text, f"{place}.{name}") for name, text in raw.items()}
