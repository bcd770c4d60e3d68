"""The warehouse port: every operation the pipeline needs, in GoogleSQL and Arrow.

Two adapters implement it, `local.LocalWarehouse` and `bigquery.BigQueryWarehouse`, and pass the same contract tests.
SQL is always GoogleSQL with named parameters and `dataset.table` names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

import pyarrow as pa

from customer360 import __version__
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.upkeep import Tidied, Upkeep


@dataclass(frozen=True)
class JobStats:
    """What one operation did. What the engine does not say is None: the embedded one has no jobs and bills nothing.

    bytes_processed: read (queries) or taken in (loads); bytes_billed: of a query; slot_ms: computing time
    """

    rows: int
    bytes_processed: int | None = None
    bytes_billed: int | None = None
    slot_ms: int | None = None
    seconds: float = 0.0
    job_id: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Estimate:
    """What a query would read, and the columns (name → GoogleSQL type) it would give. `exact` is False where the bytes
    are derived from file sizes."""

    bytes_processed: int
    exact: bool = True
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What `ensure` or the next publish does to a table; for `refuse` why it cannot, and the `statement` to run."""

    name: TableName
    action: Literal["create", "alter", "refuse"]
    details: tuple[str, ...] = ()
    statement: str | None = None


@dataclass(frozen=True)
class Publication:
    """One table to publish: the candidate's content becomes the table, or one partition of it."""

    spec: TableSpec
    candidate: TableName
    partition: date | None = None


@dataclass(frozen=True)
class RunInfo:
    """Who runs: stored with what is written and shown on jobs. `run_id` is Airflow's, or `manual__…` from the CLI.

    run_by: the person that started it, None where a schedule did; run_type: in Airflow's words, or `command line`
    """

    run_id: str
    run_date: date
    dag_id: str = "c360"
    task_id: str = ""
    run_by: str | None = None
    run_type: str | None = None
    code_version: str = __version__


class Warehouse(Protocol):
    """All access to data goes through these operations. Each is one transaction: it happened wholly or not at all."""

    @property
    def engine(self) -> str:
        """`local` or `bigquery`."""

    def work_for(self, run: RunInfo) -> None:
        """Whose work follows: said of every job that says nothing else."""

    def ensure(self, tables: Iterable[TableSpec]) -> list[TableName]:
        """Create missing datasets and tables (partitioning, clustering, descriptions, labels); returns the created.

        A table that exists gets new descriptions and new nullable columns; any other difference is a WarehouseError.
        """

    def changes(self, tables: Iterable[TableSpec], *, replaced: bool = False) -> list[Change]:
        """What would be created or altered, or is refused, to make these tables as specified. Changes nothing.

        `replaced`: they are models' tables, whose content every publish replaces as a whole.
        """

    def columns(self, name: TableName) -> dict[str, str] | None:
        """Column → GoogleSQL type of an existing table or view, in order; None where there is none."""

    def load(
        self, spec: TableSpec, files: Sequence[str], *, partition: date | None = None, run: RunInfo | None = None
    ) -> JobStats:
        """Load Parquet files (paths or gs:// addresses) into a table, replacing it whole or the one partition.

        No files replaces by nothing.
        """

    def write(
        self,
        spec: TableSpec,
        sql: str,
        *,
        target: TableName | None = None,
        parameters: Mapping[str, Parameter] | None = None,
        renames: Mapping[TableName, TableName] | None = None,
        maximum_bytes: int | None = None,
        run: RunInfo | None = None,
        partitions: Sequence[date] | None = None,
        job_id: str | None = None,
    ) -> JobStats:
        """Run a query into `target` (default: the table itself), replacing it, with `spec`'s columns and descriptions.

        With `partitions`, their first days, `target` (another one) becomes what `spec`'s table is now, but for these
        partitions: they become what the query gives. No other row is read or written.

        `renames` sends reads of a table to another, such as to the candidate of this run. Over `maximum_bytes` is a
        BudgetError before anything runs. With the `job_id` that `start_write` gave, that job is waited for instead.
        """

    def start_write(
        self,
        spec: TableSpec,
        sql: str,
        *,
        target: TableName | None = None,
        parameters: Mapping[str, Parameter] | None = None,
        renames: Mapping[TableName, TableName] | None = None,
        maximum_bytes: int | None = None,
        run: RunInfo | None = None,
        partitions: Sequence[date] | None = None,
    ) -> str | None:
        """Begin what `write` does, without waiting, and return the job's id; None where the engine has no jobs.

        `write` with the same arguments and this id ends it.
        """

    def is_running(self, job_id: str) -> bool:
        """Whether a job is still under way. False too where there is no such job: `write` says what became of it."""

    def job_url(self, job_id: str) -> str | None:
        """Where to look at a job; None where the engine has no such page."""

    def cancel(self, job_id: str | None = None) -> list[str]:
        """Ask the engine to stop a job, or all that this object has started; returns their ids. For dying tasks: quick,
        may be called in a signal handler, raises nothing."""

    def create_view(self, spec: TableSpec, sql: str) -> None:
        """Create or replace a view. A view takes no parameters."""

    def publish(
        self,
        publications: Sequence[Publication],
        *,
        run: RunInfo,
        log: Mapping[TableSpec, pa.Table] | None = None,
        check: Callable[[], None] | None = None,
    ) -> dict[TableName, JobStats]:
        """Make candidates what people read, and append `log` rows (to ops tables), then drop the candidates.

        What `check` raises leaves all as it was. Local: it is called inside the transaction, where nobody else can
        publish. BigQuery: just before the first copy.

        Local: one transaction over all. BigQuery: one atomic copy per table, then the log. Returns what each table's
        publish did; tables that an earlier try had published are left out.
        """

    def append(self, spec: TableSpec, rows: pa.Table) -> None:
        """Append rows to a platform table (ops), creating it when it is missing."""

    def query(
        self,
        sql: str,
        *,
        parameters: Mapping[str, Parameter] | None = None,
        renames: Mapping[TableName, TableName] | None = None,
        as_of: str | datetime | None = None,
    ) -> pa.Table:
        """Rows as Arrow. `as_of` reads what was published by a run (its run_id) or at a time."""

    def estimate(self, sql: str, *, parameters: Mapping[str, Parameter] | None = None) -> Estimate:
        """Bytes that a query would read; also proves that it compiles. Nothing runs."""

    def row_counts(self, names: Iterable[TableName]) -> dict[TableName, int]:
        """Rows per table, from metadata where the engine keeps it. Missing tables are left out."""

    def versions(self, names: Iterable[TableName]) -> dict[TableName, str]:
        """Something per table that differs once the table was written again. Missing tables are left out."""

    def drop(self, names: Iterable[TableName]) -> None:
        """Drop tables that exist; others are ignored."""

    def tables(self, dataset: str) -> list[TableName]:
        """Tables and views of a dataset, candidates included; empty for a missing dataset."""

    def temporary(self, name: TableName) -> TableName:
        """Where to keep a table that only this object reads, and drops: `name`, or a place of the engine's own.

        Local: in memory, spilled to disk, gone with the process, and not in the lake's transactions.
        """

    def maintain(self, upkeep: Upkeep, *, dry_run: bool = False) -> Tidied:
        """Remove what `upkeep` lets go, and tidy what stays. May be killed and run again at any point; readers and a
        running build go on meanwhile."""

    def close(self) -> None:
        """Let go of connections."""
