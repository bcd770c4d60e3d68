"""The server as a whole: what it refuses and records, who it lets in, how clients find it, how quick it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.exceptions import RefreshError
from google.cloud import bigquery, storage
from google.oauth2 import service_account

from cloud_server import CloudServer
from cloud_server.answers import partial
from cloud_server.conftest import Plain

ROOT = Path(__file__).resolve().parents[2]
DATASET = {"datasetReference": {"projectId": "test-project", "datasetId": "core"}}


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[CloudServer]:
    """A server of the test's own, whose violations are expected."""
    server = CloudServer(tmp_path / "cloud", require_token=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def lenient(tmp_path: Path) -> Iterator[CloudServer]:
    """A server of the test's own, whose violations are expected."""
    server = CloudServer(tmp_path / "lenient")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("verb", "path", "body", "text"),
    [
        ("POST", "/datasets", {**DATASET, "colour": "red"}, "bigquery.datasets.insert.colour: unknown field"),
        ("POST", "/datasets", None, "a body is missing"),
        ("GET", "/datasets?colour=red", None, "unknown query parameter colour=red"),
        ("GET", "/nothing", None, "no method is called by GET"),
    ],
)
def test_what_google_s_description_forbids_is_refused_and_recorded(
    lenient: CloudServer, verb: str, path: str, body: dict[str, object] | None, text: str
) -> None:
    answer = Plain(lenient).bigquery(verb, path, body)
    assert answer.status_code == 400
    assert text in answer.json()["error"]["message"]
    assert text in lenient.violations[0]
    assert [entry.status for entry in lenient.log] == [400]


def test_an_answer_that_the_description_forbids_is_recorded(lenient: CloudServer) -> None:
    plain = Plain(lenient)
    plain.bigquery("POST", "/datasets", DATASET)
    lenient.datasets["core"]["colour"] = "red"
    assert plain.bigquery("GET", "/datasets/core").status_code == 200
    assert lenient.violations == ["answer to bigquery.datasets.get.colour: unknown field"]


def test_violations_fail_whoever_made_them(tmp_path: Path) -> None:
    def visit() -> None:
        with CloudServer(tmp_path) as server:
            Plain(server).bigquery("GET", "/nothing")

    with pytest.raises(AssertionError, match="no method is called by GET"):
        visit()


def test_what_the_server_has_not_is_said(plain: Plain) -> None:
    answer = plain.bigquery("GET", "/datasets/core/routines")
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (501, "notImplemented")
    other = plain("GET", "/bigquery/v2/projects/other/datasets")
    assert (other.status_code, other.json()["error"]["errors"][0]["reason"]) == (403, "accessDenied")


def test_every_request_is_recorded(server: CloudServer, plain: Plain) -> None:
    plain.bigquery("POST", "/datasets", DATASET)
    plain.bigquery("GET", "/datasets/core?prettyPrint=false")
    first, second = server.log
    assert (first.method, first.body, first.status) == ("bigquery.datasets.insert", DATASET, 200)
    assert (second.path, second.query) == ({"projectId": "test-project", "datasetId": "core"}, {"prettyPrint": "false"})
    assert server.sent("bigquery.datasets.get") == [second]


def test_a_partial_response_has_what_was_asked_for(plain: Plain) -> None:
    plain.bigquery("POST", "/datasets", DATASET)
    answer = plain.bigquery("GET", "/datasets?fields=datasets(id,datasetReference/datasetId),nextPageToken")
    assert answer.json() == {"datasets": [{"id": "test-project:core", "datasetReference": {"datasetId": "core"}}]}
    assert partial({"a": {"b": 1, "c": 2}, "d": 3}, "a/b") == {"a": {"b": 1}}
    assert partial({"a": 1}, "*") == {"a": 1}


def test_simple_requests_are_quick_over_one_connection(server: CloudServer, plain: Plain) -> None:
    plain.bigquery("POST", "/datasets", DATASET)
    connections, best = server.connections, 1.0
    for _ in range(5):  # the best of several: others use this machine too
        started = time.monotonic()
        for _ in range(20):
            plain.bigquery("GET", "/datasets/core")
        best = min(best, (time.monotonic() - started) / 20)
    assert best < 0.01
    assert server.connections == connections


# -- who is let in


def credentials(server: CloudServer) -> service_account.Credentials:
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    return service_account.Credentials.from_service_account_file(str(server.credentials_file), scopes=scopes)


def test_a_token_is_needed_and_given_for_the_right_key(strict: CloudServer) -> None:
    answer = Plain(strict).bigquery("GET", "/datasets")
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    client = strict.client(credentials=credentials(strict))
    client.create_dataset("core")
    assert strict.storage_client(credentials=credentials(strict)).create_bucket("landing").exists()
    assert strict.violations == []


def test_expired_tokens_are_renewed_by_the_client(strict: CloudServer) -> None:
    client = strict.client(credentials=credentials(strict))
    client.create_dataset("core")
    strict.expire_tokens()
    assert client.get_dataset("core").dataset_id == "core"
    assert [entry.status for entry in strict.sent("bigquery.datasets.get")] == [401, 200]


def test_another_key_gets_no_token(strict: CloudServer, tmp_path: Path) -> None:
    content = json.loads(strict.credentials_file.read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content | {"client_email": "someone@else.example"}))
    wrong = service_account.Credentials.from_service_account_file(str(other), scopes=["x"])
    with pytest.raises(RefreshError, match="invalid_grant"):
        list(strict.client(credentials=wrong).list_datasets())


# -- how clients find it


def test_the_environment_points_google_s_clients_at_it(server: CloudServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.credentials import AnonymousCredentials

    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    bigquery.Client(credentials=AnonymousCredentials()).create_dataset("core")
    storage.Client(credentials=AnonymousCredentials()).create_bucket("landing")
    assert (list(server.datasets), list(server.buckets)) == (["core"], ["landing"])


def test_it_serves_by_hand(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cloud_server", "--folder", str(tmp_path / "cloud"), "--bucket", "landing"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT / 'tests'}"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, _, url = process.stdout.readline().removeprefix("export ").strip().partition("=")
        assert name == "BIGQUERY_EMULATOR_HOST"
        try:
            import requests

            assert requests.get(f"{url}/storage/v1/b/landing", timeout=10).json()["name"] == "landing"
        finally:
            process.terminate()
