"""A day in small through the production code over real HTTP: each step is a task, tried again as Airflow does it.

A task that fails is tried again by a new worker, with objects of its own, where its error says that a retry helps. Any
other error fails the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from cloud_server import CloudServer, Entry
from google.oauth2 import service_account

from customer360.errors import Customer360Error
from customer360.project.platform import JOBS, OPS_TABLES
from customer360.settings import Parameter
from customer360.sources.landing import BucketLanding
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.costs import jobs_row
from customer360.warehouse.port import Publication
from faults import shop

TRIES = 4
_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_CANDIDATES = {spec.name: spec.name.candidate(shop.SECOND) for spec in (shop.VISITORS, shop.TOTALS)}
_TAG = "projects/test-project/locations/eu/taxonomies/1/policyTags/2"
# Of a try and not of a run: when it was, and which job of how many did it.
_BY_CHANCE = {"published_at", "finished_at", "seconds", "slot_ms", "job_id", "url"}


class Killed(BaseException):
    """The worker's process ends here."""


@dataclass
class Outcome:
    """What a run has come to. `error` is what failed it, `tries` how often each step was begun."""

    tries: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Any] = field(default_factory=dict)
    error: Customer360Error | None = None
    failed: str | None = None
    errors: list[Customer360Error] = field(default_factory=list)


