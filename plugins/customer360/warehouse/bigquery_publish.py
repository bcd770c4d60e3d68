"""Publishing: one atomic copy job per table, then the log, then the candidates go."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pyarrow as pa
from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.project.platform import PUBLISHED
from customer360.warehouse import bigquery_resources
from customer360.warehouse.bigquery_differences import refuse_differences
from customer360.warehouse.bigquery_jobs import CONTENT, Job, Jobs, Step
from customer360.warehouse.bigquery_loads import Loads
from customer360.warehouse.bigquery_tables import Tables
from customer360.warehouse.port import JobStats, Publication, RunInfo


class Publishing:
    """Makes one run's candidates what people read. May be killed and run again at any point."""

    def __init__(self, client: bigquery.Client, jobs: Jobs, tables: Tables, loads: Loads, run: RunInfo) -> None:
        self.client, self.jobs, self.tables, self.loads, self.run = client, jobs, tables, loads, run
        self._labels: dict[TableName, dict[str, str]] = {}  # of the tables, before

    def publish(
        self, publications: Sequence[Publication], log: Mapping[TableSpec, pa.Table]
    ) -> dict[TableName, JobStats]:
        """Copy all, in parallel. If some copies fail, the log names the tables that changed, and an error is raised."""
        self.tables.ensure(log)
        ended: dict[TableName, datetime | None] = {}
        versions: dict[TableName, str] = {}
        waiting = []
        for publication in publications:
            name = publication.spec.name
            ready, versions[name] = self._look(publication)
            if ready:
                waiting.append((publication, self._step(publication, versions[name])))
            else:
                ended[name] = None
        failed: list[WarehouseError] = []
        submitted = []
        for p, step in waiting:
            try:
                submitted.append((p, step, self.jobs.submit(step)))
            except WarehouseError as error:
                failed.append(error)
                break  # what is under way is still waited for, and logged
        stats: dict[TableName, JobStats] = {}
        for p, step, submission in submitted:
            try:
                job = self.jobs.finish(submission, step)
                ended[p.spec.name] = job.ended
                stats[p.spec.name] = self._finished(p, job)
            except WarehouseError as error:
                failed.append(error)
        self._append_log(log, ended, versions)
        if failed:
            together = WarehouseError("\n".join(map(str, failed)))
            together.retry_helps = all(error.retry_helps for error in failed)
            raise together from failed[0]
        self.tables.drop(p.candidate for p in publications)
        return stats

    def _finished(self, publication: Publication, job: Job) -> JobStats:
        spec = publication.spec
        with self.jobs.errors(f"describe {spec.name}"):
            table = self.tables.known(self.tables.reference(spec.name))
            candidate = self.tables.find(publication.candidate)
            if table.expires and candidate and table.expires == candidate.expires:
                # A copy does not take the expiration, says Google; a published table that vanished would be worse than
                # asking.
                table.expires = None
                table = self.client.update_table(table, ["expires"])
            if lost := self._labels.get(spec.name, {}).items() - table.labels.items():
                table.labels = dict(lost) | table.labels  # what others set; a copy brings the candidate's, or none
                table = self.client.update_table(table, ["labels"])
            self.tables.refresh(table, spec)
        began = time.monotonic()
        if job.started and job.ended:
            began -= (job.ended - job.started).total_seconds()
        return self.jobs.stats(job, began, rows=int(table.num_rows or 0), processed=None)

    def _look(self, publication: Publication) -> tuple[bool, str]:
        """Whether to copy, False for what an earlier try of this task has copied; and when the candidate was written.

        Refuses what cannot be published before anything is.
        """
        spec, name = publication.spec, publication.candidate
        candidate = self.tables.find(name)
        if candidate is None:
            if job := self.jobs.succeeded(self._name(publication)):
                return False, job.labels.get(CONTENT, "")
            raise WarehouseError(f"{_doing(publication)}: its candidate {name} does not exist; write it first")
        refuse_differences(candidate, spec)
        version = f"{candidate.modified:%Y%m%d-%H%M%S-%f}" if candidate.modified else ""
        if publication.partition is None:
            published = self.tables.find(spec.name)
            if published is not None:
                refuse_differences(published, spec)
                self._labels[spec.name] = dict(published.labels)
            return True, version
        self.tables.ensure([spec])
        suffix = bigquery_resources.partition_id(spec, publication.partition)
        inside = self.tables.find(name, suffix)
        if inside is None or inside.num_rows != candidate.num_rows:
            raise WarehouseError(f"{_doing(publication)}: {name} has rows outside of its partition {suffix}")
        return True, version

    def _name(self, publication: Publication) -> str:
        to = f"{publication.spec.name}{_suffix(publication)}"
        return self.jobs.name(self.run, "publish", str(publication.candidate), to)

    def _step(self, publication: Publication, version: str) -> Step:
        suffix = _suffix(publication)
        config = bigquery.CopyJobConfig(
            write_disposition="WRITE_TRUNCATE",
            create_disposition="CREATE_IF_NEEDED",
            labels=self.jobs.labels(self.run, publication.spec.name, version),
        )

        def start(job_id: str) -> Job:
            return self.client.copy_table(
                self.tables.reference(publication.candidate, suffix),
                self.tables.reference(publication.spec.name, suffix),
                job_id=job_id,
                location=self.jobs.location,
                job_config=config,
            )

        return Step(self._name(publication), _doing(publication), start, version)

    def _append_log(
        self,
        log: Mapping[TableSpec, pa.Table],
        ended: Mapping[TableName, datetime | None],
        versions: Mapping[TableName, str],
    ) -> None:
        """Append once per content: tries differ by the time of now, a candidate that was written again is another."""
        for spec, rows in log.items():
            stamped = _stamped(rows, ended) if spec.name == PUBLISHED.name else rows
            lasting = stamped.select([column for column in stamped.column_names if not column.endswith("_at")])
            written = sorted((str(table), version) for table, version in versions.items())
            name = self.jobs.name(self.run, "append", str(spec.name), lasting.to_pylist(), written)
            self.loads.append(spec, stamped, name, self.run)


def _doing(publication: Publication) -> str:
    return f"publish {publication.spec.name}{_suffix(publication)}"


def _suffix(publication: Publication) -> str:
    day = publication.partition
    return "" if day is None else bigquery_resources.partition_id(publication.spec, day)


def _stamped(rows: pa.Table, ended: Mapping[TableName, datetime | None]) -> pa.Table:
    """The rows of the tables that were copied, published when their copy had ended: reading as of then must see it.

    Job times are cut to milliseconds, so the next one is surely after it.
    """
    at_of = {str(table): at for table, at in ended.items()}
    kept = [row for row in rows.to_pylist() if row["table_name"] in at_of]
    for row in kept:
        if at := at_of[row["table_name"]]:
            row["published_at"] = at + timedelta(milliseconds=1)
    return pa.Table.from_pylist(kept, schema=rows.schema)
