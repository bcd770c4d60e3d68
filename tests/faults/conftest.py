"""One server for the tests of a process, a clock that need not be waited for, and uploads of more than one piece."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import google.api_core.retry.retry_base
import google.api_core.retry.retry_unary
import google.auth._exponential_backoff
import google.cloud.bigquery.client
import google.cloud.storage.blob
import google.resumable_media.requests._request_helpers
import pytest
from cloud_server import CloudServer, bigquery_results
from google.auth import credentials

import customer360.sources.landing
from faults.oracle import Undisturbed
from faults.scenario import Day, make_files

_PIECE = 256 * 1024
_ASKS_ELSEWHERE = "_is_regional_access_boundary_lookup_required"


class Clock:
    """Google's clients sleep for seconds and minutes between tries and give up after ten minutes. That logic is theirs
    here too; only the clock is not: to sleep moves it on at once."""

    def __init__(self) -> None:
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        time.sleep(min(seconds / 1000, 0.002))

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@pytest.fixture(scope="session")
def clock() -> Iterator[Clock]:
    made = Clock()
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            google.api_core.retry.retry_base,
            google.api_core.retry.retry_unary,
            google.auth._exponential_backoff,
            google.resumable_media.requests._request_helpers,
        ):
            patch.setattr(module, "time", made)
        # A look-up at another host, in a thread that no request waits for.
        patch.setattr(credentials.CredentialsWithRegionalAccessBoundary, _ASKS_ELSEWHERE, lambda _: False)
        # Uploads above a few MB go in pieces of many: smaller ones do the same, sooner. So do pages of results.
        patch.setattr(google.cloud.bigquery.client, "_MAX_MULTIPART_SIZE", _PIECE)
        patch.setattr(google.cloud.bigquery.client, "_DEFAULT_CHUNKSIZE", _PIECE)
        patch.setattr(google.cloud.storage.blob, "_MAX_MULTIPART_SIZE", _PIECE)
        patch.setattr(customer360.sources.landing, "_CHUNK_BYTES", _PIECE)
        patch.setattr(bigquery_results, "PAGE_ROWS", 2)
        yield made


@pytest.fixture(scope="session")
def fault_server(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[CloudServer]:
    with CloudServer(tmp_path_factory.mktemp("faults"), require_token=True, in_memory=True) as server:
        yield server


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return make_files(tmp_path_factory.mktemp("files"))


@pytest.fixture
def new_day(fault_server: CloudServer, files: Mapping[str, Path]) -> Callable[[], Day]:
    """Another day on a server as if new."""

    def make() -> Day:
        fault_server.reset()
        fault_server.add_bucket("landing")
        return Day(fault_server, files)

    return make


@pytest.fixture(scope="session")
def undisturbed(fault_server: CloudServer, files: Mapping[str, Path]) -> Undisturbed:
    fault_server.reset()
    fault_server.add_bucket("landing")
    day = Day(fault_server, files)
    assert day.run().error is None
    return Undisturbed(day.state(), day.executions(), tuple(fault_server.log))
