"""The files of a binding: which there are, which the window asks for, and whether somebody still writes to them."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.errors import SourceError, SourceUnreachableError
from customer360.settings import Settings
from customer360.sources.bindings import TableBinding
from customer360.sources.window import Window

if TYPE_CHECKING:
    from google.cloud.storage import Client


@dataclass(frozen=True)
class SourceFile:
    """One input file and its name as rows carry it: the path below the pattern's fixed folder, or a gs:// address.

    `seen`: its size, time and identity when it was found.
    """

    path: Path
    name: str
    compressed: bool = False
    seen: tuple[int, int, int] | None = None

    @property
    def exactly(self) -> str:
        """The path for DuckDB, which takes a name like `a[1].csv` for a pattern."""
        return glob.escape(str(self.path))


def source_files(
    binding: TableBinding,
    window: Window,
    settings: Settings,
    scratch: Path,
    buckets: Callable[[], Client] | None = None,
) -> list[SourceFile]:
    """The files of the window in order of name, those of a bucket copied into `scratch`.

    Raises SourceError where the pattern matches nothing at all, SourceUnreachableError where a file is too fresh.
    """
    from customer360.sources import buckets as in_buckets

    pattern = settings.expand(binding.files)
    if pattern.startswith("gs://"):
        found = in_buckets.found(binding, pattern, buckets)
        return in_buckets.copied(binding, [each for each in found if _asked(binding, window, each.below)], scratch)
    if "://" in pattern:
        raise SourceError(f"{binding.contract}: {pattern} cannot be read: files are in a folder, or in gs://bucket/…")
    files = [file for file in _found(binding, pattern) if _asked(binding, window, file.name)]
    for file in files:
        _check_settled(binding, file)
    return files


def check_files(binding: TableBinding, settings: Settings, buckets: Callable[[], Client] | None = None) -> None:
    """That there are files and that their names hold dates where they should; nothing is copied."""
    from customer360.sources import buckets as in_buckets

    pattern = settings.expand(binding.files)
    ever = Window(None, date.max.replace(year=9998))
    if not pattern.startswith("gs://"):
        source_files(binding, ever, settings, Path())
        return
    for each in in_buckets.found(binding, pattern, buckets):
        _asked(binding, ever, each.below)


@contextmanager
def unchanged(binding: TableBinding, files: Sequence[SourceFile]) -> Iterator[None]:
    """SourceUnreachableError where a file was written to, replaced or removed while the block read it."""
    try:
        yield
    except Exception as error:
        if changed := _changed(files):
            raise _unsettled(binding, changed) from error
        raise
    if changed := _changed(files):
        raise _unsettled(binding, changed)


def _unsettled(binding: TableBinding, changed: str) -> SourceUnreachableError:
    return SourceUnreachableError(
        f"{binding.contract}: cannot read {changed}: did the source change while it was read, is it still being"
        " uploaded? Nothing was loaded"
    )


def no_file(binding: TableBinding, pattern: str) -> SourceError:
    """Nothing matches the pattern."""
    return SourceError(f"{binding.contract}: no file matches {pattern}, named in {binding.file.name}")


def _found(binding: TableBinding, pattern: str) -> list[SourceFile]:
    root = Path(pattern)
    while glob.has_magic(str(root)):
        root = root.parent
    root = root if root.is_dir() else root.parent
    paths = [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207
    if not paths:
        raise no_file(binding, pattern)
    for path in paths:
        _refuse_what_is_none(binding, path, root)
    return [SourceFile(path, os.path.relpath(path, root), path.suffix == ".gz", _look(path)) for path in paths]


def _refuse_what_is_none(binding: TableBinding, path: Path, root: Path) -> None:
    """Whoever may put files into a folder is not to choose what else of this machine is read: a link may lead out of
    it, a pipe never ends, and a name may hold what moves a terminal's cursor."""
    name = os.path.relpath(path, root)
    if not name.isprintable():
        raise SourceError(f"{binding.contract}: the name of {name!r} has control characters; rename it")
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise SourceError(f"{binding.contract}: {name} is a link that leads nowhere; remove it") from None
    if not real.is_relative_to(root.resolve()):
        raise SourceError(
            f"{binding.contract}: {name} is a link out of {root}; deliver the file itself, or name its folder in"
            f" {binding.file.name}"
        )
    if not real.is_file():
        raise SourceError(f"{binding.contract}: {name} is no file; name what is one in {binding.file.name}")


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def _changed(files: Sequence[SourceFile]) -> str:
    """The first file that is not as it was found, and how."""
    for file in files:
        if file.seen is None or (now := _look(file.path)) == file.seen:
            continue
        if now is None:
            return f"{file.name}, which is gone"
        if now[0] != file.seen[0]:
            return f"{file.name}, which went from {file.seen[0]:,} to {now[0]:,} bytes"
        return f"{file.name}, which was written to or replaced"
    return ""


def _check_settled(binding: TableBinding, file: SourceFile) -> None:
    """A clock that is ahead writes times to come, so nearness counts."""
    age = time.time() - file.seen[1] / 1e9 if file.seen else 0.0
    if abs(age) < binding.settle_seconds:
        raise SourceUnreachableError(
            f"{binding.contract}: {file.name} was written to {abs(age):.0f} s ago, and settle_seconds in"
            f" {binding.file.name} is {binding.settle_seconds}: it may still be being uploaded; nothing was loaded"
        )


def _asked(binding: TableBinding, window: Window, name: str) -> bool:
    """Whether the window asks for a file of this name below the pattern's fixed folder."""
    if binding.load.file_date is None:
        return True
    match = binding.load.file_date.search(name)
    try:
        return date.fromisoformat(match[1].replace("_", "-") if match else "") in window
    except ValueError:
        raise SourceError(
            f"{binding.contract}: the name of {name} holds no date where {binding.load.file_date.pattern!r} looks"
            f" for one; rename it, or correct files or file_date in {binding.file.name}"
        ) from None
