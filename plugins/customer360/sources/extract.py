"""Readers: a binding's rows as the relation `source` of a DuckDB session, and the lines nobody could read as `broken`.

`source` has the source's columns and `_position` (unique, in the order of the files), `_line` and `_source`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from customer360.errors import SchemaDriftError, SourceError, SourceUnreachableError
from customer360.sources.files import SourceFile
from customer360.sources.limits import refuse_schema_bomb, refuse_too_deep, refuse_too_many
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb

RESERVED = frozenset({"_position", "_line", "_source"})
# `follows`: the `_line` of the row before a broken line. Readers number the rows they can parse; LINE, over
# `source AS s` and BROKEN_BEFORE, counts the broken ones in.
BROKEN = "CREATE TEMP TABLE broken (reason VARCHAR, raw VARCHAR, line BIGINT, source VARCHAR, follows BIGINT)"
LINE = "s._line + coalesce(before.broken, 0)"
BROKEN_BEFORE = """ASOF LEFT JOIN (
    SELECT source, follows, max(nth) AS broken FROM (
      SELECT source, follows, row_number() OVER (PARTITION BY source ORDER BY follows) AS nth
      FROM broken WHERE follows IS NOT NULL
    ) GROUP BY source, follows
  ) AS before ON before.source = s._source AND s._line > before.follows"""
# Rows of file n are numbered from n times this.
FILE_STRIDE = 1 << 36


@dataclass(frozen=True)
class Extract:
    """What `source` looks like. `columns`: its columns as DuckDB types; `present`: all the source has, also unread.

    `absent`: columns that a file lacks, and which file. `ordered`: whether `_position` is the same on every read.
    `raw`: SQL of a row as it arrived, over `source AS s`; NULL stands for its columns as JSON. `unread`: SQL of what
    nothing reads, as a JSON object, over `source`; NULL where `columns` has it all.
    """

    columns: Mapping[str, str]
    present: tuple[str, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = True
    raw: str | None = None
    unread: str | None = None

    def find(self, name: str) -> str | None:
        """The source's spelling of a column name, whatever its case."""
        return next((column for column in self.columns if column.lower() == name.lower()), None)


def read_parquet(session: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]) -> Extract:
    """A view: Parquet is read where it lies, as often as needed."""
    session.execute(BROKEN)
    for file in files:
        _refuse_parts(file)
        _refuse_odd_schema(session, file)
    schemas = [
        dict(_described(session, f"read_parquet({literal(file.exactly)}, hive_partitioning = false)")) for file in files
    ]
    merged: dict[str, str] = {}
    absent: dict[str, str] = {}
    for schema in schemas:
        known = {name.lower() for name in merged}
        merged |= {name: type_ for name, type_ in schema.items() if name.lower() not in known}
    for file, schema in zip(files, schemas, strict=True):
        lowered = {name.lower() for name in schema}
        absent |= {name: file.name for name in merged if name.lower() not in lowered}
    _refuse_mixed_floats(files, schemas)
    documents = _documents(schemas)
    names = [name for name in merged if name.lower() not in RESERVED]
    # Files that agree are one scan; others are read one by one, so that positions follow the files' names.
    alike = all(schema == schemas[0] for schema in schemas)
    scans = [list(files)] if alike else [[file] for file in files]
    schemas_of = [schemas[0]] if alike else schemas
    selects, first = [], 0
    for scan, schema in zip(scans, schemas_of, strict=True):
        paths = ", ".join(literal(file.exactly) for file in scan)
        columns = "".join(
            f"to_json({identifier(name)}) AS {identifier(name)}, "
            if name.lower() in documents
            else f"{identifier(name)}, "
            for name in schema
            if name.lower() not in RESERVED
        )
        shown = ", ".join(literal(file.name) for file in scan)
        source = shown if len(scan) == 1 else f"[{shown}][CAST(file_index AS BIGINT) + 1]"
        position = f"CAST(({first} + file_index) * {FILE_STRIDE} + file_row_number + 1 AS BIGINT)"
        selects.append(
            f"SELECT {columns}{position} AS _position, CAST(file_row_number + 1 AS BIGINT) AS _line,"
            f" {source} AS _source FROM read_parquet([{paths}], file_row_number = true, hive_partitioning = false)"
        )
        first += len(scan)
    session.execute(f"CREATE TEMP VIEW source AS {' UNION ALL BY NAME '.join(selects)}")
    types = dict(_described(session, "source"))
    return Extract({name: types[name] for name in names}, tuple(merged), absent)


