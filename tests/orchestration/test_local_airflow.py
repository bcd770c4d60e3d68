"""Runs through a real scheduler: the whole day, a failing source, and a run that is killed and run again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest

from customer360.build import Build
from customer360.orchestration.connections import airflow_connection, open_warehouse
from customer360.project import TableName, load_project
from customer360.sample import Manifest, generate
from customer360.settings import Settings, load_settings
from customer360.sources import load_bindings, load_table
from customer360.warehouse.port import RunInfo

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
C360 = Path(sys.executable).parent / "c360"
DAY = date(2024, 6, 30)


def environment(**changes: object) -> dict[str, str]:
    """This process's, without what the other tests set for themselves."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "C360_"))}
    return own | {name: str(value) for name, value in changes.items()}


def demo(arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [C360, "demo", *arguments], env=env, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )


def left_behind(home: Path) -> list[int]:
    """Processes that still belong to the Airflow of this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("AIRFLOW_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def tables(settings: Settings) -> dict[str, list[str]]:
    """Every published table of the project, its rows in one order, without what tells runs apart."""
    project = load_project(settings.home)
    warehouse = open_warehouse(settings, project)
    try:
        found = {}
        for name in project.graph.order:
            columns = [c for c in project.schema(name) if c not in ("_loaded_at", "_batch_id")]
            rows = warehouse.query(f"SELECT {', '.join(columns)} FROM {name}").to_pylist()
            found[str(name)] = sorted(json.dumps(row, default=str) for row in rows)
        return found
    finally:
        warehouse.close()


def test_one_day_from_sources_to_dashboards(tmp_path: Path) -> None:
    env = environment(C360_DATA=tmp_path)
    done = demo(["--customers", "200"], env)
    assert done.returncode == 0, done.stdout + done.stderr
    for group in ("load_crm", "load_web", "staging", "core", "marts", "dashboards"):
        assert f"✓ {group} " in done.stdout
    for heading in ("Loaded from the sources", "Refused, and why", "Data quality", "Where things are", "What next"):
        assert heading in done.stdout
    assert left_behind(tmp_path / "airflow") == []

    truth = Manifest.read(tmp_path / "shop")
    settings = load_settings(env)
    warehouse = open_warehouse(settings, load_project(ROOT))
    try:
        orders, gross = _row(warehouse, "SELECT COUNT(*), SUM(gross_revenue) FROM core.fct_orders").values()
        loads = warehouse.query("SELECT table_name, rows_loaded, rows_quarantined FROM ops.loads").to_pylist()
    finally:
        warehouse.close()
    assert (orders, gross) == (truth.truths["orders"], truth.truths["gross_revenue"])
    assert {row["table_name"].removeprefix("raw_"): row["rows_loaded"] for row in loads} == {
        name: facts.rows_loaded for name, facts in truth.tables.items()
    }
    for file in (tmp_path / "airflow" / "secrets.json", tmp_path / "airflow" / "passwords.json"):
        assert file.stat().st_mode & 0o077 == 0, f"{file} may be read by others"


def _row(warehouse: Any, sql: str) -> dict[str, Any]:
    found: dict[str, Any] = warehouse.query(sql).to_pylist()[0]
    return found


@pytest.fixture
def small(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A project with the first two layers only, over a shop that is there: quick, and the same code and Dag."""
    home = tmp_path / "project"
    shutil.copytree(ROOT / "dags", home / "dags")
    (home / "plugins").mkdir()
    shutil.copy(ROOT / "plugins" / "customer360_plugin.py", home / "plugins")
    shutil.copytree(ROOT / "examples" / "sample_shop", home / "examples" / "sample_shop")
    example = home / "examples" / "sample_shop" / "example.yaml"
    example.write_text(example.read_text().replace("sample: true", "sample: false"))
    for folder in ("sql", "expectations"):
        for dataset in (ROOT / folder).iterdir():
            if dataset.name.startswith(("raw_", "staging", "identity", "queries")):
                shutil.copytree(dataset, home / folder / dataset.name)
    yield environment(C360_HOME=home, C360_DATA=tmp_path / "data", C360_SHOP=tmp_path / "shop")
    for pid in left_behind(tmp_path / "data" / "airflow"):
        psutil.Process(pid).kill()


def without_airflow(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The same tables by the same code, one step after the other in this process."""
    for name in ("C360_HOME", "C360_DATA", "C360_SHOP"):
        monkeypatch.setenv(name, settings.environment[name])
    project = load_project(settings.home)
    warehouse = open_warehouse(settings, project)
    run = RunInfo("manual__test", DAY)
    build = Build(project=project, settings=settings, warehouse=warehouse, run=run)
    build.ensure()
    for system in load_bindings(settings.sources, project).values():
        for binding in system.tables.values():
            load_table(
                binding,
                project.contracts[binding.contract],
                run=run,
                warehouse=warehouse,
                settings=settings,
                connections=airflow_connection,
            )
    for names in project.graph.layers().values():
        for name in names:
            build.write(name)
        build.publish(names)
    warehouse.close()
    return tables(settings)


def test_a_failing_source_then_a_killed_run_then_the_same_tables(
    small: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "data" / "airflow"
    failed = demo([], small)
    assert failed.returncode == 1
    assert "✗ load_crm.customer_info failed" in failed.stdout
    assert "load_crm.customer_info: there is no SQLite database" in failed.stderr
    assert left_behind(home) == []

    generate(tmp_path / "shop", customers=200, days=730, seed=7, until=DAY)
    started = time.time()
    killed = subprocess.Popen([C360, "demo"], env=small, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    _wait_for_log(tmp_path / "data" / "logs" / "tasks", "staging.write_", since=started, patience=180)
    refused = demo([], small)
    assert refused.returncode == 1 and "another c360 demo or up is at work" in refused.stderr
    sessions = json.loads((home / "running.json").read_text())["sessions"]
    os.kill(sessions["scheduler"], signal.SIGKILL)
    killed.kill()
    killed.wait()
    assert left_behind(home)  # the API server and the executor's workers outlive them

    again = demo([], small)
    assert again.returncode == 0, again.stdout + again.stderr
    assert left_behind(home) == []
    expected = without_airflow(load_settings(small | {"C360_DATA": str(tmp_path / "direct")}), monkeypatch)
    assert expected[str(TableName("identity", "identity_map"))]
    assert tables(load_settings(small)) == expected


def _wait_for_log(folder: Path, task: str, *, since: float, patience: float) -> None:
    """Until a task of that name has written into its log."""
    deadline = time.monotonic() + patience
    while not any(f"task_id={task}" in str(path) and path.stat().st_mtime > since for path in folder.rglob("*.log")):
        assert time.monotonic() < deadline, f"{task} did not start within {patience} s"
        time.sleep(0.2)
