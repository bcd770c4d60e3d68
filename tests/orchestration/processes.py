"""Airflow's processes, as the tests start them and look for them afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import psutil


def environment(**changes: object) -> dict[str, str]:
    """This process's, without what the other tests set for themselves."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "C360_"))}
    return own | {name: str(value) for name, value in changes.items()}


def left_behind(home: Path) -> list[int]:
    """Processes that still belong to the Airflow of this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("AIRFLOW_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
