"""What this deployment runs: its settings and its project, read once a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from customer360.project import Project, load_project
from customer360.settings import Settings, load_settings


class Deployment(NamedTuple):
    """Settings from the environment and the project they name."""

    settings: Settings
    project: Project


def deployment() -> Deployment:
    """A task's process parses the Dag file, then executes: the files under sql/ need reading only once in it."""
    settings = load_settings()
    return Deployment(settings, _project(settings.home))


@cache
def _project(home: Path) -> Project:
    return load_project(home)
