"""Tables of the lake: creating, describing and changing them as model.yaml says, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

import duckdb

from customer360.errors import ProjectError, WarehouseError
from customer360.googlesql import types
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.warehouse.duckdb_text import identifier, literal
from customer360.warehouse.lake import ALIAS, SCRATCH, stamp

CATALOG = f"__ducklake_metadata_{ALIAS}"
_KINDS: WeakKeyDictionary[duckdb.DuckDBPyConnection, tuple[tuple[int, ...], dict[str, dict[str, str]]]] = (
    WeakKeyDictionary()
)
# The scratch tables of each connection: to ask DuckDB would load the lake's whole catalog.
_KEPT: WeakKeyDictionary[duckdb.DuckDBPyConnection, set[str]] = WeakKeyDictionary()


def differences(spec: TableSpec, existing: Mapping[str, str]) -> list[str]:
    """What cannot be put right by itself, one sentence each."""
    found = [
        f"{spec.name}.{column.name} is {existing[column.name]} in the lake and {column.type} in model.yaml;"
        " a column's type cannot change: add a new column, or drop the table and load it again"
        for column in spec.columns
        if existing.get(column.name, column.type) != column.type
    ]
    if gone := existing.keys() - spec.schema.keys():
        found.append(
            f"{spec.name} has {', '.join(sorted(gone))} in the lake but not in model.yaml; columns are never dropped"
            " by themselves: put them back, or drop the table and load it again"
        )
    return found


def evolve(connection: duckdb.DuckDBPyConnection, spec: TableSpec, existing: Mapping[str, str]) -> None:
    """Add the specification's new columns and descriptions to a table."""
    if refused := differences(spec, existing):
        raise WarehouseError("\n".join(refused))
    for column in spec.columns:
        if column.name not in existing:
            connection.execute(
                f"ALTER TABLE {quoted(spec.name)} ADD COLUMN {identifier(column.name)} {types.to_duckdb(column.type)}"
            )
    describe(connection, spec, spec.name)


def check_columns(connection: duckdb.DuckDBPyConnection, spec: TableSpec, query: str) -> None:
    """The engine's own names and types must be the declared ones: an INSERT would convert in silence."""
    relation = connection.sql(query)
    found = [(name, in_googlesql(str(type_))) for name, type_ in zip(relation.columns, relation.types, strict=True)]
    declared = list(spec.schema.items())
    if found != declared:
        wrong = [
            f"{have} where model.yaml says {want}" for have, want in zip(found, declared, strict=False) if have != want
        ]
        raise WarehouseError(
            f"{spec.name}: the query gives {len(found)} columns, model.yaml has {len(declared)};"
            f" {'; '.join(wrong[:5]) or 'the first ones agree'}"
        )


def in_googlesql(duckdb_type: str) -> str:
    """The GoogleSQL name of an engine type; the engine's own where there is none, so that a message can show it."""
    try:
        return types.from_duckdb(duckdb_type)
    except ProjectError:
        return duckdb_type


def quoted(name: TableName) -> str:
    return f"{identifier(name.dataset)}.{identifier(name.table)}"


def scalar(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


def kinds(connection: duckdb.DuckDBPyConnection, dataset: str) -> dict[str, str]:
    """Name → TABLE or VIEW of what a dataset holds, as committed.

    Read from DuckLake's catalog tables: `information_schema` would load the statistics of every table for it. Asked
    for often, so it is kept for as long as nobody commits.
    """
    if dataset == SCRATCH:
        return dict.fromkeys(sorted(_KEPT.get(connection, ())), "TABLE")
    now = stamp(connection)
    then, found = _KINDS.get(connection, (None, {}))
    if then != now:
        found = _kinds(connection)
        _KINDS[connection] = now, found
    return found.get(dataset, {})


def _kinds(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """What kinds says, of all datasets at once: DuckDB takes longer to begin such a query than to answer it."""
    rows = connection.execute(
        " UNION ALL ".join(
            f"SELECT s.schema_name, t.{kind}_name, '{kind.upper()}' FROM {CATALOG}.ducklake_{kind} AS t"
            f" JOIN {CATALOG}.ducklake_schema AS s USING (schema_id)"
            f" WHERE s.end_snapshot IS NULL AND t.end_snapshot IS NULL"
            for kind in ("table", "view")
        )
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for dataset, name, kind in sorted(rows):
        found.setdefault(dataset, {})[name] = kind
    return found


def table_id(connection: duckdb.DuckDBPyConnection, name: TableName) -> int | None:
    """The catalog's number of a table: a write makes a new one. None where there is no table."""
    row = connection.execute(
        f"SELECT t.table_id FROM {CATALOG}.ducklake_table AS t JOIN {CATALOG}.ducklake_schema AS s USING (schema_id)"
        " WHERE s.schema_name = ? AND t.table_name = ? AND s.end_snapshot IS NULL AND t.end_snapshot IS NULL",
        [name.dataset, name.table],
    ).fetchone()
    return None if row is None else int(row[0])


def total_bytes(connection: duckdb.DuckDBPyConnection) -> int:
    """Bytes of all files of the lake: no query reads more of a table."""
    return scalar(connection, f"SELECT COALESCE(SUM(file_size_bytes), 0) FROM {CATALOG}.ducklake_data_file")


def drop(connection: duckdb.DuckDBPyConnection, name: TableName) -> None:
    """Drop a table or view; nothing happens where there is none."""
    if kind := kinds(connection, name.dataset).get(name.table):
        connection.execute(f"DROP {kind} {quoted(name)}")
        if name.dataset == SCRATCH:
            _KEPT[connection].discard(name.table)


def keep(connection: duckdb.DuckDBPyConnection, name: TableName, query: str) -> int:
    """Write a scratch table: no transaction of the lake, and no lock. Returns its rows."""
    connection.execute(f"CREATE OR REPLACE TABLE {quoted(name)} AS {query}")
    _KEPT.setdefault(connection, set()).add(name.table)
    return scalar(connection, f"SELECT COUNT(*) FROM {quoted(name)}")


def create(
    connection: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    name: TableName,
    *,
    partitioned: bool = True,
) -> None:
    columns = ", ".join(f"{identifier(column.name)} {types.to_duckdb(column.type)}" for column in spec.columns)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(name.dataset)}")
    connection.execute(f"CREATE TABLE {quoted(name)} ({columns})")
    if partitioned and spec.partition and spec.partition.granularity == "DAY":
        connection.execute(f"ALTER TABLE {quoted(name)} SET PARTITIONED BY ({identifier(spec.partition.column)})")
    describe(connection, spec, name)


def describe(connection: duckdb.DuckDBPyConnection, spec: TableSpec, name: TableName) -> None:
    connection.execute(f"COMMENT ON TABLE {quoted(name)} IS {literal(spec.description)}")
    for column in spec.columns:
        if column.description:  # scratch tables have none, and a statement each adds up
            place = f"{quoted(name)}.{identifier(column.name)}"
            connection.execute(f"COMMENT ON COLUMN {place} IS {literal(column.description)}")
