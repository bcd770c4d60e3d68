"""Query jobs that write: a dry run (does it compile, are its columns the declared ones, is it within budget), then one
job that replaces the rows of its destination atomically or leaves them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.googlesql.rename import rename_tables
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse import bigquery_resources as resources
from customer360.warehouse.bigquery_jobs import Job, Jobs, Step, Submission, digest_of, label_texts
from customer360.warehouse.bigquery_sql import QueryParameter, query_parameters, tables_read
from customer360.warehouse.bigquery_tables import Tables
from customer360.warehouse.costs import refuse_over_budget
from customer360.warehouse.port import JobStats, RunInfo

# BigQuery bills at least this much for every table that a query reads; a lower maximum_bytes_billed fails any query.
_LEAST_BILLED = 10 * 1024 * 1024


@dataclass(frozen=True)
class Write:
    """One query and where its rows go. `partitions`: the ones that they are; the others stay as in the spec's table."""

    spec: TableSpec
    name: TableName
    sql: str
    parameters: Mapping[str, Parameter]
    maximum_bytes: int | None
    run: RunInfo | None
    partitions: Sequence[date] | None = None

    @property
    def doing(self) -> str:
        return f"write {self.name}"


class Writes:
    """Writes tables and views of the client's project."""

    def __init__(self, client: bigquery.Client, jobs: Jobs, tables: Tables) -> None:
        self.client, self.jobs, self.tables = client, jobs, tables

    def run(self, write: Write) -> JobStats:
        """Write and wait."""
        started = time.monotonic()
        return self._finished(write, self.jobs.run(self._step(write)), started)

    def submit(self, write: Write) -> Submission:
        """Start writing, or find the job that an earlier try of the same task left running."""
        return self.jobs.submit(self._step(write))

    def finish(self, write: Write, job_id: str) -> JobStats:
        """Wait for what `submit` started. `seconds` are the job's own."""
        with self.jobs.errors(write.doing, job_id):
            job = self.jobs.known(job_id)
        waited = time.monotonic()
        try:
            job = self.jobs.wait(job, write.doing)
        except WarehouseError:
            if not self.jobs.may_start_again(job_id):
                raise
            return self.run(write)
        if job.started and job.ended:
            waited = time.monotonic() - (job.ended - job.started).total_seconds()
        return self._finished(write, job, waited)

    def _step(self, write: Write) -> Step:
        bound = query_parameters(write.sql, write.parameters)
        dry = self.dry_run(write.sql, bound, doing=write.doing)
        check_columns(write.spec, dry)
        content = digest_of(write.sql, [parameter.to_api_repr() for parameter in bound], write.partitions)
        config = bigquery.QueryJobConfig(
            query_parameters=bound,
            default_dataset=bigquery.DatasetReference(self.client.project, write.spec.name.dataset),
            destination=self.tables.reference(write.name),
            # Only the rows: the table that _make_room made keeps its descriptions, policy tags and expiration.
            write_disposition="WRITE_TRUNCATE_DATA" if write.partitions is None else "WRITE_APPEND",
            create_disposition="CREATE_NEVER",
            labels=self.jobs.labels(write.run, write.spec.name, content),
            **resources.layout(write.spec),
        )
        if write.maximum_bytes is not None:
            config.maximum_bytes_billed = _within_budget(write.spec, dry, write.maximum_bytes)
        self._make_room(write.spec, write.name)

        def start(job_id: str) -> Job:
            if write.partitions is not None:
                self._take_over(write, write.partitions)
            # With an id of our own the client cannot start a failed query again by itself: Jobs does.
            return self.client.query(
                write.sql, job_id=job_id, location=self.jobs.location, job_config=config, job_retry=None
            )

        name = self.jobs.name(write.run, "write", str(write.name))
        return Step(name, write.doing, start, content, newest_input=lambda: self._newest(dry.referenced_tables))

    def _take_over(self, write: Write, partitions: Sequence[date]) -> None:
        """Make the destination the published table without some partitions. Copies and whole partitions are free.

        Done when the query starts, and never while an earlier one still runs: its rows are appended.
        """
        content = digest_of(str(write.name))
        config = bigquery.CopyJobConfig(
            write_disposition="WRITE_TRUNCATE", labels=self.jobs.labels(write.run, write.spec.name, content)
        )

        def start(job_id: str) -> Job:
            source, to = self.tables.reference(write.spec.name), self.tables.reference(write.name)
            return self.client.copy_table(source, to, job_id=job_id, location=self.jobs.location, job_config=config)

        doing = f"copy {write.spec.name}"
        # By name: a copy that an earlier try left running is waited for, so that it cannot end after what follows.
        name = self.jobs.name(write.run, "take over", str(write.name))
        self.jobs.run(Step(name, doing, start, content))
        with self.jobs.errors(doing):
            candidate = self.tables.known(self.tables.reference(write.name))
            if candidate.require_partition_filter:  # an audit looks at the whole
                candidate.require_partition_filter = False
                self.client.update_table(candidate, ["require_partition_filter"])
            for day in partitions:
                reference = self.tables.reference(write.name, resources.partition_id(write.spec, day))
                self.client.delete_table(reference, not_found_ok=True)

    def _newest(self, tables: Sequence[bigquery.TableReference]) -> datetime | None:
        """When the last of these tables was changed."""
        times = [self.client.get_table(table).modified for table in tables]
        return max((time for time in times if time is not None), default=None)

    def _make_room(self, spec: TableSpec, name: TableName) -> None:
        """Make dataset and table. What would break readers is refused here, before anything is paid for."""
        self.tables.ensure_dataset(name.dataset)
        if name == spec.name:
            self.tables.ensure([spec])
        else:
            self.tables.ensure_candidate(spec, name)

    def _finished(self, write: Write, job: Job, started: float) -> JobStats:
        with self.jobs.errors(f"describe {write.name}", job.job_id):
            table = self.tables.known(self.tables.reference(write.name))
            self.tables.refresh(table, write.spec, candidate=write.name != write.spec.name)
        assert isinstance(job, bigquery.QueryJob)
        return self.jobs.stats(job, started, rows=int(table.num_rows or 0), processed=job.total_bytes_processed)

    def view(self, spec: TableSpec, sql: str) -> None:
        """Create or replace a view. It names its tables with the project: people query views from other projects."""
        dry = self.dry_run(sql, query_parameters(sql, {}), doing=f"create view {spec.name}")
        check_columns(spec, dry)
        self.tables.ensure_dataset(spec.name.dataset)
        existing = self.tables.find(spec.name)
        if existing is not None and existing.table_type != "VIEW":
            raise WarehouseError(
                f"{spec.name} is a {existing.table_type} in BigQuery, not a view. To drop it, run:\n"
                f"  DROP TABLE `{self.client.project}`.{spec.name};"
            )
        project = self.client.project
        view = bigquery.Table(self.tables.reference(spec.name))
        view.view_query = rename_tables(sql, {str(name): f"`{project}`.{name}" for name in tables_read(sql)})
        view.description = spec.description
        view.labels = label_texts(dict(spec.labels))
        with self.jobs.errors(f"create view {spec.name}"):
            if existing is None:
                view = self.tables.create(view)
            else:
                view = self.client.update_table(view, ["view_query", "description", "labels"])
            # A view is created without a schema; its columns' descriptions come after.
            self.tables.refresh(view, spec)

    def dry_run(self, sql: str, bound: Sequence[QueryParameter], *, doing: str) -> bigquery.QueryJob:
        """The query as BigQuery understands it: columns, bytes, tables read. Nothing runs."""
        config = bigquery.QueryJobConfig(
            dry_run=True, use_query_cache=False, query_parameters=list(bound), labels=self.jobs.labels(None)
        )
        with self.jobs.errors(doing):
            return self.client.query(sql, location=self.jobs.location, job_config=config, job_retry=None)


def check_columns(spec: TableSpec, dry: bigquery.QueryJob) -> None:
    """The columns of a query must be the declared ones, by name and type, in order."""
    found = [*resources.column_types(dry.schema or ()).items()]
    declared = [*spec.schema.items()]
    if found != declared:
        wrong = [
            f"{have[0]} {have[1]} where model.yaml says {want[0]} {want[1]}"
            for have, want in zip(found, declared, strict=False)
            if have != want
        ]
        raise WarehouseError(
            f"{spec.name}: the query gives {len(found)} columns, model.yaml has {len(declared)};"
            f" {'; '.join(wrong[:5]) or 'the first ones agree'}"
        )


def _within_budget(spec: TableSpec, dry: bigquery.QueryJob, maximum_bytes: int) -> int:
    """The least `maximum_bytes_billed` that lets the budget be used up; BudgetError when the query is over it."""
    estimated = int(dry.total_bytes_processed or 0)
    refuse_over_budget(spec, estimated, maximum_bytes)
    return max(maximum_bytes, _LEAST_BILLED * max(1, len(dry.referenced_tables)))
