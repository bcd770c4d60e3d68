"""What a disk's errors mean and what to do about them: no room, no right to write, damaged files."""

from __future__ import annotations

import getpass
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from customer360.errors import WarehouseError, WarehouseUnavailableError

_FULL = re.compile(r"No space left on device|database or disk is full|Disk quota exceeded")
# SQLite does not say why it could not write.
_PERHAPS_FULL, _NO_ROOM = "disk I/O error", 1024 * 1024
_DENIED = re.compile(r"Permission denied|Read-only file system|readonly database|unable to open database file")
_CATALOG = re.compile(r"file is not a database|database disk image is malformed")
# What DuckDB says of bytes that are no Parquet, or of a data file that is gone.
_FILE = re.compile(
    r"No magic bytes|not a Parquet file|Variable-length int|don't know what type|TProtocolException|decompress"
    r"|[Cc]orrupt|No such file or directory|Parquet|Invalid string encoding"
)
_PUBLISHED = "Nothing of this step is visible, and what was published before is as it was"


def explained(
    doing: str, folder: Path, error: Exception, *, damaged: Callable[[], str] | None = None
) -> WarehouseError | None:
    """The error to raise for what a disk did while something worked in `folder`; None where it is about something else.

    damaged: says which data files cannot be read, nothing where all can; for a folder that holds some
    """
    text = str(error)
    if _FULL.search(text) or (_PERHAPS_FULL in text and _free(folder) < _NO_ROOM):
        return WarehouseUnavailableError(
            f"{doing}: the disk of {folder} is full ({text}). {_PUBLISHED}. Make room (`c360 maintain` removes what"
            " nobody needs any longer), then run this step again and what follows"
        )
    if _CATALOG.search(text):
        return WarehouseError(
            f"{doing}: the catalog {folder / 'catalog.sqlite'} is damaged ({text}). Put the folder back from a copy; or"
            f" begin anew, which deletes all that was loaded: rm -r '{folder}'"
        )
    if _DENIED.search(text):
        account = _account()
        return WarehouseError(
            f"{doing}: {account} may not write in {folder} ({text}). {_PUBLISHED}. Give it the folder (chown -R"
            f" {account} '{folder}'), or mount the disk for writing, then run this step again and what follows"
        )
    if damaged and _FILE.search(text) and (told := damaged()):
        return WarehouseError(f"{doing}: {text}. {_PUBLISHED}. {told}")
    return None


@contextmanager
def disk_errors(doing: str, folder: Path) -> Iterator[None]:
    """For work on files of this machine: a full or read-only disk is a WarehouseError that says what to do."""
    try:
        yield
    except OSError as error:
        raise explained(doing, folder, error) or error from error


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "this account"
