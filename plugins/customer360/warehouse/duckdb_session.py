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
    connection = duckdb.connect(":memory:", config=config)
    for name, value in _OPTIONS.items():
        connection.execute(f"SET {name} = {value!r}")
    for statement in SESSION_SETTINGS:
        connection.execute(statement)
    for name in extensions:
        connection.load_extension(str(extension_file(name)))
    return connection


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
