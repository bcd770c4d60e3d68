"""The landing zone, a folder or a bucket: a Parquet file per load in `<dataset>/<table>/_loaded_date=<date>/`."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from customer360.project import TableName


def address(zone: str, name: TableName, loaded_date: date, batch_id: str) -> str:
    """Where a load's file lies."""
    return f"{zone.rstrip('/')}/{name.dataset}/{name.table}/_loaded_date={loaded_date}/{batch_id}.parquet"


def place(file: Path, target: str) -> None:
    """Put a finished file into the landing zone, all at once. What was there stays whole for those who hold it open."""
    if "://" in target:
        from pyarrow import fs

        filesystem, path = fs.FileSystem.from_uri(target)
        filesystem.create_dir(path.rpartition("/")[0], recursive=True)
        fs.copy_files(str(file), path, source_filesystem=fs.LocalFileSystem(), destination_filesystem=filesystem)
        return
    final = Path(target)
    final.parent.mkdir(parents=True, exist_ok=True)
    beside = final.with_suffix(".partial")
    shutil.move(file, beside)
    beside.replace(final)


def remove_others(target: str, *, keep: bool = True) -> None:
    """Remove the files of other loads of the same date, once this one is in the warehouse; this too, unless `keep`."""
    if "://" in target:
        from pyarrow import fs

        filesystem, path = fs.FileSystem.from_uri(target)
        for info in filesystem.get_file_info(fs.FileSelector(path.rpartition("/")[0], allow_not_found=True)):
            if info.is_file and not (keep and info.path == path):
                filesystem.delete_file(info.path)
        return
    for file in Path(target).parent.glob("*"):
        if not (keep and file == Path(target)):
            file.unlink()
