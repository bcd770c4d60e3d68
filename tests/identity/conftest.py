"""A desk of observations on a lake of its own, and the same on both engines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloud_server import CloudServer
from cloud_server.fixtures import cloud_server, server

from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.local import LocalWarehouse
from identity.shared import Desk

__all__ = ["cloud_server", "server"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    warehouse = LocalWarehouse(tmp_path / "lake")
    yield Desk(warehouse)
    warehouse.close()


@pytest.fixture
def cloud_desk(server: CloudServer) -> Iterator[Desk]:
    """The same over real HTTP to the contract server."""
    warehouse = BigQueryWarehouse(server.client(), location=server.location, labels={})
    yield Desk(warehouse)
    warehouse.close()


LONG = ("test_random_graphs.py", "test_stories.py", "test_resolve.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A thousand graphs, killed runs and chains of 10,000 take minutes: `make test-identity` runs them."""
    if "C360_IDENTITY_SWEEP" in os.environ:
        return
    for item in items:
        if item.path.name in LONG and "identity" in item.path.parts:
            item.add_marker(pytest.mark.skip(reason="make test-identity"))
