"""What an audit found: results as rows for ops.data_quality, failures as one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from customer360.errors import AuditError
from customer360.project.names import TableName
from customer360.project.platform import DATA_QUALITY
from customer360.warehouse.port import RunInfo

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Result:
    """One expectation's outcome. `table` is the published name; `error` is why it could not be evaluated.

    `rows_checked` and `rows_unexpected` are numbers of rows, None for facts about a whole column or table;
    `sample_keys` look like `transaction_id=T17, line_number=2`.
    """

    table: TableName
    expectation: str
    columns: tuple[str, ...]
    description: str
    severity: str
    success: bool
    rows_checked: int | None = None
    rows_unexpected: int | None = None
    observed: str | None = None
    sample_keys: tuple[str, ...] = ()
    error: str | None = None

    def __str__(self) -> str:
        """One line for people: what failed, how often, what it means and where to look."""
        about = f"({', '.join(self.columns)})" if self.columns else ""
        parts = [f"{self.table}: {self.expectation}{about}: {self._count()}", self.description]
        if self.sample_keys:
            parts.append(f"for example {'; '.join(self.sample_keys)}")
        return " — ".join(parts)

    def _count(self) -> str:
        if self.error is not None:
            return f"could not be evaluated: {self.error}"
        if self.rows_unexpected is None:
            return f"observed {self.observed}"
        if not self.rows_checked:
            return f"{self.rows_unexpected:,} unexpected rows"
        percent = 100 * self.rows_unexpected / self.rows_checked
        return f"{self.rows_unexpected:,} unexpected against {self.rows_checked:,} rows ({percent:.3g} %)"


@dataclass(frozen=True)
class AuditReport:
    """All results of one audit, in the order of tables and suites. `versions`: published name → which writing of the
    table was looked at."""

    run: RunInfo
    checked_at: datetime
    results: tuple[Result, ...]
    versions: Mapping[TableName, str] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[Result, ...]:
        """What stops the publish."""
        return tuple(result for result in self.results if result.severity == "critical" and not result.success)

    @property
    def warnings(self) -> tuple[Result, ...]:
        """What did not hold and is only recorded."""
        return tuple(result for result in self.results if result.severity != "critical" and not result.success)

    def rows(self) -> pa.Table:
        """Rows for ops.data_quality."""
        import pyarrow as pa

        return pa.Table.from_pylist([self._row(result) for result in self.results], schema=DATA_QUALITY.arrow_schema)

    def _row(self, result: Result) -> dict[str, object]:
        return {
            "run_id": self.run.run_id,
            "run_date": self.run.run_date,
            "table_name": str(result.table),
            "expectation": result.expectation,
            "column_name": ", ".join(result.columns) or None,
            "description": result.description,
            "severity": result.severity,
            "success": result.success,
            "rows_checked": result.rows_checked,
            "rows_unexpected": result.rows_unexpected,
            "observed": result.observed,
            "sample_keys": list(result.sample_keys),
            "checked_at": self.checked_at,
            "table_version": self.versions.get(result.table),
        }

    def raise_if_failed(self) -> None:
        """AuditError that names every failure, one a line; nothing when there is none."""
        if self.failures:
            tables = len({result.table for result in self.failures})
            raise AuditError(
                f"{len(self.failures)} critical expectation(s) failed in {tables} table(s);"
                " nothing was published, and people still read the last good run:\n"
                + "\n".join(f"  {result}" for result in self.failures),
                report=self,
            )
