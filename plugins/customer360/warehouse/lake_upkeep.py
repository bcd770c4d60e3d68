"""Maintenance of the lake: what is dropped, expired, merged and deleted, one committed step at a time.

DuckLake removes a file in three steps: a snapshot expires, its files are scheduled for deletion, and later deleted. A
process that dies between any two leaves a whole lake and work for the next time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from customer360.project.names import TableName
from customer360.warehouse import lake
from customer360.warehouse.duckdb_text import identifier, literal
from customer360.warehouse.lake_session import LakeSession
from customer360.warehouse.lake_tables import drop, kinds, quoted, scalar
from customer360.warehouse.upkeep import GRACE, Tidied, Upkeep, is_temporary

_CATALOG = f"__ducklake_metadata_{lake.ALIAS}"
_TABLES = (
    f"{_CATALOG}.ducklake_table AS t JOIN {_CATALOG}.ducklake_schema AS s"
    " ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL AND t.end_snapshot IS NULL"
)
# When a table was made is in its id, a UUID of version 7: the snapshot that made it may have expired.
_STALE = (
    f"SELECT s.schema_name, t.table_name FROM {_TABLES}"
    " WHERE uuid_extract_version(CAST(t.table_uuid AS UUID)) = 7"
    " AND uuid_extract_timestamp(CAST(t.table_uuid AS UUID)) < ? ORDER BY 1, 2"
)
# The last snapshot is the lake as it is.
_EXPIRED = (
    f"SELECT snapshot_id FROM {_CATALOG}.ducklake_snapshot WHERE CAST(snapshot_time AS TIMESTAMPTZ) < ?"
    f" AND snapshot_id < (SELECT MAX(snapshot_id) FROM {_CATALOG}.ducklake_snapshot) ORDER BY 1"
)
# Fewer are not worth the rewriting.
_MANY_FILES = 5
_FRAGMENTED = (
    f"SELECT s.schema_name, t.table_name FROM {_TABLES}"
    f" JOIN {_CATALOG}.ducklake_data_file AS f ON f.table_id = t.table_id AND f.end_snapshot IS NULL"
    f" GROUP BY ALL HAVING COUNT(*) >= {_MANY_FILES} ORDER BY 1, 2"
)
_WAITING = f"SELECT COUNT(*) FROM {_CATALOG}.ducklake_files_scheduled_for_deletion"
_LIVE_FILES = f"SELECT COUNT(*) FROM {_CATALOG}.ducklake_data_file WHERE end_snapshot IS NULL"


class LakeUpkeep(LakeSession):
    """A lake that can be tidied."""

    def maintain(self, upkeep: Upkeep, *, dry_run: bool = False) -> Tidied:
        """See the port. Each step is a transaction of its own under the write lock, so writers wait for one at most."""
        files_before, bytes_before = _on_disk(self.folder)
        tables = self._drop_stale(upkeep, dry_run)
        partitions = dict(self._drop_partitions(upkeep, dry_run))
        removed, snapshots = self._expire(upkeep, dry_run)
        merged = 0 if dry_run else self._merge(upkeep)
        orphans = 0
        if (before := upkeep.before(upkeep.orphans)) is not None:
            orphans = self._delete("ducklake_delete_orphaned_files", before, dry_run)
        if not dry_run:
            _remove_empty_folders(self.folder / "data", upkeep.now - GRACE)
        notes = () if dry_run else tuple(self._compact_catalog())
        files_after, bytes_after = _on_disk(self.folder)
        return Tidied(
            tables=tables,
            partitions=partitions,
            snapshots=snapshots,
            merged=merged,
            removed=removed,
            orphans=orphans,
            files_before=files_before,
            files_after=files_after,
            bytes_before=bytes_before,
            bytes_after=bytes_after,
            notes=notes,
        )

    def _drop_stale(self, upkeep: Upkeep, dry_run: bool) -> tuple[TableName, ...]:
        before = upkeep.before(upkeep.candidates)
        if before is None:
            return ()
        with self._errors("look for stale candidates"):
            found = self.connection.execute(_STALE, [before]).fetchall()
        stale = [name for name in (TableName(*row) for row in found) if is_temporary(name)]
        stale = [name for name in stale if name.dataset in upkeep.datasets]
        if stale and not dry_run:
            with self._transaction("drop stale candidates") as connection:
                for name in stale:
                    drop(connection, name)
        return tuple(stale)

    def _drop_partitions(self, upkeep: Upkeep, dry_run: bool) -> Iterator[tuple[TableName, int]]:
        for spec, first_kept in upkeep.partitions.items():
            assert spec.partition is not None, f"{spec.name} has no partitions"
            if spec.name.table not in kinds(self.connection, spec.name.dataset):
                continue
            column = identifier(spec.partition.column)
            old = f"FROM {quoted(spec.name)} WHERE {column} < DATE {literal(str(first_kept))}"
            with self._errors(f"look at {spec.name}"):
                days = scalar(self.connection, f"SELECT COUNT(DISTINCT {column}) {old}")
            if days and not dry_run:
                with self._transaction(f"remove days of {spec.name} before {first_kept}") as connection:
                    connection.execute(f"DELETE {old}")
            if days:
                yield spec.name, days

    def _merge(self, upkeep: Upkeep) -> int:
        """Merge files of tables that are appended to; how many fewer these have. The files of other tables are a
        partition each, which is to stay."""
        with self._errors("look for small files"):
            found = [TableName(*row) for row in self.connection.execute(_FRAGMENTED).fetchall()]
            before = scalar(self.connection, _LIVE_FILES)
        fragmented = [name for name in found if name in upkeep.appended]
        for name in fragmented:
            with self._transaction(f"merge files of {name}") as connection:
                which = f"{literal(name.table)}, schema => {literal(name.dataset)}"
                connection.execute(f"CALL ducklake_merge_adjacent_files('{lake.ALIAS}', {which})")
        return before - scalar(self.connection, _LIVE_FILES) if fragmented else 0

    def _expire(self, upkeep: Upkeep, dry_run: bool) -> tuple[int, int]:
        """Expire snapshots and delete the files that only they had; returns how many files and snapshots.

        What an expired snapshot had was replaced before the grace began, so nobody reads it. What was replaced by a
        merge is as new as the merge: while any of that waits for its grace, it waits for all.
        """
        removed = self._delete("ducklake_cleanup_old_files", upkeep.now - GRACE, dry_run)
        before = upkeep.before(upkeep.snapshots)
        if before is None:
            return removed, 0
        with self._transaction("expire snapshots") as connection:
            found = [int(row[0]) for row in connection.execute(_EXPIRED, [before]).fetchall()]
            waiting = scalar(connection, _WAITING)
            if found and not dry_run:
                listed = ", ".join(map(str, found))
                connection.execute(f"CALL ducklake_expire_snapshots('{lake.ALIAS}', versions => [{listed}])")
        if found and not waiting and not dry_run:
            removed += self._delete("ducklake_cleanup_old_files", None, dry_run)
        return removed, len(found)

    def _delete(self, function: str, before: datetime | None, dry_run: bool) -> int:
        """Delete files that no snapshot has: those scheduled for it, or lying about, since before then; None: all."""
        which = "cleanup_all => true" if before is None else f"older_than => {_moment(before)}"
        with self._transaction(f"delete files ({function})") as connection:
            found = connection.execute(
                f"CALL {function}('{lake.ALIAS}', {which}, dry_run => {str(dry_run).lower()})"
            ).fetchall()
        return len(found)

    def _compact_catalog(self) -> Iterator[str]:
        """Give back the space of the catalog's deleted rows. Whoever reads goes first: then it is for another time."""
        self.close()
        with (
            lake.write_lock(self.folder, self._lock_timeout),
            closing(sqlite3.connect(self.folder / "catalog.sqlite", timeout=5, isolation_level=None)) as catalog,
        ):
            try:
                for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    catalog.execute(statement)
            except sqlite3.OperationalError as error:
                yield f"the catalog was not compacted, because somebody is using it ({error}); the next time does it"


def _moment(moment: datetime) -> str:
    return f"CAST({literal(moment.isoformat())} AS TIMESTAMPTZ)"


def _remove_empty_folders(data: Path, before: datetime) -> None:
    """Folders that deleted files leave. One that a writer has just made is younger."""
    for folder in sorted((each for each in data.rglob("*") if each.is_dir()), reverse=True):
        with suppress(OSError):  # it holds something, or somebody was quicker
            if folder.stat().st_mtime < before.timestamp():
                folder.rmdir()


def _on_disk(folder: Path) -> tuple[int, int]:
    """Files of the lake and their bytes, the catalog's included. A run links what it leaves as it is: one file with two
    names."""
    found = [file.stat() for file in (*(folder / "data").rglob("*.parquet"), *folder.glob("catalog.sqlite*"))]
    sizes = {(each.st_dev, each.st_ino): each.st_size for each in found}
    return len(sizes), sum(sizes.values())
