"""The BigQuery warehouse: jobs and table resources through `google-cloud-bigquery`, nothing of an engine of our own.

A write is a dry run (does it compile, are its columns the declared ones, is it within budget), then one job with
WRITE_TRUNCATE, which replaces its destination atomically or leaves it. Publishing is one such copy per table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

import pyarrow as pa
from google.cloud import bigquery

from customer360.errors import BudgetError, WarehouseError
from customer360.googlesql.rename import rename_tables
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.project.platform import PUBLISHED
from customer360.settings import Parameter
from customer360.warehouse import bigquery_resources as resources
from customer360.warehouse.bigquery_jobs import Job, Jobs, label_texts
from customer360.warehouse.bigquery_loads import Loads
from customer360.warehouse.bigquery_publish import Publishing
from customer360.warehouse.bigquery_sql import QueryParameter, query_parameters, read_as_of, tables_read
from customer360.warehouse.bigquery_tables import Tables
from customer360.warehouse.port import Estimate, JobStats, Publication, RunInfo

# BigQuery bills at least this much for every table that a query reads; a lower maximum_bytes_billed fails any query.
_LEAST_BILLED = 10 * 1024 * 1024
_PUBLISHED_BY = (
    f"SELECT table_name, MAX(published_at) AS published_at FROM {PUBLISHED.name}"
    " WHERE run_id = @run_id GROUP BY table_name"
)


class BigQueryWarehouse:
    """`client` brings project and credentials (from Airflow's Google provider hook). Jobs and datasets are in
    `location`; every job and every dataset it creates carries `labels`."""

    engine = "bigquery"

    def __init__(self, client: bigquery.Client, *, location: str, labels: Mapping[str, str] | None = None) -> None:
        self.client = client
        self._jobs = Jobs(client, location, labels or {})
        self._tables = Tables(client, self._jobs)
        self._loads = Loads(client, self._jobs, self._tables)

    def close(self) -> None:
        self.client.close()

    # -- tables

    def ensure(self, tables: Iterable[TableSpec]) -> list[TableName]:
        return self._tables.ensure(tables)

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

    def tables(self, dataset: str) -> list[TableName]:
        return self._tables.names(dataset)

    # -- writing

    def load(
        self, spec: TableSpec, files: Sequence[str], *, partition: date | None = None, run: RunInfo | None = None
    ) -> JobStats:
        return self._loads.load(spec, files, partition, run)

    def append(self, spec: TableSpec, rows: pa.Table) -> None:
        self._loads.append(spec, rows, self._jobs.name(None), None)

    def publish(
        self, publications: Sequence[Publication], *, run: RunInfo, log: Mapping[TableSpec, pa.Table] | None = None
    ) -> None:
        Publishing(self.client, self._jobs, self._tables, self._loads, run).publish(publications, log or {})

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
    ) -> JobStats:
        started = time.monotonic()
        name = target or spec.name
        sql = _renamed(sql, renames)
        bound = query_parameters(sql, parameters or {})
        dry = self._dry_run(sql, bound, doing=f"write {name}")
        _check_columns(spec, dry)
        config = bigquery.QueryJobConfig(
            query_parameters=bound,
            destination=self._tables.reference(name),
            write_disposition="WRITE_TRUNCATE",
            create_disposition="CREATE_IF_NEEDED",
            labels=self._jobs.labels(run, spec.name),
            **resources.layout(spec),
        )
        if maximum_bytes is not None:
            config.maximum_bytes_billed = _within_budget(spec, dry, maximum_bytes)
        self._make_room(spec, name)
        content = ["write", str(name), sql, [parameter.to_api_repr() for parameter in bound]]
        job = self._jobs.run(self._jobs.name(run, *content), self._start(sql, config), doing=f"write {name}")
        with self._jobs.errors(f"describe {name}", job.job_id):
            # WRITE_TRUNCATE took the query's schema, which has no descriptions.
            table = self.client.get_table(self._tables.reference(name))
            self._tables.refresh(table, spec)
        assert isinstance(job, bigquery.QueryJob)
        return self._jobs.stats(job, started, rows=int(table.num_rows or 0), processed=job.total_bytes_processed)

    def _make_room(self, spec: TableSpec, name: TableName) -> None:
        """Make the dataset; drop a candidate that an earlier version of the model left with other partitions."""
        self._tables.ensure_dataset(name.dataset)
        table = self._tables.find(name)
        if table is not None and (table.table_type != "TABLE" or not resources.same_layout(table, spec)):
            if name == spec.name:
                resources.refuse_differences(table, spec)
            self._tables.drop([name])

    def _start(self, sql: str, config: bigquery.QueryJobConfig) -> Callable[[str], Job]:
        def start(job_id: str) -> Job:
            # With an id of our own the client cannot start a failed query again by itself: Jobs does.
            return self.client.query(
                sql, job_id=job_id, location=self._jobs.location, job_config=config, job_retry=None
            )

        return start

    def create_view(self, spec: TableSpec, sql: str) -> None:
        dry = self._dry_run(sql, query_parameters(sql, {}), doing=f"create view {spec.name}")
        _check_columns(spec, dry)
        self._tables.ensure_dataset(spec.name.dataset)
        existing = self._tables.find(spec.name)
        if existing is not None and existing.table_type != "VIEW":
            raise WarehouseError(f"{spec.name} is a {existing.table_type} in BigQuery, not a view: drop it first")
        # People query views from other projects: a view says whose tables it means.
        project = self.client.project
        view = bigquery.Table(self._tables.reference(spec.name))
        view.view_query = rename_tables(sql, {str(name): f"`{project}`.{name}" for name in tables_read(sql)})
        view.description = spec.description
        view.labels = label_texts(dict(spec.labels))
        with self._jobs.errors(f"create view {spec.name}"):
            if existing is None:
                view = self.client.create_table(view)
            else:
                view = self.client.update_table(view, ["view_query", "description", "labels"])
            # A view is created without a schema; its columns' descriptions come after.
            self._tables.refresh(view, spec)

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
        bound = query_parameters(sql, parameters or {})
        config = bigquery.QueryJobConfig(query_parameters=bound, labels=self._jobs.labels(None))
        with self._jobs.errors("query"):
            # Reading may be repeated, so here the client may start it again: it makes a new id for each try.
            job = self.client.query(sql, job_id_prefix="c360-query-", location=self._jobs.location, job_config=config)
        with self._jobs.errors("query", job.job_id):
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
        dry = self._dry_run(sql, query_parameters(sql, parameters or {}), doing="estimate")
        return Estimate(int(dry.total_bytes_processed or 0))

    def _dry_run(self, sql: str, bound: Sequence[QueryParameter], *, doing: str) -> bigquery.QueryJob:
        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, query_parameters=bound)
        with self._jobs.errors(doing):
            return self.client.query(sql, location=self._jobs.location, job_config=config)


def _renamed(sql: str, renames: Mapping[TableName, TableName] | None) -> str:
    return rename_tables(sql, {str(old): str(new) for old, new in renames.items()}) if renames else sql


def _check_columns(spec: TableSpec, dry: bigquery.QueryJob) -> None:
    """The query's own names and types must be the declared ones: WRITE_TRUNCATE would take any."""
    found = list(resources.column_types(dry.schema or []).items())
    declared = list(spec.schema.items())
    if found != declared:
        pairs = zip(found, declared, strict=False)
        wrong = [f"{have} where model.yaml says {want}" for have, want in pairs if have != want]
        raise WarehouseError(
            f"{spec.name}: the query gives {len(found)} columns, model.yaml has {len(declared)};"
            f" {'; '.join(wrong[:5]) or 'the first ones agree'}"
        )


def _within_budget(spec: TableSpec, dry: bigquery.QueryJob, maximum_bytes: int) -> int:
    """The least `maximum_bytes_billed` that lets the budget be used up; BudgetError when the query is over it."""
    estimated = int(dry.total_bytes_processed or 0)
    if estimated > maximum_bytes:
        raise BudgetError(
            f"{spec.name} would read {estimated:,} bytes, its budget is {maximum_bytes:,}:"
            " read fewer columns or partitions, or raise budget_bytes in model.yaml"
        )
    return max(maximum_bytes, _LEAST_BILLED * max(1, len(dry.referenced_tables)))
