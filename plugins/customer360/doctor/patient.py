"""A deployment on BigQuery while it is examined: what is known of it so far, and everything that must go at the end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from customer360.doctor.checks import Advice, Check, Finding, Status
from customer360.doctor.refusals import UNKNOWN, Deployment, advise, in_googles_words, refusal
from customer360.errors import Customer360Error
from customer360.project import Project, TableName, TableSpec
from customer360.settings import Settings
from customer360.sources.landing import Landing

if TYPE_CHECKING:
    from google.cloud import bigquery

    from customer360.warehouse.bigquery import BigQueryWarehouse

# What is left by a doctor that was killed (kill -9) is gone after this.
_LIFE = timedelta(hours=1)
_PATIENCE = 15.0  # seconds for jobs that were under way to stop
_UNEXPECTED = Advice(
    "Google refused nothing, but the answer is not what it should be: a fault in this project, or something between it"
    " and Google. Please report it with what `c360 doctor --json` prints."
)


@dataclass
class Patient:
    """`open_warehouse` and `open_landing` connect as the pipeline does; `now` is this machine's clock."""

    settings: Settings
    project: Project
    open_warehouse: Callable[[Settings], BigQueryWarehouse]
    open_landing: Callable[[Settings], Landing]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    member: str = UNKNOWN
    opened: BigQueryWarehouse | None = None
    landing: Landing | None = None
    server_time: datetime | None = None
    existing: dict[str, bigquery.Dataset] = field(default_factory=dict)
    place: str | None = None
    denied: frozenset[str] = frozenset()
    _datasets: set[str] = field(default_factory=set)
    _tables: set[TableName] = field(default_factory=set)
    _objects: set[str] = field(default_factory=set)

    # -- what it is

    @property
    def warehouse(self) -> BigQueryWarehouse:
        assert self.opened is not None, "checks that need it come after the one that opens it"
        return self.opened

    @property
    def client(self) -> bigquery.Client:
        return self.warehouse.client

    @property
    def google_project(self) -> str:
        return self.client.project if self.opened else self.settings.google_project or "PROJECT"

    @property
    def bucket(self) -> str:
        """Name of the landing bucket; empty where extracts land in a folder."""
        zone = self.settings.landing_zone
        return zone.removeprefix("gs://").partition("/")[0] if zone.startswith("gs://") else ""

    @property
    def datasets(self) -> list[str]:
        """The datasets that a run of this project uses, in the order in which it fills them."""
        layers = self.project.graph.layers()
        raw = sorted({name.dataset for name in self.project.contracts})
        return list(dict.fromkeys([*raw, "quarantine", *layers, "ops"]))

    @property
    def scratch_dataset(self) -> str:
        return f"c360_doctor_{self.token}"

    def dataset(self, name: str) -> bigquery.DatasetReference:
        from google.cloud import bigquery

        return bigquery.DatasetReference(self.client.project, name)

    def scratch(self, name: str) -> TableName:
        """A table of the doctor's own, in the dataset it works in."""
        assert self.place is not None, "checks that need it come after the one that finds a place"
        return TableName(self.place, f"c360_doctor_{self.token}_{name}")

    # -- checks and errors

    def check(
        self,
        group: str,
        name: str,
        run: Callable[[Patient], Finding],
        *needs: str,
        permission: str = "",
    ) -> Check:
        """A check of this patient; `permission` is what its refusal means where Google does not say."""

        def explain(error: Customer360Error) -> Finding:
            found = refusal(error)
            if found is None:
                return Finding(Status.FAILED, str(error), _UNEXPECTED)
            at = Deployment(
                self.google_project, self.settings.google_location, self.member, self.bucket,
                self.settings.google_connection,
            )  # fmt: skip
            own = self.place == self.scratch_dataset
            advice = advise(found, at, permission=permission, dataset="" if own else self.place or "")
            return Finding(Status.FAILED, in_googles_words(error, found), advice)

        return Check(group, name, lambda: run(self), needs, explain)

    @contextmanager
    def asking(self, doing: str) -> Iterator[None]:
        """Google's errors as the warehouse's, for requests that the warehouse has no operation for."""
        from customer360.warehouse.bigquery_jobs import Jobs

        with Jobs(self.client, self.settings.google_location, {}).errors(doing):
            yield

    # -- what it touches

    def make_dataset(self) -> bigquery.Dataset:
        """An empty dataset whose tables go by themselves."""
        from google.cloud import bigquery

        new = bigquery.Dataset(self.dataset(self.scratch_dataset))
        new.location = self.settings.google_location
        new.description = "Made by c360 doctor to see whether it may; to be deleted."
        new.default_table_expiration_ms = int(_LIFE.total_seconds() * 1000)
        self._datasets.add(self.scratch_dataset)
        with self.asking(f"create dataset {self.scratch_dataset}"):
            return self.client.create_dataset(new, exists_ok=True)

    def make_table(self, spec: TableSpec) -> None:
        """An empty table that goes by itself."""
        from customer360.warehouse.bigquery_resources import new_table

        new = new_table(self.dataset(spec.name.dataset).table(spec.name.table), spec)
        new.expires = self.now() + _LIFE
        self._tables.add(spec.name)
        with self.asking(f"create table {spec.name}"):
            self.client.create_table(new, exists_ok=True)

    def will_make(self, name: TableName) -> TableName:
        self._tables.add(name)
        return name

    def will_land(self, target: str) -> str:
        self._objects.add(target)
        return target

    def drop(self, name: TableName) -> None:
        self.warehouse.drop([name])
        self._tables.discard(name)

    def unland(self, target: str) -> None:
        assert self.landing is not None
        self.landing.remove_others(target, keep=False)
        self._objects.discard(target)

    def clean_up(self) -> tuple[list[str], Customer360Error | None]:
        """Delete whatever may be there. Returns what could not be deleted, and the first reason."""
        left: list[str] = []
        first: Customer360Error | None = None
        steps: list[tuple[str, Callable[[], None]]] = [
            *((target, partial(self.unland, target)) for target in sorted(self._objects)),
            *((str(name), partial(self.drop, name)) for name in sorted(self._tables)),
            *((name, partial(self._delete_dataset, name)) for name in sorted(self._datasets)),
        ]
        for what, delete in steps:
            try:
                delete()
            except Customer360Error as error:
                left.append(what)
                first = first or error
        return left, first

    def _delete_dataset(self, name: str) -> None:
        with self.asking(f"delete dataset {name}"):
            self.client.delete_dataset(self.dataset(name), delete_contents=True, not_found_ok=True)
        self._datasets.discard(name)
        self._tables = {table for table in self._tables if table.dataset != name}

    def close(self) -> list[str]:
        """Delete what is still there, also after an error or Ctrl-C. Returns what could not be deleted."""
        if self.opened is None:
            return []
        patience = time.monotonic() + _PATIENCE
        for job_id in self.opened.cancel():  # a job that goes on would make its table again
            with suppress(Customer360Error):
                while self.opened.is_running(job_id) and time.monotonic() < patience:
                    time.sleep(0.2)
        left, _ = self.clean_up()
        self.opened.close()
        return left
