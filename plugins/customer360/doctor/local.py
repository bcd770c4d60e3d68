"""The checks of a deployment on the embedded warehouse."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from customer360.doctor.checks import Advice, Check, Finding, Status, failed, passed, warned
from customer360.errors import WarehouseBusyError, WarehouseError, WarehouseUnavailableError
from customer360.project import Project
from customer360.settings import Settings

_LITTLE, _TOO_LITTLE = 5 * 2**30, 2**28  # bytes free on the disk
_PATIENCE = 1.0  # seconds for the write lock


def local_checks(settings: Settings, project: Project) -> list[Check]:
    group = "Embedded warehouse"
    return [
        Check(group, "data folder", lambda: _folder(settings)),
        Check(group, "disk", lambda: _disk(settings), ("data folder",)),
        Check(group, "DuckDB", _extensions),
        Check(group, "write lock", lambda: _lock(settings), ("data folder",)),
        Check(group, "lake", lambda: _lake(settings, project), ("data folder", "DuckDB")),
    ]


def _folder(settings: Settings) -> Finding:
    folder = settings.data
    text = "C360_DATA names the folder; it must be this account's own."
    try:
        settings.make_data_folder()
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return failed(f"{folder} cannot be written: {error}", text, f"sudo chown -R $USER '{folder}'")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & settings.umask:
        return warned(
            f"{folder} can be entered by others on this machine (mode {mode:o})",
            "People's data is in it. Keep it to yourself:",
            f"chmod {0o777 & ~settings.umask:o} '{folder}'",
        )
    whose = "its owner only" if settings.umask == 0o077 else "its owner and group"
    return passed(f"{folder}, for {whose}")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data).free
    detail = f"{free / 2**30:,.1f} GiB free"
    text = "A run writes new files before old ones go. Make room, or let C360_DATA name a folder on another disk."
    if free < _TOO_LITTLE:
        return failed(detail, text)
    return warned(detail, text) if free < _LITTLE else passed(detail)


def _extensions() -> Finding:
    import duckdb

    from customer360.warehouse.duckdb_session import connect
    from customer360.warehouse.lake import EXTENSIONS

    names = (*EXTENSIONS, "postgres_scanner", "mysql_scanner")
    try:
        connect(*names).close()
    except (duckdb.Error, WarehouseError) as error:
        return failed(str(error), "The extensions come from wheels of DuckDB's own version.", "uv sync --frozen")
    return passed(f"{duckdb.__version__} with {', '.join(names)}")


def _lock(settings: Settings) -> Finding:
    from customer360.warehouse.lake import write_lock

    if not settings.lake.is_dir():
        return passed("no lake yet, so nobody writes to it")
    try:
        with write_lock(settings.lake, _PATIENCE):
            return passed("free")
    except WarehouseBusyError:
        return warned(
            "another process is writing", "A run waits for it, up to C360_LOCK_TIMEOUT seconds. Who holds the file:",
            f"lsof '{settings.lake / 'write.lock'}'",
        )  # fmt: skip
    except OSError as error:
        return failed(str(error), "The lock is a file in the lake's folder; this account must be able to write there.")


def _lake(settings: Settings, project: Project) -> Finding:
    """Open the lake that is there and count its tables; or see that one can be made, beside it."""
    from customer360.warehouse.local import LocalWarehouse

    exists = (settings.lake / "catalog.sqlite").exists()
    with TemporaryDirectory(dir=settings.data) as beside:
        folder = settings.lake if exists else Path(beside) / "lake"
        warehouse = LocalWarehouse(folder, schemas=project.schemas, lock_timeout=_PATIENCE)
        try:
            tables = sum(len(warehouse.tables(layer)) for layer in project.graph.layers())
        except WarehouseUnavailableError as error:
            return Finding(Status.FAILED, str(error), Advice("Is the disk there, and the folder this account's own?"))
        except WarehouseError as error:
            text = "The lake cannot be opened. Restore it from a copy, or begin anew: this deletes all that was loaded."
            return failed(str(error), text, f"rm -r '{settings.lake}'")
        finally:
            warehouse.close()
    return passed(f"opens, {tables} tables in its layers" if exists else "there is none yet; one can be made")
