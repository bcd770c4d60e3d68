"""One server for all tests of a process; each test finds it as if new. Imported by the conftest of who uses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud_server import CloudServer


@pytest.fixture(scope="session")
def cloud_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServer]:
    with CloudServer(tmp_path_factory.mktemp("cloud")) as server:
        yield server


@pytest.fixture
def server(cloud_server: CloudServer) -> Iterator[CloudServer]:
    yield cloud_server
    cloud_server.reset()
