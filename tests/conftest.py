"""A built sample shop for tests that look at what the whole pipeline gives. Made once per test session, copied per worker."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock

from customer360.build import Build
from customer360.project import load_project
from customer360.sample import Manifest, generate
from customer360.settings import Settings, load_settings
from customer360.sources import Connection, check_freshness, load_bindings, load_table
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

ROOT = Path(__file__).resolve().parents[1]
RUN_DATE = date(2024, 6, 30)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no worker ends alone with them."""
    items.sort(key=lambda item: item.get_closest_marker("airflow") is None)
    if "C360_LONG" not in os.environ:
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="make test-long"))


def settings_for(folder: Path, **environment: str) -> Settings:
    """The project's own settings with data in `folder`, whatever the environment of the test run says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("C360_")}
    return load_settings({**kept, "C360_DATA": str(folder), **environment})


def open_build(settings: Settings, run_id: str, run_date: date = RUN_DATE) -> Build:
    project = load_project(settings.home)
    warehouse = LocalWarehouse(settings.lake, schemas=project.schemas, memory_limit="2GB")
    return Build(project, settings, warehouse, RunInfo(run_id, run_date))


def load_all(build: Build, connections: dict[str, Path]) -> None:
    """Load every bound table; `connections` maps an id to a SQLite file."""
    build.ensure()
    for system in load_bindings(build.settings.sources, build.project).values():
        for binding in system.tables.values():
            contract = build.project.contracts[binding.contract]
            load_table(
                binding,
                contract,
                run=build.run,
                warehouse=build.warehouse,
                settings=build.settings,
                connections=lambda name: Connection(kind="sqlite", database=str(connections[name])),
            )
            check_freshness(binding, contract, run=build.run, warehouse=build.warehouse)


def build_all(build: Build) -> None:
    for names in build.project.graph.layers().values():
        for name in build.project.graph.steps(names):
            build.write(name)
        build.audit(names)
        build.publish(names)


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of a sample shop that was loaded, built, audited and published. Shared: copy it to change it."""
    shared = (
        tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else tmp_path_factory.getbasetemp()
    )
    folder = shared / "built_shop"
    with FileLock(shared / "built_shop.lock"):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            generate(folder / "shop", customers=400, days=500, seed=11, until=RUN_DATE)
            build = open_build(settings_for(folder), "run_1")
            load_all(build, {f"shop_{name}": folder / "shop" / f"{name}.sqlite" for name in ("crm", "commerce")})
            build_all(build)
            build.warehouse.close()
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def manifest(shop_folder: Path) -> Manifest:
    """What the sample shop says it holds."""
    return Manifest.read(shop_folder / "shop")


@pytest.fixture(scope="session")
def small_shop(shop_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """A built shop of this worker's own, to look at and to add scratch tables to; published tables are not to be changed."""
    copy = tmp_path_factory.mktemp("small_shop")
    shutil.copytree(shop_folder / "lake", copy / "lake")
    build = open_build(settings_for(copy), "looking")
    yield build
    build.warehouse.close()
