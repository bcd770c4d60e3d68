"""A shelf of days on a lake of its own, and the same over HTTP on the contract server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cloud_server import CloudServer
from cloud_server.fixtures import cloud_server, server
from conftest import ROOT

from customer360.project import load_project
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.local import LocalWarehouse
from history.shelf import Shelf

__all__ = ["cloud_server", "server"]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    warehouse = LocalWarehouse(tmp_path / "lake", schemas=load_project(ROOT).schemas, threads=2)
    yield Shelf(warehouse, tmp_path)
    warehouse.close()


@pytest.fixture
def cloud_shelf(server: CloudServer, tmp_path: Path) -> Iterator[Shelf]:
    warehouse = BigQueryWarehouse(server.client(), location=server.location, labels={})
    yield Shelf(warehouse, tmp_path)
    warehouse.close()
