"""Google's clients at the contract server, and plain requests where a client would not send what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.cloud import bigquery, storage

from cloud_server import CloudServer
from cloud_server.fixtures import cloud_server, server

__all__ = ["cloud_server", "server"]
FIELDS = [
    bigquery.SchemaField("id", "STRING", description="Key."),
    bigquery.SchemaField("day", "DATE", policy_tags=bigquery.PolicyTagList(["projects/p/locations/eu/taxonomies/1"])),
]


class Plain:
    """Requests without a client: what is answered, as it is on the wire."""

    def __init__(self, server: CloudServer) -> None:
        self.server, self.session = server, requests.Session()

    def __call__(self, verb: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        if body is not None:
            options["data"] = json.dumps(body)
            options["headers"] = {"Content-Type": "application/json", **options.get("headers", {})}
        url = path if path.startswith("http") else f"{self.server.url}{path}"
        return self.session.request(verb, url, timeout=30, **options)

    def bigquery(self, verb: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self(verb, f"/bigquery/v2/projects/{self.server.project}{path}", body, **options)


@pytest.fixture
def plain(server: CloudServer) -> Iterator[Plain]:
    made = Plain(server)
    yield made
    made.session.close()


@pytest.fixture
def client(server: CloudServer) -> Iterator[bigquery.Client]:
    """With a dataset `core`."""
    made = server.client()
    made.create_dataset("core")
    yield made
    made.close()


@pytest.fixture
def bucket(server: CloudServer) -> Iterator[storage.Bucket]:
    client = server.storage_client()
    yield client.create_bucket("landing")
    client.close()


@pytest.fixture
def table(client: bigquery.Client) -> bigquery.Table:
    """`core.visits`, by day, described and tagged, without rows."""
    new = bigquery.Table(f"{client.project}.core.visits", schema=FIELDS)
    new.time_partitioning = bigquery.TimePartitioning(field="day")
    new.description, new.labels = "Visits.", {"owner": "web"}
    return client.create_table(new)


def query(client: bigquery.Client, sql: str, **config: Any) -> list[dict[str, Any]]:
    """The rows that a query gives."""
    return [dict(row) for row in client.query(sql, job_config=bigquery.QueryJobConfig(**config)).result()]


def write(client: bigquery.Client, sql: str, to: str, disposition: str = "WRITE_TRUNCATE", **config: Any) -> Any:
    """A finished query job that writes to a table."""
    destination = bigquery.TableReference.from_string(f"{client.project}.{to}")
    settings = bigquery.QueryJobConfig(destination=destination, write_disposition=disposition, **config)
    job = client.query(sql, job_config=settings)
    job.result()
    return job
