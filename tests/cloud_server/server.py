"""Google's two services on this machine, for Google's own clients."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from cloud_server.answers import Resource
from cloud_server.bigquery_jobs import Jobs
from cloud_server.bigquery_queries import Queries
from cloud_server.bigquery_results import Results
from cloud_server.bigquery_tables import Clock, Key, Tables
from cloud_server.bigquery_work import Work
from cloud_server.exchange import Exchange
from cloud_server.faults import Entry, Fault
from cloud_server.http_front import Front
from cloud_server.memory_store import MemoryStore
from cloud_server.routes import Routes
from cloud_server.storage_api import Storage
from cloud_server.store import Store
from cloud_server.tokens import Tokens


class CloudServer:
    """BigQuery v2 and Cloud Storage v1, as far as this project uses them, over HTTP on 127.0.0.1.

    Rows are in a lake in `folder`, or `in_memory`, which is quicker; queries run in the project's own dialect. Leaving
    the with-block raises AssertionError if any request or answer was not as Google's description says, or a job was
    executed twice.
    """

    def __init__(
        self,
        folder: Path,
        *,
        project: str = "test-project",
        location: str = "EU",
        port: int = 0,
        require_token: bool = False,
        in_memory: bool = False,
    ) -> None:
        self.folder, self.project, self.location = folder, project, location
        folder.mkdir(parents=True, exist_ok=True)
        self.violations: list[str] = []
        self.denied: set[str] = set()  # permissions that testIamPermissions does not grant
        self._front = Front(port)
        self.url = f"http://127.0.0.1:{self._front.server_port}"
        clock = Clock()
        self._store = (MemoryStore if in_memory else Store)(folder / "lake")
        self._tables = Tables(project, location, self._store, clock)
        self._storage = Storage(location, clock, self.url)
        self._storage.denied = self.denied
        queries = Queries(self._tables)
        self._jobs = Jobs(self._tables, queries, Work(self._tables, self._storage.objects), self.violations)
        results = Results(self._tables, self._jobs)
        routes = Routes(self._tables, queries, self._jobs, results, self._storage, self.denied)
        self._tokens = Tokens(self.url, project)
        self._exchange = Exchange(routes, self._tokens, self.violations, require_token=require_token)
        self._front.exchange = self._exchange
        self._thread = Thread(target=self._front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        if error is None:
            assert not self.violations, "\n".join(self.violations)

    def start(self) -> None:
        _ = self._store.connection  # the lake is made before the first request
        self._thread.start()

    def stop(self) -> None:
        self._front.close_all()
        self._jobs.close()
        self._store.close()

    # -- pointing clients at it

    @property
    def environment(self) -> dict[str, str]:
        """What points Google's clients, Airflow and this package at the server."""
        connection = {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": self.project}}
        return {
            "BIGQUERY_EMULATOR_HOST": self.url,
            "STORAGE_EMULATOR_HOST": self.url,
            "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": json.dumps(connection),
            "GOOGLE_CLOUD_PROJECT": self.project,
            "C360_WAREHOUSE": "bigquery",
            "C360_GOOGLE_PROJECT": self.project,
            "C360_GOOGLE_LOCATION": self.location,
        }

    def client(self, **options: Any) -> Any:
        """A `google.cloud.bigquery.Client`, whatever the environment says."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        given = {"credentials": AnonymousCredentials(), **options}
        return bigquery.Client(project=self.project, client_options={"api_endpoint": self.url}, **given)

    def storage_client(self, **options: Any) -> Any:
        """A `google.cloud.storage.Client`, whatever the environment says."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        given = {"credentials": AnonymousCredentials(), **options}
        return storage.Client(project=self.project, client_options={"api_endpoint": self.url}, **given)

    @property
    def credentials_file(self) -> Path:
        """A service account's key, whose tokens this server gives."""
        file = self.folder / "service_account.json"
        return file if file.exists() else self._tokens.write(file)

    def expire_tokens(self) -> None:
        self._tokens.expire()

    def reset(self) -> None:
        """Forget everything, as if newly started: quicker than another server. To be called while no request runs."""
        found = "\n".join(self.violations)
        for dataset in list(self.datasets):
            self._tables.delete_dataset(dataset, contents=True)
        self._jobs.forget()
        self._storage.forget()
        self._exchange.forget()
        self.denied.clear()
        self.violations.clear()
        assert not found, found

    def end_jobs(self) -> None:
        """Let the jobs that are to be seen running come to their ends, as time would."""
        self._jobs.end_all()

    # -- looking inside

    @property
    def faults(self) -> list[Fault]:
        return self._exchange.faults

    @faults.setter
    def faults(self, faults: list[Fault]) -> None:
        self._exchange.faults[:] = faults

    @property
    def log(self) -> list[Entry]:
        return self._exchange.log

    def sent(self, method: str) -> list[Entry]:
        """The requests of a method, such as `bigquery.jobs.insert`."""
        return [entry for entry in list(self.log) if entry.method == method]

    def query(self, duckdb_sql: str) -> pa.Table:
        """What a query gives that DuckDB understands."""
        return self._store.read(duckdb_sql)

    @property
    def datasets(self) -> dict[str, Resource]:
        return self._tables.datasets

    @property
    def tables(self) -> dict[Key, Resource]:
        return self._tables.tables

    @property
    def jobs(self) -> dict[str, Resource]:
        return self._jobs.jobs

    @property
    def executed(self) -> dict[str, int]:
        return self._jobs.executed

    @property
    def buckets(self) -> dict[str, Resource]:
        return self._storage.buckets

    @property
    def objects(self) -> dict[Key, bytes]:
        return self._storage.objects

    @property
    def connections(self) -> int:
        """How many connections clients hold."""
        return len(self._front.open)

    def add_bucket(self, name: str) -> None:
        self._storage.insert_bucket({"name": name})

    def rows(self, dataset: str, table: str) -> list[dict[str, Any]]:
        """The rows of a table, sorted by their text."""
        with self._store.lock:
            found = self._store.read(f'SELECT * FROM "{dataset}"."{table}"')
        return sorted(found.to_pylist(), key=str)
