"""Days of a shop: by daily runs without Airflow, by Airflow's backfill, by a bulk rebuild; and what each leaves."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from conftest import build_all

from customer360.build import Build
from customer360.cli.main import cli
from customer360.history import customer_360_at
from customer360.orchestration.api import AirflowApi
from customer360.orchestration.components import Components
from customer360.orchestration.headless import DAG_ID
from customer360.project import load_project
from customer360.project.platform import quarantine_spec
from customer360.settings import Settings
from customer360.sources import Connection, check_freshness, load_bindings, load_table
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

Tables = dict[str, "Counter[str]"]
# What tells tries and hours apart, not days.
_OF_THE_LOAD = {"_loaded_at", "_batch_id"}


def until(last: date, days: int) -> list[date]:
    """So many days, the last of them included."""
    return [last - timedelta(days=days - 1 - n) for n in range(days)]


def say(text: str) -> None:
    """Progress of what takes hours, for `pytest -s`."""
    sys.stderr.write(f"{text}\n")


def run_daily(settings: Settings, shop: Path, day: date) -> None:
    """A day's steps in their order, in this process."""
    build = _open(settings, f"daily__{day}", day)
    try:
        build.ensure()
        for system in load_bindings(settings.sources, build.project).values():
            for binding in system.tables.values():
                contract = build.project.contracts[binding.contract]
                load_table(
                    binding, contract, run=build.run, warehouse=build.warehouse, settings=settings,
                    connections=lambda name: Connection("sqlite", database=str(shop / f"{name[5:]}.sqlite")),
                )  # fmt: skip
                check_freshness(binding, contract, run=build.run, warehouse=build.warehouse)
        build_all(build)
    finally:
        build.warehouse.close()


def rebuild(settings: Settings, first: date, last: date) -> None:
    """`c360 rebuild` as somebody types it."""
    done = CliRunner().invoke(
        cli,
        ["rebuild", "--from", str(first), "--to", str(last)],
        env=dict(settings.environment),
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output


def tables(settings: Settings, without: Iterable[str] = ()) -> Tables:
    """The rows of every table that people read, but for the columns that tell when it was loaded, and those."""
    left_out = _OF_THE_LOAD | set(without)
    build = _open(settings, "looking", date.min)
    try:
        refused = [quarantine_spec(contract).name for contract in build.project.contracts.values()]
        found = {}
        for name in (*build.project.contracts, *refused, *build.project.graph.order):
            columns = [f"`{column}`" for column in build.warehouse.columns(name) or {} if column not in left_out]
            assert columns, f"there is no {name}"
            rows = build.warehouse.query(f"SELECT {', '.join(columns)} FROM {name}").to_pylist()
            found[str(name)] = Counter(json.dumps(row, default=str) for row in rows)
        return found
    finally:
        build.warehouse.close()


def as_published(settings: Settings, day: date) -> Counter[str]:
    """Everybody as history says that they were on a day."""
    build = _open(settings, "looking", day)
    try:
        rows = customer_360_at(build.warehouse, settings.home / "sql" / "queries", day).to_pylist()
        return Counter(json.dumps(row, default=str) for row in rows)
    finally:
        build.warehouse.close()


def differences(found: Tables, wanted: Tables, but: Iterable[str] = ()) -> list[str]:
    """A sentence for each table that has other rows."""
    assert found.keys() == wanted.keys()
    return [
        f"{name}: {(wanted[name] - rows).total()} rows missing, such as {next(iter(wanted[name] - rows), None)};"
        f" {(rows - wanted[name]).total()} too many, such as {next(iter(rows - wanted[name]), None)}"
        for name, rows in found.items()
        if name not in set(but) and rows != wanted[name]
    ]


def _open(settings: Settings, run_id: str, day: date) -> Build:
    project = load_project(settings.home)
    warehouse = LocalWarehouse(settings.lake, schemas=project.schemas, memory_limit="2GB")
    return Build(project, settings, warehouse, RunInfo(run_id, day))


# -- under Airflow


def window(first: date, last: date) -> dict[str, str]:
    """What to ask a backfill for, as the runbook says it: the day after the last one ends it."""
    return {"from_date": f"{first}T00:00:00Z", "to_date": f"{last + timedelta(days=1)}T00:00:00Z"}


@dataclass
class Runs:
    """The Dag's runs of an Airflow that is up."""

    api: AirflowApi
    components: Components
    told: dict[str, str] = field(default_factory=dict)

    def states(self) -> dict[str, str]:
        """Day → state."""
        found, offset = dict[str, str](), 0
        while True:
            page = self.api.call(
                "GET", f"/dags/{DAG_ID}/dagRuns", params={"order_by": "logical_date", "limit": 100, "offset": offset}
            )
            found |= {run["logical_date"][:10]: run["state"] for run in page["dag_runs"]}
            offset += 100
            if offset >= page["total_entries"]:
                return found

    def follow(self, *, patience: float) -> dict[str, str]:
        """Wait until all have ended, and say how it goes. Day → state."""
        began, ended = time.monotonic(), -1
        while True:
            self.components.check()
            states = self.states()
            done = sum(state in ("success", "failed") for state in states.values())
            if done != ended:
                ended, seconds = done, time.monotonic() - began
                say(f"{done} of {len(states)} runs have ended after {seconds:.0f} s: {dict(Counter(states.values()))}")
            if done == len(states) and not self._backfills():
                return states
            assert time.monotonic() - began < patience, states
            time.sleep(2)

    def _backfills(self) -> int:
        """How many are not over. Airflow looks every half minute whether they are; until then it takes no other."""
        found = self.api.call("GET", "/backfills", params={"dag_id": DAG_ID})["backfills"]
        return sum(backfill["completed_at"] is None for backfill in found)

    def run_id(self, day: date) -> str:
        at = f"{day}T02:00:00Z"
        params = {"logical_date_gte": at, "logical_date_lte": at}
        return str(self.api.call("GET", f"/dags/{DAG_ID}/dagRuns", params=params)["dag_runs"][0]["dag_run_id"])

    def tasks(self, day: date) -> Mapping[str, dict[str, Any]]:
        return {task["task_id"]: task for task in self.api.task_instances(DAG_ID, self.run_id(day))}

    def errors(self, day: date) -> dict[str, str]:
        """What the failed tasks of a day said."""
        return {name: self.api.task_error(task) for name, task in self.tasks(day).items() if task["state"] == "failed"}

    def wait_for(self, day: date, task: str, *, patience: float) -> None:
        """Until a task of a day has ended well."""
        deadline = time.monotonic() + patience
        while str(day) not in self.states() or self.tasks(day)[task]["state"] != "success":
            self.components.check()
            assert time.monotonic() < deadline, f"{task} of {day} did not end"
            time.sleep(1)
