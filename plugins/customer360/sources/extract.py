"""Readers: a binding's rows as the relation `source` of a DuckDB session, and the lines nobody could read as `broken`.

`source` has the source's columns and `_position` (unique, in the order of the files), `_line` and `_source`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from customer360.errors import SchemaDriftError, SourceError, SourceUnreachableError
from customer360.sources.files import SourceFile

if TYPE_CHECKING:
    import duckdb

RESERVED = frozenset({"_position", "_line", "_source"})
# `follows`: the `_line` of the row before a broken line. Readers number the rows they can parse; LINE counts the
# broken ones in.
BROKEN = "CREATE TEMP TABLE broken (reason VARCHAR, raw VARCHAR, line BIGINT, source VARCHAR, follows BIGINT)"
LINE = "s._line + (SELECT count(*) FROM broken AS b WHERE b.source = s._source AND b.follows < s._line)"
_MARK, _LEAST_BYTES = b"PAR1", 12
# Rows of file n are numbered from n times this.
FILE_STRIDE = 1 << 36


@dataclass(frozen=True)
class Extract:
    """What `source` looks like. `columns`: its columns as DuckDB types; `present`: all the source has, also unread.

    `absent`: columns that a file lacks, and which file. `ordered`: whether `_position` is the same on every read.
    `raw`: SQL of a row as it arrived, over `source AS s`; NULL stands for its columns as JSON.
    """

    columns: Mapping[str, str]
    present: tuple[str, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = True
    raw: str | None = None

    def find(self, name: str) -> str | None:
        """The source's spelling of a column name, whatever its case."""
        return next((column for column in self.columns if column.lower() == name.lower()), None)


def read_parquet(session: duckdb.DuckDBPyConnection, files: Sequence[SourceFile]) -> Extract:
    """A view: Parquet is read where it lies, as often as needed."""
    from customer360.warehouse.duckdb_text import identifier, literal

    session.execute(BROKEN)
    for file in files:
        _check_whole(file)
    schemas = [
        dict(_described(session, f"read_parquet({literal(file.exactly)}, hive_partitioning = false)")) for file in files
    ]
    merged: dict[str, str] = {}
    absent: dict[str, str] = {}
    for schema in schemas:
        merged |= {name: type_ for name, type_ in schema.items() if name.lower() not in map(str.lower, merged)}
    for file, schema in zip(files, schemas, strict=True):
        absent |= {name: file.name for name in merged if name.lower() not in map(str.lower, schema)}
    _refuse_mixed_floats(files, schemas)
    names = [name for name in merged if name.lower() not in RESERVED]
    # Files that agree are one scan; others are read one by one, so that positions follow the files' names.
    alike = all(schema == schemas[0] for schema in schemas)
    scans = [list(files)] if alike else [[file] for file in files]
    schemas_of = [schemas[0]] if alike else schemas
    selects, first = [], 0
    for scan, schema in zip(scans, schemas_of, strict=True):
        paths = ", ".join(literal(file.exactly) for file in scan)
        columns = ", ".join(identifier(name) for name in schema if name.lower() not in RESERVED)
        shown = ", ".join(literal(file.name) for file in scan)
        source = shown if len(scan) == 1 else f"[{shown}][CAST(file_index AS BIGINT) + 1]"
        position = f"CAST(({first} + file_index) * {FILE_STRIDE} + file_row_number + 1 AS BIGINT)"
        selects.append(
            f"SELECT {columns}, {position} AS _position, CAST(file_row_number + 1 AS BIGINT) AS _line,"
            f" {source} AS _source FROM read_parquet([{paths}], file_row_number = true, hive_partitioning = false)"
        )
        first += len(scan)
    session.execute(f"CREATE TEMP VIEW source AS {' UNION ALL BY NAME '.join(selects)}")
    types = dict(_described(session, "source"))
    return Extract({name: types[name] for name in names}, tuple(merged), absent)


def _check_whole(file: SourceFile) -> None:
    """Parquet begins and ends with the same four letters; what it holds is said at its end."""
    size = file.path.stat().st_size
    with file.path.open("rb") as data:
        first = data.read(4)
        data.seek(max(size - 4, 0))
        last = data.read(4)
    if first and not _MARK.startswith(first[:4]):
        raise SourceError(f"{file.name} is no Parquet file: it begins with {first!r}, not with {_MARK!r}")
    if size < _LEAST_BYTES or last != _MARK:
        raise SourceUnreachableError(
            f"{file.name} is cut off: its {size:,} bytes do not end as Parquet does; nothing of it was loaded: is it"
            " still being uploaded?"
        )


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
