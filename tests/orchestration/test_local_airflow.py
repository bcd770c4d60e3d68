"""Runs through a real scheduler: a whole day that is killed in the middle and run again, and a failing source."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from chaos.shop import small_project
from conftest import build_all, load_all, open_build
from security import network

from customer360.orchestration.connections import open_warehouse
from customer360.project import load_project
from customer360.sample import Manifest
from customer360.settings import Settings, load_settings
from orchestration.events import problems
from orchestration.processes import environment, left_behind
from orchestration.receivers import webhook

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
C360 = Path(sys.executable).parent / "c360"


def demo(arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [C360, "demo", *arguments], env=env, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False
    )


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


@pytest.fixture(params=["a few tables", pytest.param("the whole project", marks=pytest.mark.long)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The project, or one with a table of every kind, whose day takes a quarter."""
    return ROOT if request.param == "the whole project" else small_project(tmp_path / "home")


def test_a_day_killed_in_the_middle_and_run_again_ends_in_the_same_tables(tmp_path: Path, home: Path) -> None:
    project = load_project(home)
    places = {} if home == ROOT else {"C360_HOME": home, "C360_SOURCES": home / "bindings"}
    data = tmp_path / "data"
    airflow, env, arguments = data / "airflow", environment(C360_DATA=data, **places), ["--customers", "200"]
    started = time.time()
    killed = subprocess.Popen(
        [C360, "demo", *arguments], env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    _wait_for_log(data / "logs" / "tasks", "load_", since=started, patience=480)
    assert network.listening(airflow) == {"127.0.0.1"}
    assert network.answered(json.loads((airflow / "running.json").read_text())["url"]) <= network.PUBLIC
    _wait_for_log(data / "logs" / "tasks", "core.write_", since=started, patience=480)
    refused = demo(arguments, env)
    assert refused.returncode == 1
    assert "another c360 demo or up is at work" in refused.stderr
    sessions = json.loads((airflow / "running.json").read_text())["sessions"]
    os.kill(sessions["scheduler"], signal.SIGKILL)
    killed.kill()
    killed.wait()
    assert left_behind(airflow)  # the API server and the executor's workers outlive them

    done = demo(arguments, env)
    assert done.returncode == 0, done.stdout + done.stderr
    for group in ("load_crm", "load_web", "staging", "core", "marts", "dashboards"):
        assert f"✓ {group} " in done.stdout
    assert "reports/quality.html   data quality as a page" in done.stdout
    assert (data / "reports" / "quality.html").is_file()
    for heading in ("Loaded from the sources", "Refused, and why", "Data quality", "Where things are", "What next"):
        assert heading in done.stdout
    assert left_behind(airflow) == []
    # Others read nothing. (A link has no rights of its own.)
    assert [str(path) for path in data.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077] == []

    settings = load_settings(env)
    truth = Manifest.read(data / "shop")
    warehouse = open_warehouse(settings, project)
    try:
        orders, gross = _row(
            warehouse, "SELECT COUNT(*) AS orders, SUM(gross_revenue) AS gross FROM core.fct_orders"
        ).values()
        changes = warehouse.query(
            "SELECT table_name, run_by, run_type FROM ops.runs WHERE run_id = 'manual__2024-06-30'"
            " AND rows_after IS NOT NULL AND seconds > 0 AND code_version IS NOT NULL"
        ).to_pylist()
    finally:
        warehouse.close()
    assert (orders, gross) == (truth.truths["orders"], truth.truths["gross_revenue"])
    expected = without_airflow(tmp_path / "direct", env | {"C360_SHOP": str(data / "shop")})
    assert sum(map(bool, expected.values())) >= 20  # have rows
    assert expected["marts.customer_360"]
    assert tables(settings) == expected
    assert {(row["run_by"], row["run_type"]) for row in changes} == {("admin", "manual")}
    built = {str(name) for name, model in project.models.items() if model.materialized == "table"}
    assert {row["table_name"] for row in changes if not row["table_name"].startswith("raw_")} == built
    _check_events(data / "openlineage" / "events.jsonl", set(map(str, project.models)))


def _check_events(file: Path, models: set[str]) -> None:
    """Every task has told OpenLineage what it did. A task that was killed may have left half a line."""
    lines = file.read_text().splitlines()
    events = [found for line in lines if (found := _json(line))]
    assert len(events) >= len(lines) - 1
    assert [problem for event in events for problem in problems(event)] == []
    done = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
    assert "customer_360_daily" in done  # the run itself
    published = [made["name"] for job, event in done.items() if job.endswith(".publish") for made in event["outputs"]]
    assert set(published) == models
    written = [made["name"] for job, event in done.items() if ".write_" in job for made in event["outputs"]]
    assert set(written) == models
    (made,) = done["customer_360_daily.marts.write_customer_360"]["outputs"]
    assert "total_revenue" in made["facets"]["columnLineage"]["fields"]


def _json(line: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return found


def _row(warehouse: Any, sql: str) -> dict[str, Any]:
    found: dict[str, Any] = warehouse.query(sql).to_pylist()[0]
    return found


@pytest.fixture
def no_shop(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A project over a shop that is to be there and is not."""
    home = small_project(tmp_path / "home")
    example = home / "bindings" / "example.yaml"
    example.write_text(example.read_text().replace("sample: true", "sample: false"))
    yield environment(
        C360_HOME=home, C360_SOURCES=home / "bindings", C360_DATA=tmp_path / "data", C360_SHOP=tmp_path / "shop"
    )
    for pid in left_behind(tmp_path / "data" / "airflow"):
        psutil.Process(pid).kill()


def without_airflow(folder: Path, env: dict[str, str]) -> dict[str, list[str]]:
    """The same tables by the same code, one step after the other in this process."""
    settings = load_settings({**env, "C360_DATA": str(folder)})
    shop = Path(env["C360_SHOP"])
    build = open_build(settings, "direct")
    load_all(build, {f"shop_{name}": shop / f"{name}.sqlite" for name in ("crm", "commerce")})
    build_all(build)
    build.warehouse.close()
    return tables(settings)


def test_a_failing_source_fails_the_run_with_its_own_message(no_shop: dict[str, str], tmp_path: Path) -> None:
    with webhook() as hook:
        alerts = {"C360_ALERTS": "alerts", "AIRFLOW_CONN_ALERTS": f"{hook.url}/on-call", "C360_DEADLINE_HOURS": "0.001"}
        failed = demo([], no_shop | alerts)
    assert failed.returncode == 1
    assert "✗ load_crm.customer_info failed" in failed.stdout
    assert "load_crm.customer_info: there is no SQLite database" in failed.stderr
    assert left_behind(tmp_path / "data" / "airflow") == []
    # It was told, with what hangs on it; so was the deadline of 3.6 seconds. The page is there all the same.
    told = {document["title"]: document for _, _, document in hook.posts}
    alert = told["customer_360_daily of 2024-06-30: load_crm.customer_info failed"]
    assert "there is no SQLite database" in alert["what"] and alert["section"] == "SourceError"
    assert alert["affected"].startswith(
        "staging, identity, core, marts and dashboards are not published until it is mended"
    )
    assert "/tasks/load_crm.customer_info" in alert["url"]
    (late,) = [document for title, document in told.items() if "not done by" in title]
    assert "manual__2024-06-30" in late["title"] and late["section"] == "RunLate"
    page = (tmp_path / "data" / "reports" / "quality.html").read_text()
    assert "Data quality of 2024-06-30" in page


def _wait_for_log(folder: Path, task: str, *, since: float, patience: float) -> None:
    """Until a task of that name has written into its log."""
    deadline = time.monotonic() + patience
    while not any(f"task_id={task}" in str(path) and path.stat().st_mtime > since for path in folder.rglob("*.log")):
        assert time.monotonic() < deadline, f"{task} did not start within {patience} s"
        time.sleep(0.2)
