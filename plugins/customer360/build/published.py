"""Which run each table is at: what ops.published and ops.data_quality say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

import pyarrow as pa

from customer360.errors import WarehouseError
from customer360.project import TableName
from customer360.project.platform import PUBLISHED
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo, Warehouse


class State(NamedTuple):
    """The day a table is at, and which writing of it that is."""

    run_date: date
    version: str | None


@dataclass(frozen=True)
class Published:
    """The published tables of a warehouse, as a run sees them."""

    warehouse: Warehouse
    run: RunInfo

    def by_this_run(self) -> set[str]:
        """The tables that this run has published."""
        found = self.warehouse.query(
            "SELECT DISTINCT table_name FROM ops.published WHERE run_id = @run_id AND run_date = @run_date",
            parameters=self._this_run,
        )
        return set(found.column("table_name").to_pylist())

    def day_of(self, name: TableName) -> date | None:
        """The day that a table is at; None for one that was never published."""
        found = self.state().get(str(name))
        return found.run_date if found else None

    def newer(self, names: Iterable[TableName]) -> list[str]:
        """Those of these tables that are at a newer day than this run's."""
        state = self.state()
        return sorted(text for text in map(str, names) if text in state and state[text].run_date > self.run.run_date)

    def refuse_other_days(self, names: Collection[TableName]) -> None:
        """WarehouseError where one of these tables, which this run builds on, is at another day than its own."""
        state = self.state() if names else {}
        days = {text: state[text].run_date for text in sorted(map(str, names)) if text in state}
        advice = (
            "Days are built one at a time: let that run end, then clear this day from its first layer; of a backfill,"
            " run all such days again: airflow backfill create … --max-active-runs 1 --reprocess-behavior failed"
        )
        if newer := [text for text, day in days.items() if day > self.run.run_date]:
            raise WarehouseError(
                f"{', '.join(newer)} is at a newer day than {self.run.run_date}: another run has published it since."
                f" {advice}"
            )
        if older := [text for text, day in days.items() if day < self.run.run_date]:
            raise WarehouseError(
                f"{', '.join(older)} is at an older day than {self.run.run_date}: this run has not published it, or a"
                f" run of that day has replaced it since. {advice}"
            )

    def refuse_behind(self, names: Iterable[TableName]) -> None:
        """WarehouseError, which a retry helps, where one of these tables is at a newer day than this run's."""
        if newer := self.newer(names):
            error = WarehouseError(
                f"{', '.join(newer)} was published at a newer day than {self.run.run_date} just now; nothing was"
                " published: clear this task, and the day's history is kept"
            )
            error.retry_helps = True
            raise error

    def audited_versions(self) -> dict[str, str | None]:
        """Which writing of each table's candidate this run's latest audit looked at."""
        found = self.warehouse.query(
            "SELECT DISTINCT table_name, table_version FROM ops.data_quality"
            " WHERE run_id = @run_id AND run_date = @run_date"
            " QUALIFY RANK() OVER (PARTITION BY table_name ORDER BY checked_at DESC) = 1",
            parameters=self._this_run,
        )
        return {row["table_name"]: row["table_version"] for row in found.to_pylist()}

    def rows(self, row_counts: Mapping[TableName, int], versions: Mapping[TableName, str]) -> pa.Table:
        """Rows of ops.published that say this run publishes these tables, so many rows of such a writing, now."""
        before = self.warehouse.row_counts(row_counts)
        rows = [
            {
                "run_id": self.run.run_id,
                "run_date": self.run.run_date,
                "table_name": str(name),
                "row_count": count,
                "code_version": self.run.code_version,
                "published_at": datetime.now(UTC),
                "run_by": self.run.run_by,
                "run_type": self.run.run_type,
                "rows_before": before.get(name),
                "table_version": versions.get(name),
            }
            for name, count in row_counts.items()
        ]
        return pa.Table.from_pylist(rows, schema=PUBLISHED.arrow_schema)

    def state(self) -> dict[str, State]:
        """What each published table is at."""
        found = self.warehouse.query(
            "SELECT table_name, run_date, table_version FROM ops.published"
            " QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY published_at DESC, run_id DESC) = 1"
        )
        return {row["table_name"]: State(row["run_date"], row["table_version"]) for row in found.to_pylist()}

    @property
    def _this_run(self) -> dict[str, Parameter]:
        return {
            "run_id": Parameter("STRING", self.run.run_id),
            "run_date": Parameter("DATE", self.run.run_date),
        }
