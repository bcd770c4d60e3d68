"""A shop whose first day is built, and what its next days come to when nobody kills anything. Made once."""

from __future__ import annotations

import os
import pickle
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from chaos.oracle import fingerprints, state
from chaos.shop import DAYS, make_project, make_sources
from chaos.worker import Task, run

SWEEP = "C360_CHAOS" in os.environ


@dataclass(frozen=True)
class Shop:
    """folder: the project, its sources, and a data folder after each undisturbed day (`0`, `1` …)

    states, tables: what each day comes to, see oracle.state and oracle.fingerprints · seen: what the second day gets to
    """

    folder: Path
    states: dict[date, dict[str, Any]]
    tables: dict[date, dict[str, str]]
    seen: dict[str, Counter[str]]

    def after(self, days: int, folder: Path) -> Task:
        """A copy of the data folder after so many days, and the next day's task on it."""
        shutil.copytree(self.folder / str(days), folder)
        day = DAYS[min(days, len(DAYS) - 1)]
        return Task(self.folder / "home", folder, self.folder / "sources" / str(day), day, f"scheduled__{day}")

    def next_day(self, task: Task) -> Task:
        """The day after, on the same lake."""
        day = DAYS[DAYS.index(task.day) + 1]
        return replace(task, day=day, sources=task.sources.parent / str(day), run_id=f"scheduled__{day}", first=None)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    file = shared / "chaos_shop.pickle"
    with FileLock(shared / "chaos_shop.lock"):
        if not file.exists():
            file.write_bytes(pickle.dumps(_made(shared / "chaos_shop")))
        found: Shop = pickle.loads(file.read_bytes())
    return found


def _made(folder: Path) -> Shop:
    make_project(folder / "home")
    sources = make_sources(folder / "sources")
    shop = Shop(folder, {}, {}, {})
    for position, day in enumerate(DAYS if SWEEP else DAYS[:2], 1):
        data = folder / str(position)
        if position > 1:
            shutil.copytree(folder / str(position - 1), data)
        task = Task(folder / "home", data, sources[day], day, f"scheduled__{day}")
        ended = run(task)
        if position == 2:
            shop.seen.update(ended.seen)
        shop.states[day], shop.tables[day] = state(task), fingerprints(task)
    return shop


@pytest.fixture
def second_day(shop: Shop, tmp_path: Path) -> Callable[..., Task]:
    """The second day's task, on a copy of the first day's lake."""
    return lambda name="data": shop.after(1, tmp_path / name)
