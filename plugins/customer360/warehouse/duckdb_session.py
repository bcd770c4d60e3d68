"""DuckDB connections: extensions from their PyPI wheels (never downloaded), settings that make it speak GoogleSQL."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from customer360.errors import WarehouseError
from customer360.googlesql.session import SESSION_SETTINGS

# Row order is never meant unless a query says ORDER BY; not keeping it saves memory on large writes.
_OPTIONS: dict[str, Any] = {"preserve_insertion_order": False, "enable_progress_bar": False}
# Extension files (path, inode, size, time) whose signature DuckDB has checked in this process or in the one that it was
# forked from. A check takes 0.13 s a file, which every task would pay for every connection.
_CHECKED: set[tuple[Path, int, int, int]] = set()


def extension_file(name: str) -> Path:
    """Path of an extension (`ducklake`, `sqlite_scanner`, `postgres_scanner`, `mysql_scanner`) inside its wheel."""
    spec = find_spec(f"duckdb_extension_{name}")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        found = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if found.is_file():
            return found
    raise WarehouseError(
        f"DuckDB extension {name} for version {duckdb.__version__} is not installed;"
        f" install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
    )


def connect(
    *extensions: str,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_directory: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """An in-memory connection with the extensions loaded and nothing fetched from the network."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if memory_limit:
        config["memory_limit"] = memory_limit
    if threads:
        config["threads"] = threads
    if temp_directory:
        config["temp_directory"] = str(temp_directory)
    files = {_identity(file): file for file in map(extension_file, extensions)}
    checked = files.keys() <= _CHECKED
    connection = duckdb.connect(":memory:", config=config | {"allow_unsigned_extensions": checked})
    for name, value in _OPTIONS.items():
        connection.execute(f"SET {name} = {value!r}")
    for statement in SESSION_SETTINGS:
        connection.execute(statement)
    for file in files.values():
        connection.load_extension(str(file))
    if checked:
        connection.execute("SET allow_unsigned_extensions = false")  # there is no way back
    _CHECKED.update(files)
    return connection


def _identity(file: Path) -> tuple[Path, int, int, int]:
    status = file.stat()
    return file, status.st_ino, status.st_size, status.st_mtime_ns


def confine(connection: duckdb.DuckDBPyConnection, *, folders: Iterable[Path] = (), files: Iterable[Path] = ()) -> None:
    """From now on the whole database reads and writes files in these folders, and these files, and nothing else: no
    ATTACH, no extension, no network. There is no way back, whatever SQL it is given later; what is attached stays.

    Links are followed: one that leads out of a folder leads nowhere.
    """
    allowed = [f"{path}/" for folder in folders for path in _spelt(folder)]
    # A name like a[1].csv is read by a pattern, and DuckDB looks at the pattern too.
    named = [text for file in files for path in _spelt(file) for text in (path, glob.escape(path))]
    connection.execute("SET allowed_directories = ?", [allowed])
    connection.execute("SET allowed_paths = ?", [named])
    connection.execute("SET enable_external_access = false")


def _spelt(path: Path) -> set[str]:
    """As it is written and as it is, links followed: it may be asked for by either."""
    return {str(path.absolute()), str(path.resolve())}