def _refuse_parts(file: SourceFile) -> None:
    """A Parquet file ends with what says where everything is: without it, it is not whole, or something else."""
    with file.path.open("rb") as data:
        first = data.read(4)
        size = data.seek(0, io.SEEK_END)
        data.seek(max(0, size - 4))
        last = data.read(4)
        if last == b"PAR1" and size >= 12:
            data.seek(size - 8)
            begin = size - 8 - int.from_bytes(data.read(4), "little")
            data.seek(max(0, begin))
            refuse_schema_bomb(file.name, data.read(32))
    if size == 0:
        raise SourceUnreachableError(f"{file.name} is empty, not even a Parquet file: is it still being uploaded?")
    if not any(mark.startswith(first) for mark in (b"PAR1", b"PARE")):
        raise SourceError(f"{file.name} is no Parquet file: it begins with {first!r}; correct format or files")
    if last != first or size < 12:
        raise SourceUnreachableError(
            f"{file.name} is cut off or damaged (no Parquet footer); nothing of it was loaded: is it still being"
            " uploaded?"
        )


def _refuse_odd_schema(session: duckdb.DuckDBPyConnection, file: SourceFile) -> None:
    schema = session.execute("SELECT name, coalesce(num_children, 0) FROM parquet_schema(?)", [file.exactly]).fetchall()
    refuse_too_many(file.name, len(schema))
    open_groups: list[int] = []  # how many children each has still to come
    for _, children in schema:
        while open_groups and open_groups[-1] == 0:
            open_groups.pop()
        if open_groups:
            open_groups[-1] -= 1
        if children:
            open_groups.append(children)
        refuse_too_deep(file.name, len(open_groups))
    seen: set[str] = set()
    skip = 0
    for name, children in schema[1:]:  # the first is the root; what is inside a nested column follows it
        if skip == 0 and name.lower() in seen:
            raise SourceError(f"{file.name} has the column {name} twice, in upper or lower case: which one is meant?")
        seen |= {name.lower()} if skip == 0 else set()
        skip = max(skip - 1, 0) + children


def _documents(schemas: Sequence[Mapping[str, str]]) -> frozenset[str]:
    """Nested columns that differ between files, in lower case: made one type, they would gain each other's fields."""
    found: dict[str, set[str]] = {}
    for schema in schemas:
        for name, type_ in schema.items():
            found.setdefault(name.lower(), set()).add(type_)
    return frozenset(name for name, types in found.items() if len(types) > 1 and all(map(_nested, types)))


def _nested(type_: str) -> bool:
    return type_.startswith(("STRUCT", "MAP")) or type_.endswith("]")


def _refuse_mixed_floats(files: Sequence[SourceFile], schemas: Sequence[Mapping[str, str]]) -> None:
    """One type for all files would make the exact numbers of one file as inexact as the floats of another."""
    seen: dict[str, tuple[str, SourceFile]] = {}
    for file, schema in zip(files, schemas, strict=True):
        for name, type_ in schema.items():
            known, first = seen.setdefault(name.lower(), (type_, file))
            if known != type_ and {known, type_} & {"FLOAT", "DOUBLE"}:
                raise SchemaDriftError(
                    f"column {name} is {known} in {first.name} and {type_} in {file.name};"
                    " write both with the same type, or bind them as two tables"
                )


def _described(session: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in session.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]
