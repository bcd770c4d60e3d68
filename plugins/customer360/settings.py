"""The only module that reads the environment.

Everything has a default that works on a fresh machine: the embedded warehouse, the sample shop, a folder `.c360` in
the project for all data. Values are read once per call of `load_settings()`; nothing is read at import.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from customer360 import __version__
from customer360.errors import SettingsError

_PROJECT_ROOT = Path(__file__).resolve().parents[2]
_POLICY_TAG = re.compile(r"projects/[^/]+/locations/[^/]+/taxonomies/[^/]+/policyTags/[^/]+")
_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]+(/|$)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


# What maintenance removes after so many days. Candidates: of runs that never published them, and their scratch tables.
# Orphans: files of the lake that no table ever had. Snapshots: what `c360 sql --as-of` reads; each costs what was
# replaced since. Datasets of source tables (raw_web, quarantine) and `history` may be named too: by default nothing
# of them is ever removed.
RETENTION_DAYS: Mapping[str, int | None] = {"candidates": 7, "orphans": 7, "landing": 30, "snapshots": 1}


class Parameter(NamedTuple):
    """A named query parameter: GoogleSQL type text and a Python value (lists for ARRAY)."""

    type: str
    value: Any


@dataclass(frozen=True)
class Settings:
    """How this deployment runs. Environment variable in brackets.

    home: the project, with sql/, expectations/ and dags/ [C360_HOME]
    data: what a run writes on this machine: lake, landing zone, sample shop, Airflow's own files [C360_DATA]
    sources: folder of bindings [C360_SOURCES]
    warehouse: `local` or `bigquery` [C360_WAREHOUSE]
    landing: where extracts land, a folder or gs://bucket/prefix [C360_LANDING]
    google_connection, google_project, google_location: Airflow connection id and where jobs run
        [C360_GOOGLE_CONNECTION, C360_GOOGLE_PROJECT, C360_GOOGLE_LOCATION]
    google_policy_tag: resource name of the policy tag that personal columns are put under
        [C360_GOOGLE_POLICY_TAG, such as projects/p/locations/eu/taxonomies/1/policyTags/2; default none]
    budget_bytes: what a query of a model without budget_bytes of its own may read, 0 for no limit [C360_BUDGET_BYTES]
    deferrable: whether tasks give their worker back while a long BigQuery job runs; None leaves it to Airflow's
        [operators] default_deferrable [C360_DEFERRABLE, true or false]
    openlineage: whether the local Airflow writes OpenLineage events [C360_OPENLINEAGE, true or false]
    alerts: Airflow connection that failures are told to, none for the log alone [C360_ALERTS]; runbook: address of
        docs/runbook.md, for the links in alerts [C360_RUNBOOK]; deadline_hours: how long after it was queued the daily
        run should have ended, 0 for no deadline [C360_DEADLINE_HOURS]
    umask: what nobody else may do with files that are written: 0o077 is the account's own, 0o027 lets its group read,
        0o007 write too [C360_UMASK, octal]
    memory_limit, threads: of the embedded engine [C360_MEMORY_LIMIT, C360_THREADS]
    lock_timeout: seconds to wait for another writer of the embedded warehouse [C360_LOCK_TIMEOUT]
    reporting_currency [C360_REPORTING_CURRENCY]; completed_statuses: order statuses that count as sold
        [C360_COMPLETED_STATUSES, comma-separated]; high_value, medium_value: value-segment thresholds in the reporting
        currency, strict [C360_HIGH_VALUE, C360_MEDIUM_VALUE]
    retention_days: how many days things are kept, None for ever; see RETENTION_DAYS [C360_RETENTION_DAYS, such as
        landing=14,quarantine=365,snapshots=never]
    segment_priority: segments of which the first that a person is in is primary_segment
        [C360_SEGMENT_PRIORITY, comma-separated]
    """

    home: Path = _PROJECT_ROOT
    data: Path = _PROJECT_ROOT / ".c360"
    sources: Path = _PROJECT_ROOT / "examples" / "sample_shop"
    warehouse: str = "local"
    landing: str = ""
    google_connection: str = "google_cloud_default"
    google_project: str = ""
    google_location: str = "EU"
    google_policy_tag: str = ""
    budget_bytes: int = 2**40
    deferrable: bool | None = None
    openlineage: bool = True
    alerts: str = ""
    runbook: str = "docs/runbook.md"
    deadline_hours: float = 5.0
    umask: int = 0o077
    memory_limit: str = "3GB"
    threads: int = 0
    lock_timeout: float = 600.0
    reporting_currency: str = "EUR"
    completed_statuses: tuple[str, ...] = ("delivered",)
    high_value: Decimal = Decimal(10000)
    medium_value: Decimal = Decimal(5000)
    segment_priority: tuple[str, ...] = ()
    retention_days: Mapping[str, int | None] = field(default_factory=lambda: dict(RETENTION_DAYS))
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def make_data_folder(self) -> None:
        """Create the data folder, for its owner only (or its group, see umask): people's data is in it."""
        try:
            self.data.mkdir(mode=0o777 & ~self.umask, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"the data folder {self.data} cannot be made: {error}; C360_DATA names it") from error

    @property
    def lake(self) -> Path:
        return self.data / "lake"

    @property
    def landing_zone(self) -> str:
        return self.landing or str(self.data / "landing")

    @property
    def code_version(self) -> str:
        """Version of this package, and the commit that the project is at: `0.1.0+g1a2b3c4d5e6f`, `…-dirty` with changes
        that are not committed. C360_COMMIT names the commit where the project is no git repository, in an image say."""
        commit = self.environment.get("C360_COMMIT") or _commit(self.home)
        return f"{__version__}+g{commit}" if commit else __version__

    def parameters(self, run_date: date) -> dict[str, Parameter]:
        """The named parameters a model may use. There is no clock among them: the run date is all the time there is."""
        return {
            "run_date": Parameter("DATE", run_date),
            "reporting_currency": Parameter("STRING", self.reporting_currency),
            "completed_statuses": Parameter("ARRAY<STRING>", list(self.completed_statuses)),
            "high_value": Parameter("NUMERIC", self.high_value),
            "medium_value": Parameter("NUMERIC", self.medium_value),
            "segment_priority": Parameter("ARRAY<STRING>", list(self.segment_priority)),
            # Raw tables that no binding fills: what would come from them is unknown, which is not none. The build says.
            "unconnected_tables": Parameter("ARRAY<STRING>", []),
        }

    def expand(self, text: str) -> str:
        """Replace `${NAME}` by the environment variable NAME; a missing one is a SettingsError that names it."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name == "C360_SHOP" and name not in self.environment:
                return str(self.data / "shop")
            if not self.environment.get(name):
                raise SettingsError(f"{text!r} needs the environment variable {name}, which is not set")
            return self.environment[name]

        return _VARIABLE.sub(value, text)


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (the process's own unless given). Malformed values raise SettingsError."""
    env = dict(os.environ if environment is None else environment)
    default = Settings()
    home = Path(env.get("C360_HOME") or default.home).resolve()
    warehouse = env.get("C360_WAREHOUSE") or default.warehouse
    if warehouse not in ("local", "bigquery"):
        raise SettingsError(f"C360_WAREHOUSE is {warehouse!r}; it must be local or bigquery")
    statuses = tuple(status.lower() for status in _list(env, "C360_COMPLETED_STATUSES"))
    return Settings(
        home=home,
        data=Path(env.get("C360_DATA") or home / ".c360").resolve(),
        sources=(home / (env.get("C360_SOURCES") or "examples/sample_shop")).resolve(),
        warehouse=warehouse,
        landing=_landing(env, warehouse),
        google_connection=env.get("C360_GOOGLE_CONNECTION") or default.google_connection,
        google_project=env.get("C360_GOOGLE_PROJECT", ""),
        google_location=env.get("C360_GOOGLE_LOCATION") or default.google_location,
        google_policy_tag=_policy_tag(env),
        budget_bytes=_whole(env, "C360_BUDGET_BYTES", default.budget_bytes),
        deferrable=_truth(env, "C360_DEFERRABLE"),
        openlineage=_truth(env, "C360_OPENLINEAGE") is not False,
        alerts=env.get("C360_ALERTS", ""),
        runbook=env.get("C360_RUNBOOK") or default.runbook,
        deadline_hours=_hours(env, "C360_DEADLINE_HOURS", default.deadline_hours),
        umask=_umask(env),
        memory_limit=env.get("C360_MEMORY_LIMIT") or default.memory_limit,
        threads=_whole(env, "C360_THREADS", default.threads),
        lock_timeout=float(_number(env, "C360_LOCK_TIMEOUT", Decimal(default.lock_timeout))),
        reporting_currency=env.get("C360_REPORTING_CURRENCY") or default.reporting_currency,
        completed_statuses=statuses or default.completed_statuses,
        high_value=_number(env, "C360_HIGH_VALUE", default.high_value),
        medium_value=_number(env, "C360_MEDIUM_VALUE", default.medium_value),
        segment_priority=_list(env, "C360_SEGMENT_PRIORITY"),
        retention_days=_retention(env),
        environment=env,
    )


