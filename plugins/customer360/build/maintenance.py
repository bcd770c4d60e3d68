"""Keeping house: what the settings let go, in the warehouse, the landing zone and this machine's data folder."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from customer360.build.build import Build
from customer360.history import DAYS, VERSIONS
from customer360.history.tables import REPEATED_AFTER
from customer360.project import TableSpec
from customer360.project.platform import OPS_TABLES, quarantine_spec
from customer360.sources.landing import Landing
from customer360.warehouse.upkeep import GRACE, Tidied, Upkeep

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Maintained:
    """What maintenance did, or would do.

    warehouse: see `Tidied` · landing_files, landing_bytes: removed from the landing zone · folders: of loads that were
    killed, removed from this machine
    """

    warehouse: Tidied
    landing_files: int
    landing_bytes: int
    folders: int


def maintain(build: Build, landing: Landing, *, now: datetime | None = None, dry_run: bool = False) -> Maintained:
    """Remove what is past its time by `settings.retention_days`, and tidy what stays.

    Runs and readers may go on meanwhile: nothing younger than `upkeep.GRACE` is touched. `now`: the moment that ages
    are counted to. Killed at any point it leaves nothing broken, and the next call does the rest.
    """
    now = now or datetime.now(UTC)
    kept = build.settings.retention_days
    upkeep = Upkeep(
        now=now,
        datasets=tuple(build.project.graph.layers()),
        candidates=_age(kept.get("candidates")),
        orphans=_age(kept.get("orphans")),
        snapshots=_age(kept.get("snapshots")),
        partitions=dict(_partitions(build, now.date())),
        appended=frozenset(spec.name for spec in OPS_TABLES),
    )
    tidied = build.warehouse.maintain(upkeep, dry_run=dry_run)
    for note in tidied.notes:
        log.warning("%s", note)
    before = upkeep.before(_age(kept.get("landing")))
    files = landing.before(before) if before else []
    folders = list(_forgotten(build.settings.data / "tmp", now - GRACE))
    if not dry_run:
        landing.remove(files)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return Maintained(tidied, len(files), sum(file.bytes for file in files), len(folders))


def _age(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _partitions(build: Build, today: date) -> Iterator[tuple[TableSpec, date]]:
    """Tables of which days are removed, and the first day that is kept: a table kept for n days has today and the n
    days before it."""
    for name, days in build.settings.retention_days.items():
        if days is None:
            continue
        first = today - timedelta(days=days)
        if name == "history":
            yield build.project.spec(DAYS), first
            # What was said on the first kept day may be in a version of so many days before.
            yield build.project.spec(VERSIONS), first - timedelta(days=REPEATED_AFTER)
        for contract in build.project.contracts.values():
            if contract.name.dataset == name:
                yield contract.spec, first
            elif name == "quarantine":
                yield quarantine_spec(contract), first


def _forgotten(folder: Path, before: datetime) -> Iterator[Path]:
    """Folders in which a load worked that was killed."""
    for each in sorted(folder.glob("load_*")):
        if each.is_dir() and each.stat().st_mtime < before.timestamp():
            yield each
