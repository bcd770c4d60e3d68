"""Airflow's processes on this machine: started together, stopped together, and never left behind.

Each is the leader of a session of its own, so that Ctrl-C reaches this process alone, which then stops them in order.
What was started is recorded in the folder: a later command finds and stops what an earlier one, killed hard, left.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from customer360.orchestration.local_airflow import LocalAirflow, LocalAirflowError

# In the order in which they are stopped: nothing new starts, then what is running may still report.
HEADLESS = ("scheduler", "dag-processor", "api-server")
WITH_UI = ("scheduler", "triggerer", "dag-processor", "api-server")
_ARGUMENTS = {"scheduler": ("--skip-serve-logs",), "triggerer": ("--skip-serve-logs",)}
_WARM = ("scheduler", "dag-processor")  # those that fork tasks and parsers


@dataclass
class Components:
    """The processes of one local Airflow, started by `command` (demo or up)."""

    airflow: LocalAirflow
    command: str
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, names: Sequence[str]) -> None:
        environment = self.airflow.environment()
        for name in names:
            log = self.airflow.logs / f"{name}.log"
            with log.open("wb") as stream:
                module = "customer360.orchestration.warm" if name in _WARM else "airflow"
                self._running[name] = subprocess.Popen(
                    [sys.executable, "-m", module, name, *_ARGUMENTS.get(name, ())],
                    env=environment,
                    cwd=self.airflow.home,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        record = {name: process.pid for name, process in self._running.items()}
        facts = {"command": self.command, "url": self.airflow.url, "sessions": record}
        (self.airflow.home / "running.json").write_text(json.dumps(facts), encoding="utf-8")

    def check(self) -> None:
        """LocalAirflowError when one has ended by itself, with the end of its log."""
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self.airflow.logs / f"{name}.log"
                tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
                raise LocalAirflowError(
                    f"Airflow's {name} ended with code {process.returncode}:\n{tail}\n(all of it: {log})"
                )

    def stop(self, *, patience: float = 20.0) -> None:
        """SIGINT to each in turn, so that running tasks may end; after `patience` seconds, what is left is killed."""
        deadline = time.monotonic() + patience
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
        kill_sessions(self.airflow.home, {process.pid for process in self._running.values()})
        for process in self._running.values():
            process.wait()
        self._running.clear()
        (self.airflow.home / "running.json").unlink(missing_ok=True)


def recorded(home: Path) -> dict[str, object]:
    """What the last start in this folder wrote down: command, url, sessions. Empty after an orderly stop."""
    try:
        found: dict[str, object] = json.loads((home / "running.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def kill_sessions(home: Path, sessions: set[int]) -> int:
    """Kill what runs in these sessions *and* has this AIRFLOW_HOME: a number alone may be somebody else's by now."""
    found = list(_members(home, sessions))
    for process in found:
        with _gone():
            process.kill()
    psutil.wait_procs(found, timeout=10)
    return len(found)


def alive(home: Path) -> bool:
    """Whether any process of the last start in this folder still runs."""
    return any(True for _ in _members(home, _sessions(home)))


def stop_recorded(home: Path, *, patience: float = 20.0) -> int:
    """Stop what an earlier command started in this folder and left running; the number of processes there were."""
    members = list(_members(home, _sessions(home)))
    for process in members:
        if process.pid in _sessions(home):
            with _gone():
                process.send_signal(signal.SIGINT)
    psutil.wait_procs(members, timeout=patience)
    kill_sessions(home, _sessions(home))
    (home / "running.json").unlink(missing_ok=True)
    return len(members)


def _sessions(home: Path) -> set[int]:
    sessions = recorded(home).get("sessions")
    return set(sessions.values()) if isinstance(sessions, dict) else set()


def _members(home: Path, sessions: set[int]) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with _gone():
            if os.getsid(process.pid) in sessions and process.environ().get("AIRFLOW_HOME") == str(home):
                yield process


@contextmanager
def _gone() -> Iterator[None]:
    """Processes end while one looks at them, and those of others may not be looked at."""
    try:
        yield
    except (psutil.Error, ProcessLookupError, PermissionError):
        pass


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """One command at a time works on a folder's Airflow; a second is refused. Clears away what a killed one left."""
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / "command.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LocalAirflowError(
            f"another c360 demo or up is at work in {home.parent};"
            " wait for it, or give this one a folder of its own (C360_DATA)"
        ) from None
    try:
        if recorded(home).get("command") == "up" and alive(home):
            raise LocalAirflowError(
                f"Airflow is up at {recorded(home).get('url')} and works in {home.parent}; `c360 down` stops it"
            )
        stop_recorded(home, patience=2)
        yield
    finally:
        lock.release()


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody listens there, else any free port of loopback."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise LocalAirflowError("no free port on 127.0.0.1")
