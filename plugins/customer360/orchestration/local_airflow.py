"""A local Airflow in one folder: its environment, secrets and database. Bound to loopback, login required."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from customer360.errors import Customer360Error
from customer360.settings import Settings

USER = "admin"


class LocalAirflowError(Customer360Error):
    """The local Airflow could not be started, or a run in it failed. The message says which task, and what it said."""


@dataclass(frozen=True)
class LocalAirflow:
    """Airflow's files under `settings.data`, and where its API listens.

    `schedule`: whether runs start by the clock; without it only those that somebody asks for.
    """

    settings: Settings
    port: int
    host: str = "127.0.0.1"
    schedule: bool = False

    @property
    def home(self) -> Path:
        return self.settings.data / "airflow"

    @property
    def logs(self) -> Path:
        return self.settings.data / "logs"

    @property
    def events(self) -> Path:
        """OpenLineage events, one JSON object a line."""
        return self.settings.data / "openlineage" / "events.jsonl"

    @property
    def url(self) -> str:
        """Where the UI is, for this machine's browser."""
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Generated once per folder, readable by its owner only."""
        file = self.home / "secrets.json"
        if not file.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            names = ("password", "jwt_secret", "api_secret")
            key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()  # what Fernet asks for
            _write_private(file, {**{name: secrets.token_urlsafe(24) for name in names}, "fernet_key": key})
        found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return found

    def environment(self) -> dict[str, str]:
        """What every process and task of this Airflow sees."""
        settings, hidden = self.settings, self.secrets
        options = {
            "CORE__DAGS_FOLDER": settings.home / "dags",
            "CORE__PLUGINS_FOLDER": settings.home / "plugins",
            "CORE__LOAD_EXAMPLES": False,
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": 4,  # processes forked at start; the pool decides how many tasks write
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": self.home / "passwords.json",
            "CORE__FERNET_KEY": hidden["fernet_key"],  # connections added in the UI lie encrypted in the database
            "API__HOST": self.host,
            "API__PORT": self.port,
            "API__BASE_URL": self.url,
            "API__SECRET_KEY": hidden["api_secret"],
            "API_AUTH__JWT_SECRET": hidden["jwt_secret"],
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "customer360.orchestration.airflow_database.CONNECT_ARGS",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 30,
            "DAG_PROCESSOR__PARSING_PROCESSES": 1,
            "OPERATORS__DEFAULT_DEFERRABLE": bool(settings.deferrable),  # only then does a triggerer run
            "LOGGING__BASE_LOG_FOLDER": self.logs / "tasks",
            "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": self.logs / "dag_processor",
            "LOGGING__COLORED_CONSOLE_LOG": False,
            # Airflow opens its tasks' logs to the group and to all, whatever the umask.
            "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": f"0o{0o777 & ~settings.umask:o}",
            "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": f"0o{0o666 & ~settings.umask:o}",
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.1,
            "SCHEDULER__USE_JOB_SCHEDULE": self.schedule,
            # A scheduler that was killed is noticed, and its tasks are run again, within seconds instead of minutes.
            "SCHEDULER__JOB_HEARTBEAT_SEC": 2,
            "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": 15,
            "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 10,
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 60,
        }
        lineage = {
            "DISABLED": not settings.openlineage,
            "TRANSPORT": json.dumps({"type": "file", "log_file_path": str(self.events), "append": True}),
            "NAMESPACE": "customer360",
            # The provider would fork the task's process for every event, with all its connections.
            "EXECUTE_IN_THREAD": True,
        }
        project = {"HOME": settings.home, "DATA": settings.data, "SOURCES": settings.sources}
        return {
            **os.environ,
            **settings.environment,
            **{f"C360_{name}": str(value) for name, value in project.items()},
            "AIRFLOW_HOME": str(self.home),
            **{f"AIRFLOW__{name}": str(value) for name, value in options.items()},
            **{
                name: str(value)
                for key, value in lineage.items()
                if (name := f"AIRFLOW__OPENLINEAGE__{key}") not in os.environ  # somebody's own goes to a server, say
            },
            "PYTHONUNBUFFERED": "1",
            "SPT_NOENV": "1",  # else a process title overwrites the environment by which components.py knows its own
            "SCARF_ANALYTICS": "false",  # providers and Airflow's own image would report their use
            "DO_NOT_TRACK": "1",
            "NO_COLOR": "1",
        }

    def prepare(self) -> None:
        """Folders, login and metadata database, as this version of Airflow wants them. Quick when they are there."""
        self.settings.make_data_folder()
        for folder in (self.home, self.logs, self.events.parent):
            folder.mkdir(parents=True, exist_ok=True)
        _write_private(self.home / "passwords.json", {USER: self.secrets["password"]})
        stamp = self.home / "migrated"
        wanted = version("apache-airflow-core")
        if stamp.exists() and stamp.read_text() == wanted and (self.home / "airflow.db").exists():
            return
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        (self.logs / "db_migrate.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode:
            last = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-1:]
            raise LocalAirflowError(
                f"Airflow's database could not be prepared: {' '.join(last)} (see {self.logs / 'db_migrate.log'})"
            )
        stamp.write_text(wanted)


def _write_private(file: Path, content: Mapping[str, str]) -> None:
    """JSON that only the owner may read, from its first byte on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), 0o600)
        json.dump(content, stream)
