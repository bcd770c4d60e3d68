"""What a folder of bindings says about running it (example.yaml): its day, its settings, its connections."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from customer360.errors import ProjectError, SettingsError
from customer360.project.yaml_files import read_yaml
from customer360.settings import Settings, load_settings

FILE = "example.yaml"
_KEYS = {"description", "run_date", "settings", "connections", "sample", "needs", "licence", "attribution"}


@dataclass(frozen=True)
class Example:
    """A folder of bindings, ready to run.

    run_date: the day to show; None is the last complete day
    settings: environment variables, used where the environment has none
    connections: Airflow connection id → URI, used where Airflow has none; may hold `${NAME}`
    needs: the environment variable that says where the sources are, where they do not come with the folder
    sample: whether the sources are the sample shop, to be generated
    """

    description: str = ""
    run_date: date | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    connections: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""
    sample: bool = False

    def check(self, settings: Settings) -> None:
        """SettingsError when what the sources need is not set, before anything is started."""
        if self.needs and not settings.environment.get(self.needs):
            raise SettingsError(f"{settings.sources.name} needs {self.needs}, which is not set: {self.description}")


def load_example(settings: Settings) -> Example:
    """The example.yaml beside the bindings that the settings name; an empty Example where there is none."""
    file = settings.sources / FILE
    if not file.is_file():
        return Example()
    raw = read_yaml(file) or {}
    if not isinstance(raw, dict) or raw.keys() - _KEYS:
        raise ProjectError("not as expected", path=file, hint=f"a mapping of {', '.join(sorted(_KEYS))}")
    if not isinstance(raw.get("run_date"), date | None):
        raise ProjectError(f"run_date is {raw['run_date']!r}", path=file, hint="a date: 2024-06-30")
    return Example(
        description=str(raw.get("description", "")),
        run_date=raw.get("run_date"),
        settings=_texts(raw, "settings", file),
        connections=_texts(raw, "connections", file),
        needs=str(raw.get("needs", "")),
        sample=bool(raw.get("sample", False)),
    )


def settings_of(sources: str | None = None) -> tuple[Settings, Example]:
    """The settings to run a folder of bindings with (default: the environment's), and what the folder says of itself.

    Every folder but the sample shop has data of its own, in `.c360/<folder>`, unless C360_DATA is set: the days of two
    shops do not belong into one lake.
    """
    environment = dict(os.environ)
    if sources:
        environment["C360_SOURCES"] = str(Path(sources).resolve()) if Path(sources).is_dir() else sources
    settings = load_settings(environment)
    if not settings.sources.is_dir():
        raise ProjectError("there is no such folder of bindings", path=settings.sources, hint="see examples/")
    example = load_example(settings)
    settings = load_settings({**example.settings, **environment})
    if not example.sample and not environment.get("C360_DATA"):
        settings = replace(settings, data=settings.data / settings.sources.name)
    return settings, example


def _texts(raw: Mapping[str, Any], key: str, file: Path) -> dict[str, str]:
    given = raw.get(key) or {}
    if not isinstance(given, dict):
        raise ProjectError(f"{key} is {given!r}", path=file, hint="a mapping of name to text")
    return {str(name): str(value) for name, value in given.items()}
