"""`c360 doctor` as a person runs it, over the contract server and real sources."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cloud_server import CloudServer

from customer360.cli.main import cli
from customer360.sample import generate
from doctor.shared import Report, read_once


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServer]:
    with CloudServer(tmp_path_factory.mktemp("doctor") / "server") as server:
        yield server


@pytest.fixture(autouse=True)
def _project_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customer360.project.load_project", read_once)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources to reach; nothing is loaded from them."""
    folder = tmp_path_factory.mktemp("sources") / "shop"
    generate(folder, customers=100, days=60, seed=1, until=date(2024, 6, 30))
    return folder


@pytest.fixture
def server(cloud: CloudServer) -> Iterator[CloudServer]:
    """An empty project with a landing bucket, whatever the last test left."""
    cloud.faults.clear()
    cloud.denied.clear()
    for key in [*cloud.tables]:
        cloud.client().delete_table(f"{cloud.project}.{key[0]}.{key[1]}", not_found_ok=True)
    cloud.datasets.clear()
    cloud.buckets.clear()
    cloud.objects.clear()
    cloud.add_bucket("landing")
    yield cloud
    cloud.faults.clear()


@pytest.fixture
def visit(server: CloudServer, shop: Path, tmp_path: Path) -> Any:
    """Run the command as a person does, with the environment of a deployment."""

    def run(*options: str, **environment: str) -> Report:
        given = {
            **server.environment,
            "C360_DATA": str(tmp_path / "data"),
            "C360_SHOP": str(shop),
            "C360_LANDING": "gs://landing/extracts",
            "COLUMNS": "120",
            **environment,
        }
        hidden = {name: None for name in os.environ if name.startswith("C360_") and name not in given}
        result = CliRunner().invoke(cli, ["doctor", *options], env={**hidden, **given})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        if "--json" not in options:
            return Report(result.exit_code, result.stdout)
        found = json.loads(result.stdout)
        assert found["ok"] == (result.exit_code == 0)
        return Report(result.exit_code, result.stdout, {check["name"]: check for check in found["checks"]})

    return run
