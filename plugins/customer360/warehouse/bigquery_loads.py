"""Load jobs: Parquet from a bucket, from this machine's files, or from Arrow rows."""

from __future__ import annotations

import io
import random
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import date
from typing import IO

import pyarrow as pa
from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.project.model import TableSpec
from customer360.warehouse import bigquery_files, bigquery_resources
from customer360.warehouse.bigquery_errors import throttled
from customer360.warehouse.bigquery_jobs import Job, Jobs, Step
from customer360.warehouse.bigquery_tables import Tables
from customer360.warehouse.port import JobStats, RunInfo

# Google takes about one change of a table every two seconds; tasks that end together append to ops.* together.
_PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0)


class Loads:
    """One load is one job, so it replaces its table or partition as a whole or leaves it."""

    def __init__(self, client: bigquery.Client, jobs: Jobs, tables: Tables) -> None:
        self.client, self.jobs, self.tables = client, jobs, tables

    def load(self, spec: TableSpec, files: Sequence[str], partition: date | None, run: RunInfo | None) -> JobStats:
        """Replace a table, or one partition, by the rows of Parquet files."""
        started = time.monotonic()
        suffix = "" if partition is None else bigquery_resources.partition_id(spec, partition)
        remote = [file for file in files if "://" in file]
        if remote and len(remote) < len(files):
            raise WarehouseError(f"load {spec.name}: {remote[0]} is in a bucket, others are not; put all in one place")
        self.tables.ensure([spec])
        to = self.tables.reference(spec.name, suffix)
        # What lies at an address may be another file than a moment ago: a job that another try left is never this one.
        content = uuid.uuid4().hex if remote else bigquery_files.content_digest(files)
        config = self._config(spec, "WRITE_TRUNCATE", run, content)
        start = self._from_bucket(files, to, config) if remote else self._from_files(spec, files, to, config)
        name = self.jobs.name(run, "load", str(spec.name), suffix)
        job = self.jobs.run(Step(name, f"load {spec.name}{suffix}", start, content))
        assert isinstance(job, bigquery.LoadJob)
        return self.jobs.stats(job, started, rows=int(job.output_rows or 0), processed=job.input_file_bytes)

    def append(self, spec: TableSpec, rows: pa.Table, name: str, run: RunInfo | None) -> None:
        """Append rows in the job `name`; a `name` that has succeeded before is not appended again."""
        self.tables.ensure([spec])
        if rows.num_rows == 0:
            return
        content = bigquery_files.parquet_bytes(spec, rows)
        to = self.tables.reference(spec.name)
        config = self._config(spec, "WRITE_APPEND", run, None)

        def start(job_id: str) -> Job:
            upload = io.BytesIO(content)
            return self._upload(upload, len(content), to, job_id, config)

        step = Step(name, f"append to {spec.name}", start)
        for pause in (*_PAUSES, None):
            try:
                self.jobs.run(step, once=True)
                return
            except WarehouseError as error:
                if pause is None or not throttled(error.__cause__):
                    raise
                time.sleep(pause * random.uniform(0.5, 1.5))

    def _config(
        self, spec: TableSpec, disposition: str, run: RunInfo | None, content: str | None
    ) -> bigquery.LoadJobConfig:
        # Partitioning and clustering are said again: WRITE_TRUNCATE without them is refused as a change of them.
        lists = bigquery.ParquetOptions()
        lists.enable_list_inference = True
        return bigquery.LoadJobConfig(
            source_format="PARQUET",
            write_disposition=disposition,
            schema=bigquery_resources.schema_fields(spec.columns, self.tables.policy_tag),
            parquet_options=lists,
            labels=self.jobs.labels(run, spec.name, content),
            **bigquery_resources.layout(spec),
        )

    def _from_bucket(
        self, files: Sequence[str], to: bigquery.TableReference, config: bigquery.LoadJobConfig
    ) -> Callable[[str], Job]:
        def start(job_id: str) -> Job:
            return self.client.load_table_from_uri(
                list(files), to, job_id=job_id, location=self.jobs.location, job_config=config
            )

        return start

    def _from_files(
        self, spec: TableSpec, files: Sequence[str], to: bigquery.TableReference, config: bigquery.LoadJobConfig
    ) -> Callable[[str], Job]:
        def start(job_id: str) -> Job:
            with bigquery_files.one_upload(spec, files) as upload:
                size = upload.seek(0, io.SEEK_END)
                return self._upload(upload, size, to, job_id, config)

        return start

    def _upload(
        self, upload: IO[bytes], size: int, to: bigquery.TableReference, job_id: str, config: bigquery.LoadJobConfig
    ) -> Job:
        return self.client.load_table_from_file(
            upload, to, rewind=True, size=size, job_id=job_id, location=self.jobs.location, job_config=config
        )
