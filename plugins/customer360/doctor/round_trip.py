"""One row through all that a run does, by the operations that a run uses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from customer360.doctor.bucket import ON_OBJECTS
from customer360.doctor.checks import Check, Finding, failed, passed
from customer360.doctor.patient import Patient
from customer360.doctor.permissions import ON_TABLES
from customer360.errors import WarehouseError
from customer360.project import Column, Partition, TableName, TableSpec
from customer360.settings import Parameter
from customer360.warehouse.port import JobStats, Publication, RunInfo

_BUDGET = 100 * 2**20  # bytes; the queries read one row


def checks(patient: Patient) -> list[Check]:
    trip = _RoundTrip(patient)
    group = "Round trip"
    rights = ("bigquery.jobs.create", *ON_TABLES, *(ON_OBJECTS if patient.bucket else ()))
    rights += ("policy tag",) if patient.settings.google_policy_tag else ()
    return [
        patient.check(group, "load", lambda _: trip.load(), *rights),
        patient.check(group, "query", lambda _: trip.query(), "load"),
        patient.check(group, "candidate", lambda _: trip.write(), "load"),
        patient.check(group, "publish", lambda _: trip.publish(), "candidate"),
        patient.check(group, "read back", lambda _: trip.read_back(), "publish"),
        patient.check(group, "job ids and labels", lambda _: trip.publish_again(), "publish"),
        patient.check(group, "time travel", lambda _: trip.travel(), "read back"),
        patient.check(group, "delete", lambda _: trip.delete(), "load"),
    ]


class _RoundTrip:
    def __init__(self, patient: Patient) -> None:
        self.patient = patient
        now = patient.now()
        self.run = RunInfo(f"doctor__{patient.token}", now.date(), dag_id="c360", task_id="doctor")
        self.row: dict[str, Any] = {
            "note": "Zoë's first row",
            "amount": Decimal("1234567.890123456"),
            "seen_at": now.replace(microsecond=123456),
            "day": now.date(),
        }
        self.published: JobStats | None = None

    def _spec(self, name: str) -> TableSpec:
        tagged = bool(self.patient.settings.google_policy_tag)
        return TableSpec(
            self.patient.scratch(name),
            (
                Column("note", "STRING", "What was written.", pii=tagged),
                Column("amount", "NUMERIC", "A number."),
                Column("seen_at", "TIMESTAMP", "When."),
                Column("day", "DATE", "The partition."),
            ),
            "One row per visit of c360 doctor.",
            partition=Partition("day"),
        )

    @property
    def _raw(self) -> TableSpec:
        return self._spec("raw")

    @property
    def _table(self) -> TableSpec:
        return self._spec("table")

    @property
    def _log(self) -> TableSpec:
        return TableSpec(self.patient.scratch("log"), (Column("note", "STRING", "A line."),), "One row per publish.")

    @property
    def _candidate(self) -> TableName:
        return self._table.name.candidate(self.run.run_date)

    def _parquet(self, folder: str, note: str) -> Path:
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = Path(folder) / "row.parquet"
        pq.write_table(pa.Table.from_pylist([self.row | {"note": note}], schema=self._raw.arrow_schema), file)
        return file

    def _rows(self, name: TableName, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """The rows of this visit's day, as they were written."""
        columns = ", ".join(self.row)
        rows = self.patient.warehouse.query(
            f"SELECT {columns} FROM {name} WHERE day = @run_date",
            parameters={"run_date": Parameter("DATE", self.run.run_date)},
            as_of=as_of,
        )
        found: list[dict[str, Any]] = rows.to_pylist()
        return found

    def _compare(self, found: list[dict[str, Any]], note: str) -> None:
        wanted = [self.row | {"note": note}]
        if found != wanted:
            raise WarehouseError(f"written was {wanted}, read was {found}")

    # -- steps

    def load(self) -> Finding:
        patient = self.patient
        for spec in (self._raw, self._table, self._log):  # before the operations do: with an expiration
            patient.make_table(spec)
        with TemporaryDirectory() as folder:
            file = self._parquet(folder, self.row["note"])
            source = str(file)
            if patient.landing is not None:
                name = TableName("c360_doctor", patient.token)
                source = patient.will_land(patient.landing.address(name, self.run.run_date, "row"))
                patient.landing.place(file, source)
            stats = patient.warehouse.load(self._raw, [source], partition=self.run.run_date, run=self.run)
        if stats.rows != 1:
            raise WarehouseError(f"one row was loaded into {self._raw.name}, BigQuery counts {stats.rows}")
        if patient.landing is not None:
            patient.unland(source)
        return passed(f"one row of Parquet, {f'through gs://{patient.bucket}' if patient.bucket else 'uploaded'}")

    def query(self) -> Finding:
        self._compare(self._rows(self._raw.name), self.row["note"])
        return passed("text, NUMERIC with nine decimals, microseconds and the date are as written")

    def write(self) -> Finding:
        warehouse = self.patient.warehouse
        self.patient.will_make(self._candidate)
        stats = warehouse.write(
            self._table,
            f"SELECT {', '.join(self.row)} FROM {self._raw.name} WHERE day = @run_date",
            target=self._candidate,
            parameters={"run_date": Parameter("DATE", self.run.run_date)},
            maximum_bytes=_BUDGET,
            run=self.run,
        )
        return passed(f"by a query job: {_billed(stats)}")

    def publish(self) -> Finding:
        self.published = self._publish().get(self._table.name)
        if self.published is None:
            raise WarehouseError(f"{self._table.name} was taken for published before it was")
        return passed("by a copy job, then a line in a log")

    def _publish(self) -> dict[TableName, JobStats]:
        import pyarrow as pa

        line = pa.table({"note": ["published"]}, schema=self._log.arrow_schema)
        to_publish = [Publication(self._table, self._candidate)]
        return self.patient.warehouse.publish(to_publish, run=self.run, log={self._log: line})

    def read_back(self) -> Finding:
        self._compare(self._rows(self._table.name), self.row["note"])
        return passed("the published row is the one that was loaded")

    def publish_again(self) -> Finding:
        """A task that is run again must find the jobs of its first try by their ids."""
        again = self._publish()
        lines = self.patient.warehouse.query(f"SELECT note FROM {self._log.name}").num_rows
        if again or lines != 1:
            raise WarehouseError(f"publishing twice copied again: {sorted(map(str, again))}, {lines} lines in the log")
        assert self.published is not None
        assert self.published.job_id is not None
        with self.patient.asking("look at the copy job"):
            job = self.patient.client.get_job(self.published.job_id, location=self.patient.settings.google_location)
        wanted = {"dag": "c360", "task": "doctor", "run_date": self.run.run_date.isoformat()}
        if wanted.items() - job.labels.items():
            return failed(
                f"the copy job has the labels {job.labels}, not {wanted}",
                "Costs are told apart by these labels. BigQuery drops none by itself: does a proxy stand between?",
            )
        return passed("publishing again found the first job by its id and copied nothing; labels are on it")

    def travel(self) -> Finding:
        """Overwrite the published row, then read what stood before."""
        assert self.published is not None
        assert self.published.job_id is not None
        with self.patient.asking("look at the copy job"):
            job = self.patient.client.get_job(self.published.job_id, location=self.patient.settings.google_location)
        assert isinstance(job.ended, datetime)
        with TemporaryDirectory() as folder:
            file = self._parquet(folder, "second row")
            self.patient.warehouse.load(self._table, [str(file)], run=self.run)
        self._compare(self._rows(self._table.name), "second row")
        at = job.ended.astimezone(UTC) + timedelta(milliseconds=1)  # job times are cut to milliseconds
        self._compare(self._rows(self._table.name, as_of=at), self.row["note"])
        return passed("overwritten, and read as it was before")

    def delete(self) -> Finding:
        names = (self._raw.name, self._table.name, self._log.name, self._candidate)
        for name in names:
            self.patient.drop(name)
        return passed(f"{len(names)} tables")


def _billed(stats: JobStats) -> str:
    return f"{stats.bytes_processed or 0:,} bytes read, {stats.bytes_billed or 0:,} billed"