def keep_private(environment: Mapping[str, str] | None = None) -> None:
    """What this process and its children write from now on is for the account alone, or its group too, as C360_UMASK
    says. Every entrance calls it: the command line, and each task."""
    os.umask(_umask(os.environ if environment is None else environment))


def _umask(env: Mapping[str, str]) -> int:
    text = env.get("C360_UMASK") or "077"
    if text.lstrip("0") not in ("77", "27", "7"):
        raise SettingsError(
            f"C360_UMASK is {text!r}; it must be 077 (files for this account alone), 027 (its group may read) or 007"
            " (its group may write)"
        )
    return int(text, 8)


def _list(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in env.get(name, "").split(",") if entry.strip())


@cache
def _commit(home: Path) -> str:
    """Empty where the project is no git repository of its own, or git does not say."""
    if not (home / ".git").exists():
        return ""
    command = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _landing(env: Mapping[str, str], warehouse: str) -> str:
    zone = env.get("C360_LANDING", "")
    if "://" in zone or zone.startswith("gs:"):
        if not _BUCKET.match(zone):
            raise SettingsError(f"C360_LANDING is {zone!r}; it must be a folder, or gs://bucket or gs://bucket/prefix")
        if warehouse == "local":
            raise SettingsError(f"C360_LANDING is {zone!r}, and the embedded warehouse loads from a folder only")
    return zone


