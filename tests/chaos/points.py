"""Where a process can be made to die: before and after named functions, and at any statement that it sends to DuckDB.

The product knows nothing of it: what is called here is wrapped in the child process that is going to die.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from multiprocessing.connection import Connection
from typing import Any

import customer360.build.build
import customer360.build.changes
import customer360.build.computed
import customer360.identity.steps
import customer360.sources.landing
import customer360.sources.load
import customer360.warehouse.lake
import customer360.warehouse.lake_partitions
import customer360.warehouse.lake_session
import customer360.warehouse.local

_WAREHOUSE = customer360.warehouse.local.LocalWarehouse
_LANDING = customer360.sources.landing.FolderLanding
# Name → where the function is looked up when it is called.
FUNCTIONS: dict[str, tuple[Any, str]] = {
    "ensure": (_WAREHOUSE, "ensure"),
    "extract": (customer360.sources.load._Batch, "extract"),
    "landing": (_LANDING, "place"),
    "landing's tidying": (_LANDING, "remove_others"),
    "load": (_WAREHOUSE, "load"),
    "link into the lake": (customer360.warehouse.lake, "adopt"),
    "write": (_WAREHOUSE, "write"),
    "files of partitions": (customer360.warehouse.lake_partitions, "_write_files"),
    "files adopted": (customer360.warehouse.lake_partitions, "_adopt_all"),
    "what has changed": (customer360.build.changes.Recorder, "writing"),
    "identity's statement": (customer360.identity.steps.Steps, "_run"),
    "history": (customer360.build.computed, "keep_day"),
    "append": (_WAREHOUSE, "append"),
    "audit": (customer360.build.build, "audit"),
    "publish": (_WAREHOUSE, "publish"),
    "view": (_WAREHOUSE, "create_view"),
    "drop": (_WAREHOUSE, "drop"),
    "rename": (os, "rename"),
    "replace": (os, "replace"),
    "hard link": (os, "link"),
}
STATEMENT, COMMIT = "a statement", "commit"
# The parent kills so many seconds after this was reached: while the commit is under way, or wherever the step is then.
IN_COMMIT, IN_STEP = "in commit", "in step"


@dataclass(frozen=True)
class Kill:
    """Where a process dies: in a step, the `number`-th time that it gets to a place; or, for IN_COMMIT and IN_STEP,
    `seconds` after that. A step that never gets there dies at its end, so that every kill happens."""

    step: str
    place: str
    number: int = 1
    seconds: float = 0.0

    def __str__(self) -> str:
        when = f" +{self.seconds * 1000:.1f} ms" if self.place in (IN_COMMIT, IN_STEP) else ""
        return f"{self.step}: {self.place} no. {self.number}{when}"


@dataclass
class Fate:
    """Counts the places that a step gets to, and dies where it is told to. `parent` hears of it first."""

    parent: Connection
    kill: Kill | None
    step: str = ""
    seen: Counter[str] = field(default_factory=Counter)

    def begin(self, step: str) -> None:
        self.step, self.seen = step, Counter()
        self.parent.send(("began", step))
        self.reach(IN_STEP)

    def end(self) -> None:
        if self._is_here() and self.kill:
            if self.kill.place in (IN_COMMIT, IN_STEP) and self.seen[self.kill.place] >= self.kill.number:
                signal.pause()  # it was quicker than its parent
            self._die("the end of the step")
        self.parent.send(("ended", self.step, self.seen))

    def reach(self, place: str) -> None:
        self.seen[place] += 1
        if not self._is_here() or not self.kill or (place, self.seen[place]) != (self.kill.place, self.kill.number):
            return
        if place in (IN_COMMIT, IN_STEP):
            self.parent.send(("kill me", place, self.kill.seconds))
        else:
            self._die(place)

    def _is_here(self) -> bool:
        return self.kill is not None and self.kill.step == self.step

    def _die(self, where: str) -> None:
        self.parent.send(("dies", where))
        os.kill(os.getpid(), signal.SIGKILL)


class _Watched:
    """A DuckDB connection whose statements are counted."""

    def __init__(self, connection: Any, reach: Callable[[str], None]) -> None:
        self._connection, self._reach = connection, reach

    def execute(self, sql: str, *arguments: Any) -> Any:
        self._reach(STATEMENT)
        if sql != "COMMIT":
            return self._connection.execute(sql, *arguments)
        self._reach(f"before {COMMIT}")
        self._reach(IN_COMMIT)
        done = self._connection.execute(sql)
        self._reach(f"after {COMMIT}")
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def watch(fate: Fate) -> None:
    """Wrap everything named above, for the rest of this process's life."""
    for name, (owner, attribute) in FUNCTIONS.items():
        setattr(owner, attribute, _wrapped(getattr(owner, attribute), name, fate))
    session: Any = customer360.warehouse.lake_session
    connect = session.connect
    session.connect = lambda *names, **options: _Watched(connect(*names, **options), fate.reach)


def _wrapped(function: Callable[..., Any], name: str, fate: Fate) -> Callable[..., Any]:
    @wraps(function)
    def watched(*arguments: Any, **options: Any) -> Any:
        fate.reach(f"before {name}")
        done = function(*arguments, **options)
        fate.reach(f"after {name}")
        return done

    return watched
