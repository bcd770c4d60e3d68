"""Tables whose files hold one partition each: a day's run replaces the files of a few partitions and links the others.

The lake's own tables are not declared partitioned: DuckLake knows the least and the greatest value of every file, which
is all that reading and replacing need.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from customer360.project.model import Granularity, Partition, TableSpec
from customer360.project.names import TableName
from customer360.project.periods import between
from customer360.warehouse.duckdb_text import identifier, literal
from customer360.warehouse.lake import ALIAS, link
from customer360.warehouse.lake_tables import CATALOG

_PART = "__partition"


@dataclass(frozen=True)
class _File:
    """A data file of a table. least, greatest: days of the partitioning column; None where they are not known.
    nulls: rows without a partition, where known"""

    path: Path
    least: date | None
    greatest: date | None
    nulls: int | None
    rows: int | None
    has_deletes: bool

    def held(self, granularity: Granularity) -> set[date] | None:
        """The first days of the partitions that its rows may be in; None where that is not known."""
        if self.has_deletes:
            return None
        if self.least is None or self.greatest is None:
            return set() if self.rows is not None and self.nulls == self.rows else None
        return set(between(self.least, self.greatest, granularity))


def insert_by_partition(
    connection: duckdb.DuckDBPyConnection, data: Path, spec: TableSpec, name: TableName, query: str
) -> None:
    """Put a query's rows (DuckDB SQL) into an empty table, in files of one partition each."""
    _adopt_all(connection, name, _write_files(connection, _new_folder(data, name), spec, query))


def replace_partitions(
    connection: duckdb.DuckDBPyConnection,
    data: Path,
    spec: TableSpec,
    name: TableName,
    *,
    query: str,
    others: str,
    partitions: Sequence[date],
) -> None:
    """Make the empty table `name` what `spec`'s table is, but for some partitions, which get the query's rows.

    Files of other partitions are linked, not read. `others`, a query for all rows outside of the partitions, is only
    run where a file holds both (what maintenance, or an older version of this package, has written).
    """
    assert spec.partition is not None
    folder = _new_folder(data, name)
    replaced = set(partitions)
    kept: list[Path] = []
    for file in _files(connection, spec):
        held = file.held(spec.partition.granularity)
        if held is not None and not held & replaced:
            kept.append(file.path)
        elif held is None or file.nulls != 0 or not held <= replaced:
            break
    else:
        folder = _write_files(connection, folder, spec, query)
        for path in kept:
            link(path, folder / f"{uuid.uuid4().hex}.parquet")
        _adopt_all(connection, name, folder)
        return
    _adopt_all(connection, name, _write_files(connection, folder, spec, f"({query}) UNION ALL ({others})"))


def _new_folder(data: Path, name: TableName) -> Path:
    folder = data / name.dataset / name.table / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return folder


def _write_files(connection: duckdb.DuckDBPyConnection, folder: Path, spec: TableSpec, query: str) -> Path:
    """The rows of a query as Parquet files in the folder, split by partition."""
    assert spec.partition is not None
    parts = folder / "parts"
    parts.mkdir()
    connection.execute(
        f"COPY (SELECT *, {_first_day(spec.partition, spec.schema)} AS {_PART} FROM ({query}))"
        f" TO {literal(str(parts))} (FORMAT parquet, PARTITION_BY ({_PART}), OVERWRITE_OR_IGNORE)"
    )
    for file in parts.rglob("*.parquet"):
        file.rename(folder / f"{uuid.uuid4().hex}.parquet")
    shutil.rmtree(parts)
    return folder


def _first_day(partition: Partition, schema: dict[str, str]) -> str:
    column = identifier(partition.column)
    day = column if schema[partition.column] == "DATE" else f"CAST({column} AT TIME ZONE 'UTC' AS DATE)"
    return f"CAST(date_trunc('{partition.granularity.lower()}', {day}) AS DATE)"


def _adopt_all(connection: duckdb.DuckDBPyConnection, name: TableName, folder: Path) -> None:
    """Make all files of a folder the table's, in one call: each call has a price."""
    if any(folder.iterdir()):
        connection.execute(
            f"CALL ducklake_add_data_files('{ALIAS}', ?, ?, schema => ?)",
            [name.table, f"{folder}/*.parquet", name.dataset],
        )
    else:
        folder.rmdir()


def _files(connection: duckdb.DuckDBPyConnection, spec: TableSpec) -> list[_File]:
    """The data files of a table, with what the catalog knows of the partitioning column."""
    assert spec.partition is not None
    listed = connection.execute(
        f"SELECT data_file, delete_file IS NOT NULL FROM ducklake_list_files('{ALIAS}', ?, schema => ?)",
        [spec.name.table, spec.name.dataset],
    ).fetchall()
    statistics = connection.execute(
        f"SELECT f.path, s.min_value, s.max_value, s.null_count, f.record_count"
        f" FROM {CATALOG}.ducklake_data_file AS f"
        f" JOIN {CATALOG}.ducklake_table AS t ON t.table_id = f.table_id AND t.end_snapshot IS NULL"
        f" JOIN {CATALOG}.ducklake_schema AS d ON d.schema_id = t.schema_id AND d.end_snapshot IS NULL"
        f" JOIN {CATALOG}.ducklake_column AS c ON c.table_id = t.table_id AND c.end_snapshot IS NULL"
        f" JOIN {CATALOG}.ducklake_file_column_stats AS s"
        f" ON s.data_file_id = f.data_file_id AND s.column_id = c.column_id"
        f" WHERE f.end_snapshot IS NULL AND d.schema_name = ? AND t.table_name = ? AND c.column_name = ?",
        [spec.name.dataset, spec.name.table, spec.partition.column],
    ).fetchall()
    known = {Path(path).name: values for path, *values in statistics}
    found = []
    for path, has_deletes in listed:
        least, greatest, nulls, rows = known.get(Path(path).name, (None, None, None, None))
        found.append(_File(Path(path), _day(least), _day(greatest), nulls, rows, bool(has_deletes)))
    return found


def _day(text: str | None) -> date | None:
    """The UTC day of a statistic, `2024-06-30` or `2024-06-30 10:00:00+00`."""
    return date.fromisoformat(text[:10]) if text else None
