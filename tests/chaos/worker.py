"""A day's steps in a child process: each as a task of Airflow does it, with connections of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from multiprocessing import forkserver
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerContext
from pathlib import Path

import great_expectations.expectations.core  # noqa: F401 forked with it, as Airflow's tasks are
import pytest
from conftest import settings_for

import customer360.quality.auditing  # noqa: F401
from chaos.points import Fate, Kill, watch
from chaos.privileges import be_like_others
from customer360.build import Build
from customer360.project import Project, load_project
from customer360.settings import Settings
from customer360.sources import Connection, check_freshness, load_bindings, load_table
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

Do = Callable[[Build], object]


@dataclass(frozen=True)
class Task:
    """What a process does: the steps of a run, from one of them on."""

    home: Path
    data: Path
    sources: Path
    day: date
    run_id: str
    first: str | None = None  # None: from the beginning
    kill: Kill | None = None
    lock_timeout: float = 600.0
    full: bool = False
    like_others: bool = False  # root without its right to write everywhere

    @property
    def settings(self) -> Settings:
        return settings_for(
            self.data, C360_HOME=str(self.home), C360_SOURCES=str(self.home / "bindings"), C360_SHOP=str(self.sources)
        )

    def open(self) -> Build:
        settings, project = self.settings, load_project(self.home)
        warehouse = LocalWarehouse(
            settings.lake, schemas=project.schemas, memory_limit="1GB", threads=1, lock_timeout=self.lock_timeout
        )
        return Build(project, settings, warehouse, RunInfo(self.run_id, self.day, "customer_360_daily"), full=self.full)


@dataclass
class Ended:
    """What has become of a process. `step`: the one that it died or failed in; None where it has done all.

    where: the place in that step where it died · error: what it failed with · seen: how often each step that has ended
    got to each place
    """

    step: str | None = None
    where: str | None = None
    error: str | None = None
    seen: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def steps(task: Task) -> dict[str, Do]:
    """A day's steps by name, in the order in which they run: those of the daily Dag."""
    project = load_project(task.home)
    return {"ensure_tables": Build.ensure, **dict(_loads(task, project)), **dict(_layers(project))}


def _loads(task: Task, project: Project) -> Iterator[tuple[str, Do]]:
    for system, bound in load_bindings(task.settings.sources, project).items():
        for table, binding in bound.tables.items():
            contract = project.contracts[binding.contract]

            def load(build: Build, binding=binding, contract=contract) -> None:  # type: ignore[no-untyped-def]
                load_table(
                    binding, contract, run=build.run, warehouse=build.warehouse, settings=build.settings,
                    connections=lambda name: Connection("sqlite", database=str(task.sources / f"{name[5:]}.sqlite")),
                )  # fmt: skip
                check_freshness(binding, contract, run=build.run, warehouse=build.warehouse)

            yield f"load_{system}.{table}", load


def _layers(project: Project) -> Iterator[tuple[str, Do]]:
    for layer, names in project.graph.layers().items():
        for name in project.graph.steps(names):
            task_id = project.models[name].built_by or name.table
            yield f"{layer}.write_{task_id}", lambda build, name=name: build.write(name)  # type: ignore[misc]
        yield f"{layer}.audit", lambda build, names=names: build.audit(names)  # type: ignore[misc]
        yield f"{layer}.publish", lambda build, names=names: build.publish(names)  # type: ignore[misc]


def context() -> ForkServerContext:
    """Processes are forked from one that has everything imported and no threads, as Airflow's executor does it."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["chaos.worker"])
    with pytest.MonkeyPatch.context() as patch:  # Python 3.11 hands sys.path on too late for what is imported ahead
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return made


def work(pipe: Pipe, task: Task) -> None:
    """In the child: do the steps, and tell the parent."""
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    if task.like_others:
        be_like_others()
    fate = Fate(pipe, task.kill)
    watch(fate)
    todo = steps(task)
    names = list(todo)
    for name in names[names.index(task.first) if task.first else 0 :]:
        fate.begin(name)
        build = task.open()
        try:
            todo[name](build)
        except Exception:  # noqa: BLE001 whatever it is, the parent tells of it
            pipe.send(("failed", traceback.format_exc()))
            return
        finally:
            build.warehouse.close()
        fate.end()
    pipe.send(("done",))


def attempt(task: Task) -> Ended:
    """Let a child do it, kill it when it asks for that, and say how far it came."""
    made = context()
    mine, its = made.Pipe()
    process = made.Process(target=work, args=(its, task))
    process.start()
    its.close()
    ended = _follow(mine, process.pid or 0)
    process.join(60)
    if ended.where is not None:
        assert process.exitcode == -signal.SIGKILL, f"{task.kill}: ended with {process.exitcode}"
    return ended


def together(*tasks: Task) -> list[Ended]:
    """Runs at the same time, each in a child of its own."""
    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(attempt, tasks))


def _follow(pipe: Pipe, pid: int) -> Ended:
    ended, began = Ended(), time.monotonic()
    while True:
        try:
            message = pipe.recv()
        except EOFError:
            return ended
        match message:
            case ("began", step):
                ended.step, began = step, time.monotonic()
            case ("ended", step, seen):
                ended.seen[step], ended.seconds[step] = seen, time.monotonic() - began
            case ("dies", where):
                ended.where = where
            case ("kill me", where, seconds):
                time.sleep(seconds)
                os.kill(pid, signal.SIGKILL)
                ended.where = where
            case ("failed", error):
                ended.error = error
            case ("done",):
                ended.step = None


def run(task: Task) -> Ended:
    """A run that nobody disturbs. AssertionError with its message when it fails."""
    ended = attempt(task)
    assert ended.error is None, f"{task.run_id}, {ended.step}: {ended.error}"
    assert ended.step is None, f"{task.run_id} died in {ended.step}"
    return ended


def killed_again_and_again(task: Task, kills: list[Kill]) -> list[tuple[Kill, str]]:
    """A run that is killed at all of these, in the order of its steps, and cleared each time: the step that died, and
    what follows. Returns each kill with the place where it found the process."""
    order = list(steps(task))
    found: list[tuple[Kill, str]] = []
    first = task.first
    for kill in sorted(kills, key=lambda kill: order.index(kill.step)):
        ended = attempt(replace(task, first=first, kill=kill))
        assert ended.error is None, f"{kill}: {ended.step} failed: {ended.error}"
        assert ended.step == kill.step and ended.where, f"{kill} did not happen"
        found.append((kill, ended.where))
        first = kill.step
    run(replace(task, first=first))
    return found