def _policy_tag(env: Mapping[str, str]) -> str:
    tag = env.get("C360_GOOGLE_POLICY_TAG", "")
    if tag and not _POLICY_TAG.fullmatch(tag):
        raise SettingsError(
            f"C360_GOOGLE_POLICY_TAG is {tag!r}; it must be a resource name such as"
            " projects/p/locations/eu/taxonomies/1/policyTags/2"
        )
    return tag


def _retention(env: Mapping[str, str]) -> dict[str, int | None]:
    found = dict(RETENTION_DAYS)
    for entry in _list(env, "C360_RETENTION_DAYS"):
        name, _, days = (part.strip() for part in entry.partition("="))
        if not re.fullmatch(r"candidates|orphans|landing|snapshots|history|quarantine|raw_\w+", name) or not (
            days == "never" or days.isdecimal()
        ):
            raise SettingsError(
                f"C360_RETENTION_DAYS has {entry!r}; it must be a list such as landing=14,raw_web=730,snapshots=never,"
                " of candidates, orphans, landing, snapshots, history, quarantine and raw_<system>"
            )
        found[name] = None if days == "never" else int(days)
    return found


def _truth(env: Mapping[str, str], name: str) -> bool | None:
    text = env.get(name, "").lower()
    if text not in ("", "true", "false"):
        raise SettingsError(f"{name} is {env[name]!r}; it must be true or false")
    return text == "true" if text else None


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    value = _number(env, name, Decimal(default))
    if value != int(value) or value < 0:
        raise SettingsError(f"{name} is {env[name]!r}; it must be a whole number")
    return int(value)


def _hours(env: Mapping[str, str], name: str, default: float) -> float:
    value = _number(env, name, Decimal(default))
    if value < 0:
        raise SettingsError(f"{name} is {env[name]!r}; it must be 0 or more")
    return float(value)


def _number(env: Mapping[str, str], name: str, default: Decimal) -> Decimal:
    text = env.get(name, "")
    try:
        value = Decimal(text) if text else default
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise SettingsError(f"{name} is {text!r}; it must be a number")
    return value
