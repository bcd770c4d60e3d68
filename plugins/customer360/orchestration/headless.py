"""One day through a real scheduler, without a browser: start Airflow, run the Dag, tell what happens, stop Airflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape

from customer360.orchestration.api import AirflowApi
from customer360.orchestration.components import HEADLESS, Components
from customer360.orchestration.local_airflow import LocalAirflow, LocalAirflowError
from customer360.settings import Settings

DAG_ID = "customer_360_daily"
POOL = "warehouse"
_ENDED = ("success", "failed")
_DONE = ("success", "skipped")
# A change is stamped before it is committed and can be seen.
_COMMITTED_WITHIN = timedelta(seconds=15)


@dataclass(frozen=True)
class Outcome:
    """A run that has ended well."""

    run_id: str
    run_date: date
    tasks: int
    seconds: float


def run_day(
    airflow: LocalAirflow, run_date: date, *, console: Console, meanwhile: Callable[[], None] = lambda: None
) -> Outcome:
    """Run the daily Dag for one day to its end. `meanwhile` is called while Airflow starts, before the first task.

    Raises LocalAirflowError with the failing task and its own message. No process is left behind, whatever happens.
    """
    with running(airflow, console=console, meanwhile=meanwhile) as (api, components):
        started = time.monotonic()
        run_id = api.start_run(DAG_ID, run_date)
        console.print(f"[bold]{DAG_ID}[/bold] for {run_date}, run {run_id}")
        tasks = _follow(api, run_id, components, console)
        return Outcome(run_id, run_date, tasks, time.monotonic() - started)


@contextmanager
def running(
    airflow: LocalAirflow, *, console: Console, meanwhile: Callable[[], None] = lambda: None
) -> Iterator[tuple[AirflowApi, Components]]:
    """Airflow with its daily Dag ready to run, until the block ends. `meanwhile` is called while it starts."""
    parsed_after = datetime.now(UTC)
    components = Components(airflow, "demo")
    try:
        with console.status("Starting Airflow"):
            airflow.prepare()
            components.start((*HEADLESS, "triggerer") if airflow.settings.deferrable else HEADLESS)
        meanwhile()
        with AirflowApi(airflow) as api:
            with console.status("Airflow is starting"):
                prepare_dag(api, airflow.settings, components, parsed_after=parsed_after)
            yield api, components
    except KeyboardInterrupt:
        console.print("Stopping Airflow. What was published stays; run it again to finish the day.")
        components.stop(patience=5)
        raise
    finally:
        with console.status("Stopping Airflow"):
            components.stop()


def prepare_dag(api: AirflowApi, settings: Settings, components: Components, *, parsed_after: datetime) -> None:
    """Sign in, see to the pool, and wait until the Dag is there as its file is now, ready to run."""
    api.sign_in(check=components.check)
    api.ensure_pool(POOL, 1 if settings.warehouse == "local" else 8, "Tasks that work on the warehouse at a time")
    api.wait_for_dag(DAG_ID, parsed_after=parsed_after, check=components.check)
    api.call("PATCH", f"/dags/{DAG_ID}", json={"is_paused": False})


def _follow(api: AirflowApi, run_id: str, components: Components, console: Console) -> int:
    """Tell each task group's end until the run has ended; the number of its tasks."""
    progress = _Progress(api, console)
    found: dict[str, dict[str, Any]] = {}
    looked: datetime | None = None
    with console.status("Waiting for the first task") as status:
        while True:
            components.check()
            state = api.run_state(DAG_ID, run_id)
            # All of them, each second, would keep the API server busier than the tasks do.
            since = looked - _COMMITTED_WITHIN if looked and state not in _ENDED else None
            looked = datetime.now(UTC)
            found |= {task["task_id"]: task for task in api.task_instances(DAG_ID, run_id, changed_since=since)}
            tasks = list(found.values())
            progress.update(tasks)
            if state in _ENDED:
                break
            status.update(progress.line(tasks))
            time.sleep(1)
    if state == "failed":
        failed = [task for task in tasks if task["state"] == "failed"]
        said = "\n".join(f"{task['task_id']}: {api.task_error(task)}" for task in failed)
        raise LocalAirflowError(
            f"the run {run_id} failed\n{said}" if said else f"the run {run_id} failed without a task"
        )
    return len(tasks)


@dataclass
class _Progress:
    """What has been told of a run so far."""

    api: AirflowApi
    console: Console
    told: set[str] = field(default_factory=set)
    retries: set[tuple[str, int]] = field(default_factory=set)

    def update(self, tasks: list[dict[str, Any]]) -> None:
        groups: dict[str, list[dict[str, Any]]] = {}
        for task in tasks:
            groups.setdefault(task["task_id"].partition(".")[0], []).append(task)
        ended = {g: m for g, m in groups.items() if g not in self.told and all(t["state"] in _DONE for t in m)}
        for group, members in sorted(ended.items(), key=lambda item: max(t["end_date"] or "" for t in item[1])):
            self.told.add(group)
            count = f"{len(members)} task{'s' if len(members) > 1 else ''}"
            self.console.print(f"  [green]✓[/green] {group:<18} {count:>9} {_seconds(members):>7.1f} s")
        for task in tasks:
            if task["state"] == "up_for_retry" and (key := (task["task_id"], task["try_number"])) not in self.retries:
                self.retries.add(key)
                said = escape(self.api.task_error(task))
                self.console.print(f"  [yellow]↻[/yellow] {task['task_id']} failed and will be tried again: {said}")
            if task["state"] == "failed" and task["task_id"] not in self.told:
                self.told.add(task["task_id"])
                self.console.print(f"  [red]✗[/red] {task['task_id']} failed")

    @staticmethod
    def line(tasks: list[dict[str, Any]]) -> str:
        running = ", ".join(task["task_id"] for task in tasks if task["state"] == "running")
        done = sum(task["state"] in _DONE for task in tasks)
        return f"{done} of {len(tasks)} tasks{f': {running}' if running else ''}"


def _seconds(tasks: list[dict[str, Any]]) -> float:
    """From the first start to the last end of these tasks."""
    starts = [datetime.fromisoformat(task["start_date"]) for task in tasks if task["start_date"]]
    ends = [datetime.fromisoformat(task["end_date"]) for task in tasks if task["end_date"]]
    return (max(ends) - min(starts)).total_seconds() if starts and ends else 0.0
