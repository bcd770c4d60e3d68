"""The BigQuery warehouse: jobs and table resources through `google-cloud-bigquery`, nothing of an engine of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime

import pyarrow as pa
from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.googlesql.rename import rename_tables
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.project.platform import PUBLISHED
from customer360.settings import Parameter
from customer360.warehouse import bigquery_resources as resources
from customer360.warehouse.bigquery_jobs import WAITING, Jobs
from customer360.warehouse.bigquery_loads import Loads
from customer360.warehouse.bigquery_publish import Publishing
from customer360.warehouse.bigquery_sql import query_parameters, read_as_of, tables_read
from customer360.warehouse.bigquery_tables import Tables
from customer360.warehouse.bigquery_upkeep import tidy
from customer360.warehouse.bigquery_writes import Write, Writes
from customer360.warehouse.port import Change, Estimate, JobStats, Publication, RunInfo
from customer360.warehouse.upkeep import Tidied, Upkeep

_PUBLISHED_BY = (
    f"SELECT table_name, MAX(published_at) AS published_at FROM {PUBLISHED.name}"
    " WHERE run_id = @run_id GROUP BY table_name"
)


class BigQueryWarehouse:
    """`client` brings project and credentials (from Airflow's Google provider hook). Jobs and datasets are in
    `location`; every job and every dataset it creates carries `labels`. Personal columns (`pii` in model.yaml) are put
    under `policy_tag`, a resource name such as projects/p/locations/eu/taxonomies/1/policyTags/2. No query bills more
    than `budget_bytes`."""

    engine = "bigquery"

    def __init__(
        self,
        client: bigquery.Client,
        *,
        location: str,
        labels: Mapping[str, str] | None = None,
        policy_tag: str | None = None,
        budget_bytes: int | None = None,
    ) -> None:
        self.client = client
        self._jobs = Jobs(client, location, labels or {})
        self._budget_bytes = budget_bytes
        self._tables = Tables(client, self._jobs, policy_tag)
        self._loads = Loads(client, self._jobs, self._tables)
        self._writes = Writes(client, self._jobs, self._tables)

    def work_for(self, run: RunInfo) -> None:
        self._jobs.whose = run

    @contextmanager
    def labelled(self, run: RunInfo) -> Iterator[bigquery.Client]:
        """The client for the queries of others, such as Great Expectations: with the labels and the limit they lack."""
        before = self.client.default_query_job_config
        config = bigquery.QueryJobConfig(labels=self._jobs.labels(run))
        if self._budget_bytes is not None:
            config.maximum_bytes_billed = self._budget_bytes
        self.client.default_query_job_config = config
        try:
            yield self.client
        finally:
            self.client.default_query_job_config = before

    def close(self) -> None:
        self.client.close()

    # -- tables

    def ensure(self, tables: Iterable[TableSpec]) -> list[TableName]:
        return self._tables.ensure(tables)

    def changes(self, tables: Iterable[TableSpec], *, replaced: bool = False) -> list[Change]:
        """See the port. What breaks those who read a table is refused for models too, though a publish could do it."""
        return self._tables.changes(tables)

    def columns(self, name: TableName) -> dict[str, str] | None:
        table = self._tables.find(name)
        return None if table is None else resources.column_types(table.schema)

    def row_counts(self, names: Iterable[TableName]) -> dict[TableName, int]:
        """See the port. The rows of a view are counted by a query."""
        counts: dict[TableName, int] = {}
        for name in names:
            table = self._tables.find(name)
            if table is not None and table.table_type == "VIEW":
                counts[name] = self.query(f"SELECT COUNT(*) AS row_count FROM {name}")["row_count"][0].as_py()
            elif table is not None:
                counts[name] = int(table.num_rows or 0)
        return counts

    def drop(self, names: Iterable[TableName]) -> None:
        self._tables.drop(names)

    def temporary(self, name: TableName) -> TableName:
        """See the port. A table as any other: sessions' temporary tables would tie all jobs to one session."""
        return name

    def tables(self, dataset: str) -> list[TableName]:
        return self._tables.names(dataset)

    def maintain(self, upkeep: Upkeep, *, dry_run: bool = False) -> Tidied:
        return tidy(self.client, self._jobs, self._tables, upkeep, dry_run=dry_run)

    # -- writing

    def load(
        self, spec: TableSpec, files: Sequence[str], *, partition: date | None = None, run: RunInfo | None = None
    ) -> JobStats:
        return self._loads.load(spec, files, partition, run)

    def append(self, spec: TableSpec, rows: pa.Table) -> None:
        self._loads.append(spec, rows, self._jobs.name(None), None)

    def versions(self, names: Iterable[TableName]) -> dict[TableName, str]:
        found = {name: self._tables.find(name) for name in names}
        return {name: f"{table.modified:%Y%m%d-%H%M%S-%f}" for name, table in found.items() if table and table.modified}

    def publish(
        self,
        publications: Sequence[Publication],
        *,
        run: RunInfo,
        log: Mapping[TableSpec, pa.Table] | None = None,
        check: Callable[[], None] | None = None,
    ) -> dict[TableName, JobStats]:
        if check:
            check()
        return Publishing(self.client, self._jobs, self._tables, self._loads, run).publish(publications, log or {})

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
        renamed = _renamed(sql, renames)
        write = Write(spec, target or spec.name, renamed, parameters or {}, maximum_bytes, run, partitions)
        return self._writes.run(write) if job_id is None else self._writes.finish(write, job_id)

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
        renamed = _renamed(sql, renames)
        write = Write(spec, target or spec.name, renamed, parameters or {}, maximum_bytes, run, partitions)
        return str(self._writes.submit(write).job.job_id)

    def is_running(self, job_id: str) -> bool:
        with self._jobs.errors("look at a job", job_id):
            job = self._jobs.find(job_id)
        return job is not None and job.state != "DONE"

    def job_url(self, job_id: str) -> str | None:
        return self._jobs.url(job_id)

    def cancel(self, job_id: str | None = None) -> list[str]:
        return self._jobs.cancel(job_id)

    def create_view(self, spec: TableSpec, sql: str) -> None:
        self._writes.view(spec, sql)

    # -- reading

    def query(
        self,
        sql: str,
        *,
        parameters: Mapping[str, Parameter] | None = None,
        renames: Mapping[TableName, TableName] | None = None,
        as_of: str | datetime | None = None,
    ) -> pa.Table:
        sql = _renamed(sql, renames)
        if as_of is not None:
            sql = read_as_of(sql, self._moments(tables_read(sql), as_of))
        doing = f"query of {', '.join(sorted(map(str, tables_read(sql)))) or 'no table'}"
        bound = query_parameters(sql, parameters or {})
        config = bigquery.QueryJobConfig(query_parameters=bound, labels=self._jobs.labels(None))
        with self._jobs.errors(doing):
            # Reading may be repeated, so here the client may start it again: it makes a new id for each try.
            job = self.client.query(sql, job_id_prefix="c360-query-", location=self._jobs.location, job_config=config)
        with self._jobs.errors(doing, job.job_id), self._jobs.cancellable(job.job_id):
            job.result(retry=WAITING)
            return job.result().to_arrow(create_bqstorage_client=False)

    def _moments(self, names: Iterable[TableName], as_of: str | datetime) -> dict[TableName, datetime]:
        """When to read each table: for a run, when it had published that table, or its last one."""
        if isinstance(as_of, datetime):
            return dict.fromkeys(names, as_of)
        rows = self.query(_PUBLISHED_BY, parameters={"run_id": Parameter("STRING", as_of)}).to_pylist()
        if not rows:
            raise WarehouseError(f"the run {as_of} has published nothing; {PUBLISHED.name} lists the runs that have")
        at: dict[str, datetime] = {row["table_name"]: row["published_at"] for row in rows}
        return {name: at.get(str(name), max(at.values())) for name in names}

    def estimate(self, sql: str, *, parameters: Mapping[str, Parameter] | None = None) -> Estimate:
        dry = self._writes.dry_run(sql, query_parameters(sql, parameters or {}), doing="estimate")
        return Estimate(int(dry.total_bytes_processed or 0), columns=resources.column_types(dry.schema or ()))


def _renamed(sql: str, renames: Mapping[TableName, TableName] | None) -> str:
    return rename_tables(sql, {str(old): str(new) for old, new in renames.items()}) if renames else sql
