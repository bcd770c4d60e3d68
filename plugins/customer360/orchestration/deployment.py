"""What this deployment runs: its settings and its project, read once a process."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from customer360.project import Project, load_project
from customer360.settings import Settings, load_settings

if TYPE_CHECKING:
    from customer360.lineage import Lineage


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


def lineage() -> Lineage:
    """Where the columns of this deployment's models come from."""
    return _lineage(load_settings().home)


@cache
def _lineage(home: Path) -> Lineage:
    from customer360.build.computed import IDENTITY_YAML
    from customer360.identity import load_identity_config
    from customer360.lineage import Lineage

    parameters = load_settings().parameters(date.min) | load_identity_config(home / IDENTITY_YAML).parameters
    return Lineage(_project(home), {name: parameter.type for name, parameter in parameters.items()})
