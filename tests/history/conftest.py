from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from customer360.project import load_project
from customer360.warehouse.local import LocalWarehouse
from history.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    warehouse = LocalWarehouse(tmp_path / "lake", schemas=load_project(ROOT).schemas, threads=2)
    yield Shelf(warehouse, tmp_path)
    warehouse.close()
