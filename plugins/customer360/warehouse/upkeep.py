"""What maintenance keeps for how long, and what it did: the same words for both engines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from customer360.project.model import TableSpec
from customer360.project.names import TableName

# Nothing younger ever goes, whatever the settings say: a run or a reader may be using it. None lasts longer: the Dags'
# runs end after 12 hours.
GRACE = timedelta(hours=12)


@dataclass(frozen=True)
class Upkeep:
    """What may go.

    now: the moment that ages are counted to, with time zone
    datasets: where candidates and scratch tables are looked for
    candidates, orphans, snapshots: how old each may become; None keeps it for ever
    partitions: of these tables, the days before a date go
    appended: tables that grow by small appends, whose files may be merged
    """

    now: datetime
    datasets: tuple[str, ...]
    candidates: timedelta | None = None
    orphans: timedelta | None = None
    snapshots: timedelta | None = None
    partitions: Mapping[TableSpec, date] = field(default_factory=dict)
    appended: frozenset[TableName] = frozenset()

    def before(self, age: timedelta | None) -> datetime | None:
        """What is from before this moment may go; None for nothing."""
        return None if age is None else self.now - max(age, GRACE)


@dataclass(frozen=True)
class Tidied:
    """What maintenance did to a warehouse, or would do. What an engine does not have is 0, what it does not say None.

    tables: candidates and scratch tables that were dropped · partitions: days that were removed, per table
    snapshots: how many expired · merged: how many fewer files there are for merging small ones
    removed: files deleted that no snapshot has any longer · orphans: files deleted that none ever had
    files_…, bytes_…: what is on disk · notes: what could not be done, and why
    """

    tables: tuple[TableName, ...] = ()
    partitions: Mapping[TableName, int] = field(default_factory=dict)
    snapshots: int = 0
    merged: int = 0
    removed: int = 0
    orphans: int = 0
    files_before: int | None = None
    files_after: int | None = None
    bytes_before: int | None = None
    bytes_after: int | None = None
    notes: tuple[str, ...] = ()


def is_temporary(name: TableName) -> bool:
    """Whether a table belongs to one run: a candidate, or what was computed on the way to one."""
    return name.is_candidate or name.table.startswith("__")
