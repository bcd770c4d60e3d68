"""The DuckLake folder: attaching it, and the one lock that its writers in all processes take."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import duckdb
from filelock import FileLock, Timeout

from customer360.errors import WarehouseBusyError
from customer360.warehouse.duckdb_text import literal

ALIAS = "lake"
# Tables that only this process needs: in memory, spilled to the connection's temporary folder. No dataset can have the
# name.
SCRATCH = "__scratch"
# The folder of each attached lake, by connection.
_FOLDERS: WeakKeyDictionary[duckdb.DuckDBPyConnection, Path] = WeakKeyDictionary()
EXTENSIONS = ("ducklake", "sqlite_scanner")


def attach(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    read_only: bool = False,
    snapshot: int | None = None,
) -> None:
    """ATTACH the lake in `folder` and USE it. The connection must have `EXTENSIONS` loaded.

    Write-ahead logging lets readers go on while a writer commits. Small inserts go to Parquet like all others, so that
    one reader (Great Expectations, pandas, Spark) sees every row.
    """
    options = [
        f"DATA_PATH {literal(f'{folder}/data/')}",
        "OVERRIDE_DATA_PATH true",
        "DATA_INLINING_ROW_LIMIT 0",
        "META_JOURNAL_MODE 'WAL'",
        "META_BUSY_TIMEOUT 30000",
    ]
    if snapshot is not None:
        options.append(f"SNAPSHOT_VERSION {int(snapshot)}")
    elif read_only:
        options.append("READ_ONLY")
    connection.execute(f"ATTACH ':memory:' AS {SCRATCH} (COMPRESS)")
    connection.execute(
        f"ATTACH {literal(f'ducklake:sqlite:{folder}/catalog.sqlite')} AS {ALIAS} ({', '.join(options)}); USE {ALIAS}"
    )
    _FOLDERS[connection] = folder


def place(dataset: str) -> tuple[str, str]:
    """The database and the schema in it that a dataset is; scratch tables have a database of their own."""
    return (SCRATCH, "main") if dataset == SCRATCH else (ALIAS, dataset)


def stamp(connection: duckdb.DuckDBPyConnection) -> tuple[int, ...]:
    """Something that differs after any commit of any process: times and sizes of the catalog's files."""
    found: list[int] = []
    for name in ("catalog.sqlite", "catalog.sqlite-wal"):
        try:
            status = (_FOLDERS[connection] / name).stat()
        except FileNotFoundError:
            found += (0, 0)
        else:
            found += (status.st_mtime_ns, status.st_size)
    return tuple(found)


@contextmanager
def write_lock(folder: Path, timeout: float) -> Iterator[None]:
    """Hold the lake's write lock. The operating system frees it when a process dies, however it dies.

    Raises WarehouseBusyError after `timeout` seconds.
    """
    lock = FileLock(folder / "write.lock", timeout=timeout)
    try:
        lock.acquire()
    except Timeout:
        raise WarehouseBusyError(
            f"another process has been writing to {folder} for more than {timeout:.0f} s;"
            " wait for it, or raise C360_LOCK_TIMEOUT"
        ) from None
    try:
        yield
    finally:
        lock.release()


def adopt(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    folder: Path,
    schema: str,
    table: str,
) -> None:
    """Make a Parquet file part of a table without rewriting it, inside the connection's transaction.

    The lake owns its files (it deletes them when they expire), so it gets a hard link of its own; a copy where the
    file lies on another file system. If the transaction fails, the link is an orphan that maintenance removes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / f"{uuid.uuid4().hex}.parquet"
    link(file, own)
    connection.execute(
        f"CALL ducklake_add_data_files('{ALIAS}', ?, ?, schema => ?)",
        [table, str(own), schema],
    )


def link(file: Path, own: Path) -> None:
    """A file under a second name; a copy where that lies on another file system."""
    try:
        os.link(file, own)
    except OSError:
        shutil.copyfile(file, own)


def damaged_files(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Files of tables as they are now that are gone, cut off or cannot be read: `<path> (of <dataset.table>)`. Reads
    all of the lake, so it is for when something has failed."""
    catalog = f"__ducklake_metadata_{ALIAS}"
    files = connection.execute(
        f"SELECT s.schema_name || '.' || t.table_name, f.file_size_bytes,"
        f" CASE WHEN f.path_is_relative THEN s.path || t.path || f.path ELSE f.path END"
        f" FROM {catalog}.ducklake_data_file AS f"
        f" JOIN {catalog}.ducklake_table AS t ON t.table_id = f.table_id AND t.end_snapshot IS NULL"
        f" JOIN {catalog}.ducklake_schema AS s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL"
        f" WHERE f.end_snapshot IS NULL ORDER BY 1, 3"
    ).fetchall()
    places = [(table, size, _FOLDERS[connection] / "data" / path) for table, size, path in files]
    return [f"{path} (of {table})" for table, size, path in places if not _is_whole(connection, path, size)]


def _is_whole(connection: duckdb.DuckDBPyConnection, path: Path, size: int) -> bool:
    try:
        if path.stat().st_size != size:
            return False
        connection.execute("SELECT MAX(hash(each_row)) FROM read_parquet(?) AS each_row", [str(path)]).fetchall()
    except (OSError, duckdb.Error):
        return False
    return True