@dataclass
class Worker:
    """One try of one step: connections and a process of its own."""

    server: CloudServer
    step: str
    files: Mapping[str, Path]
    number: int
    credentials: Any

    def __post_init__(self) -> None:
        self.run = shop.run_of(self.step)
        self.client = self.server.client(credentials=self.credentials)
        self.storage = self.server.storage_client(credentials=self.credentials)
        self.warehouse = BigQueryWarehouse(self.client, location="EU", policy_tag=_TAG, budget_bytes=2**40)
        self.landing = BucketLanding(self.storage, "landing", "c360")

    def close(self) -> None:
        self.warehouse.close()
        self.storage.close()

    def dies_after(self, answers: int) -> None:
        """The process ends as that many answers have come."""
        left = [answers]

        def die(*_: Any, **__: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        for client in (self.client, self.storage):
            client._http.hooks["response"].append(die)

    def dies_at(self, method: str) -> None:
        """The process ends as the first answer of a method comes."""

        def die(*_: Any, **__: Any) -> None:
            if self.server.log[-1].method == method:
                raise Killed

        self.client._http.hooks["response"].append(die)

    # -- the steps, written as the build and the sources write them

    def ensure(self) -> None:
        self.warehouse.ensure([shop.VISITS, shop.REFUSED, *OPS_TABLES])

    def _land(self, file: str, day: date) -> None:
        target = self.landing.address(shop.VISITS.name, day, f"try{self.number}")
        self.landing.place(self.files[file], target)
        stats = self.warehouse.load(shop.VISITS, [target], partition=day, run=self.run)
        assert stats.rows == 2
        self.landing.remove_others(target)
        self.warehouse.append(JOBS, jobs_row(self.run, "load", shop.VISITS.name, stats))

    def land_small(self) -> None:
        self.landing.place(self.files["small"], self.landing.address(shop.VISITS.name, shop.FIRST, "earlier"))
        self._land("small", shop.FIRST)

    def land_large(self) -> None:
        self._land("large", shop.SECOND)

    def load_file(self) -> None:
        self.warehouse.load(shop.REFUSED, [str(self.files["refused"])], run=self.run)

    def load_files(self) -> None:
        """Two files, one of them large: one resumable upload."""
        files = [str(self.files["refused"]), str(self.files["refused_large"])]
        self.warehouse.load(shop.REFUSED, files, run=self.run)

    def write_visitors(self) -> None:
        parameters = {"from_date": Parameter("DATE", shop.FIRST), "run_date": Parameter("DATE", shop.SECOND)}
        stats = self.warehouse.write(
            shop.VISITORS,
            shop.VISITORS_SQL,
            target=_CANDIDATES[shop.VISITORS.name],
            parameters=parameters,
            maximum_bytes=2**40,
            run=self.run,
        )
        self.warehouse.append(JOBS, jobs_row(self.run, "write", shop.VISITORS.name, stats))

    def write_totals(self) -> None:
        """As a deferrable task: started, looked at, ended."""
        renames = {shop.VISITORS.name: _CANDIDATES[shop.VISITORS.name]}
        how: Any = {"target": _CANDIDATES[shop.TOTALS.name], "renames": renames, "run": self.run}
        job_id = self.warehouse.start_write(shop.TOTALS, shop.TOTALS_SQL, **how)
        assert job_id is not None
        while self.warehouse.is_running(job_id):
            pass
        stats = self.warehouse.write(shop.TOTALS, shop.TOTALS_SQL, **how, job_id=job_id)
        self.warehouse.append(JOBS, jobs_row(self.run, "write", shop.TOTALS.name, stats))

    def publish(self) -> None:
        """What an earlier try has published is left out: its candidate is gone."""
        found = self.warehouse.row_counts(_CANDIDATES.values())
        counts = {name: found[candidate] for name, candidate in _CANDIDATES.items() if candidate in found}
        assert counts or self.number > 1
        if counts:
            specs = {spec.name: spec for spec in (shop.VISITORS, shop.TOTALS)}
            self.warehouse.publish(
                [Publication(specs[name], _CANDIDATES[name]) for name in counts],
                run=self.run,
                log=shop.published_log(counts, self.run),
            )

    def create_view(self) -> None:
        self.warehouse.create_view(shop.LATEST, shop.LATEST_SQL)

    def read(self) -> dict[str, Any]:
        pages = "SELECT visitor, pages FROM core.visitors ORDER BY visitor"
        return {
            "pages": self.warehouse.query(pages).to_pylist(),
            "as of the run": self.warehouse.query(shop.TOTALS_SQL, as_of=shop.RUN_ID).to_pylist(),
            "tables": sorted(map(str, self.warehouse.tables("core"))),
            "counts": self.warehouse.row_counts([shop.LATEST.name, shop.VISITORS.name]),
        }


STEPS: dict[str, Callable[[Worker], Any]] = {
    step.__name__: step
    for step in (
        Worker.ensure,
        Worker.land_small,
        Worker.land_large,
        Worker.load_file,
        Worker.load_files,
        Worker.write_visitors,
        Worker.write_totals,
        Worker.publish,
        Worker.create_view,
        Worker.read,
    )
}


class Day:
    """The steps against a server. `run` may be called again after a failed run: that is clearing the failed task."""

    def __init__(self, server: CloudServer, files: Mapping[str, Path]) -> None:
        self.server, self.files = server, files
        self.outcome = Outcome()
        self.credentials = service_account.Credentials.from_service_account_file(
            str(server.credentials_file), scopes=_SCOPES
        )
        self.kills: dict[str, int] = {}  # step → after how many answers its next worker is killed
        self._numbers: Counter[str] = Counter()
        self._done: set[str] = set()

    def run(self) -> Outcome:
        self.outcome.error = self.outcome.failed = None
        for name in STEPS:
            if name not in self._done and not self._step(name):
                break
        return self.outcome

    def _step(self, name: str) -> bool:
        for left in reversed(range(TRIES)):
            self.outcome.tries[name] += 1
            self._numbers[name] += 1
            worker = Worker(self.server, name, self.files, self._numbers[name], self.credentials)
            if name in self.kills:
                worker.dies_after(self.kills.pop(name))
            try:
                self.outcome.answers[name] = STEPS[name](worker)
                self._done.add(name)
                return True
            except Killed:
                self.outcome.killed[name] += 1
            except Customer360Error as error:
                self.outcome.errors.append(error)
                if not left or not error.retry_helps:
                    self.outcome.error, self.outcome.failed = error, name
                    return False
            finally:
                worker.close()
        return False

    # -- what it has come to

    def state(self) -> dict[str, Any]:
        """All that people can see: every table's resource and rows, the landing zone, what was answered."""
        server = self.server
        server.end_jobs()  # those that lost workers have left running: what they do late counts too
        rows = {
            f"{dataset}.{table}": [
                {column: value for column, value in row.items() if column not in _BY_CHANCE}
                for row in server.rows(dataset, table)
            ]
            for dataset, table in sorted(server.tables)
        }
        return {
            "rows": rows,
            "tables": {f"{dataset}.{table}": _lasting(found) for (dataset, table), found in server.tables.items()},
            "objects": sorted(name.rpartition("/")[0] for _, name in server.objects),
            "running": [job_id for job_id, job in server.jobs.items() if job["status"]["state"] != "DONE"],
            "answers": {name: answer for name, answer in self.outcome.answers.items() if answer is not None},
        }

    def executions(self) -> Counter[tuple[str, str]]:
        """How many jobs have done their work, by step and what they wrote."""
        done: Counter[tuple[str, str]] = Counter()
        for job_id, times in self.server.executed.items():
            job = self.server.jobs[job_id]
            done[job["configuration"].get("labels", {}).get("task", ""), destination(job)] += times
        return done


def destination(job: Mapping[str, Any]) -> str:
    """`dataset.table` that a job wrote, with its partition; empty for one that only read."""
    return Entry(0, "", {}, {}, {"configuration": job["configuration"]}).destination


def _lasting(table: Mapping[str, Any]) -> dict[str, Any]:
    parts = ("type", "schema", "description", "labels", "timePartitioning", "clustering", "requirePartitionFilter")
    kept = {part: table[part] for part in parts if part in table}
    return kept | {"expires": "expirationTime" in table, "view": table.get("view", {}).get("query")}


def make_files(folder: Path) -> dict[str, Path]:
    """What the sources have extracted."""

    def refused(name: str, raw: bytes) -> Path:
        return shop.parquet(folder, shop.REFUSED, [{"reason": name, "raw": raw}], name)

    names = ("Ada", "Grace"), ("Ada", "Barbara")
    return {
        "small": shop.parquet(folder, shop.VISITS, shop.visits(shop.FIRST, *names[0]), "small"),
        "large": shop.parquet(
            folder,
            shop.VISITS,
            [*shop.visits(shop.SECOND, names[1][0]), *shop.visits(shop.SECOND, names[1][1], picture=shop.large(1))],
            "large",
        ),
        "refused": refused("refused", b"x"),
        "refused_large": refused("refused_large", shop.large(2)),
    }
