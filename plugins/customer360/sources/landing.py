"""The landing zone, a folder or a bucket: a Parquet file per load in `<dataset>/<table>/_loaded_date=<date>/`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from customer360.errors import SettingsError
from customer360.project import TableName
from customer360.sources.storage_errors import storage_errors
from customer360.warehouse.disk import disk_errors

if TYPE_CHECKING:
    from google.cloud.storage import Client

_HINTS = {
    403: "Its account needs the role Storage Object User on the bucket; `c360 doctor` says how to give it.",
    404: "Does the bucket of C360_LANDING exist? `c360 doctor` says how to make it.",
}
# A multiple of 256 KiB. Larger files go up in pieces of this size, so that a broken connection repeats one piece.
_CHUNK_BYTES = 16 * 1024 * 1024


# What this package has put there, and nothing else that may lie in the same folder or bucket.
_OURS = re.compile(r"(.*/)?\w+/\w+/_loaded_date=\d{4}-\d{2}-\d{2}/[^/]+\.(parquet|partial)")


class LandedFile(NamedTuple):
    """A file in the landing zone: its address and bytes."""

    address: str
    bytes: int


class Landing(Protocol):
    """Where extracts land on their way to the warehouse."""

    def address(self, name: TableName, loaded_date: date, batch_id: str) -> str:
        """Where a load's file lies: a path or a gs:// address."""

    def place(self, file: Path, target: str) -> None:
        """Put a finished file there, all at once."""

    def remove_others(self, target: str, *, keep: bool = True) -> None:
        """Remove other loads' files of the same date, once this one is in the warehouse; this too, unless `keep`."""

    def before(self, moment: datetime) -> list[LandedFile]:
        """The files that landed before a moment (with time zone)."""

    def remove(self, files: Iterable[LandedFile]) -> None:
        """Remove files; those that are gone already are ignored."""


def _relative(name: TableName, loaded_date: date, batch_id: str) -> str:
    return f"{name.dataset}/{name.table}/_loaded_date={loaded_date}/{batch_id}.parquet"


class FolderLanding:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def address(self, name: TableName, loaded_date: date, batch_id: str) -> str:
        return str(self.folder / _relative(name, loaded_date, batch_id))

    def place(self, file: Path, target: str) -> None:
        """See the protocol. What was there stays whole for those who hold it open."""
        final = Path(target)
        beside = final.with_suffix(".partial")
        with disk_errors(f"put {target}", self.folder):
            final.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, beside)
            beside.replace(final)

    def remove_others(self, target: str, *, keep: bool = True) -> None:
        with disk_errors(f"remove earlier files beside {target}", self.folder):
            for file in Path(target).parent.glob("*"):
                if not (keep and file == Path(target)):
                    file.unlink()

    def before(self, moment: datetime) -> list[LandedFile]:
        found = [(file, file.stat()) for file in sorted(self.folder.rglob("*")) if _OURS.fullmatch(file.as_posix())]
        return [LandedFile(str(file), stat.st_size) for file, stat in found if stat.st_mtime < moment.timestamp()]

    def remove(self, files: Iterable[LandedFile]) -> None:
        """See the protocol. A date's folder goes with its last file."""
        for file in map(Path, (each.address for each in files)):
            file.unlink(missing_ok=True)
            with suppress(OSError):  # another file is in it
                file.parent.rmdir()


class BucketLanding:
    """A folder (`prefix`) in a bucket of Google Cloud Storage; `client` brings the credentials."""

    def __init__(self, client: Client, bucket: str, prefix: str = "") -> None:
        self.bucket, self._prefix = client.bucket(bucket), prefix.strip("/")
        self._project = str(client.project)

    def address(self, name: TableName, loaded_date: date, batch_id: str) -> str:
        path = _relative(name, loaded_date, batch_id)
        return f"gs://{self.bucket.name}/{self._prefix}/{path}" if self._prefix else f"gs://{self.bucket.name}/{path}"

    def place(self, file: Path, target: str) -> None:
        """See the protocol. An object appears when its upload is complete, and its checksum has been compared."""
        with storage_errors(f"put {target}", self._project, _HINTS):
            blob = self.bucket.blob(self._name(target), chunk_size=_CHUNK_BYTES)
            blob.upload_from_filename(str(file), content_type="application/vnd.apache.parquet", checksum="crc32c")

    def remove_others(self, target: str, *, keep: bool = True) -> None:
        from google.api_core.exceptions import NotFound

        name = self._name(target)
        with storage_errors(f"remove earlier files beside {target}", self._project, _HINTS):
            for blob in self.bucket.list_blobs(prefix=f"{name.rpartition('/')[0]}/"):
                if keep and blob.name == name:
                    continue
                try:
                    blob.delete()
                except NotFound:  # an earlier request did it and its answer was lost
                    pass

    def before(self, moment: datetime) -> list[LandedFile]:
        prefix = f"{self._prefix}/" if self._prefix else ""
        with storage_errors("look for old files", self._project, _HINTS):
            return [
                LandedFile(f"gs://{self.bucket.name}/{blob.name}", int(blob.size or 0))
                for blob in self.bucket.list_blobs(prefix=prefix or None)
                if _OURS.fullmatch(blob.name) and blob.updated and blob.updated < moment
            ]

    def remove(self, files: Iterable[LandedFile]) -> None:
        from google.api_core.exceptions import NotFound

        for file in files:
            with storage_errors(f"remove {file.address}", self._project, _HINTS), suppress(NotFound):
                self.bucket.blob(self._name(file.address)).delete()

    def _name(self, target: str) -> str:
        return target.removeprefix(f"gs://{self.bucket.name}/")


def folder_landing(zone: str) -> FolderLanding:
    """The landing zone in a folder. A bucket needs a client with credentials, so it is a SettingsError here."""
    if "://" in zone:
        raise SettingsError(f"{zone} is a bucket: it is opened with the credentials of an Airflow connection")
    return FolderLanding(Path(zone))
