"""A long BigQuery job through a real scheduler and triggerer: the worker is free meanwhile, the job dies with its task."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from cloud_server import CloudServer, Fault

from customer360.orchestration.api import AirflowApi, wait_for
from customer360.orchestration.components import WITH_UI, Components, free_port
from customer360.orchestration.local_airflow import LocalAirflow
from customer360.settings import load_settings
from orchestration.bigquery import MODEL, started, writing
from orchestration.processes import environment, left_behind

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
DAG = f"""
from datetime import timedelta

from airflow.sdk import DAG
from customer360.orchestration.operators import EnsureTables, WriteModel

with DAG("one_model") as dag:
    how = {{"run_date": "2024-06-30", "pool": "warehouse", "retries": 1, "retry_delay": timedelta(0)}}
    ensure = EnsureTables(task_id="ensure", **how)
    write = WriteModel(task_id="write", model="{MODEL}", deferrable=True, patience=0, **how)
    ensure >> write >> WriteModel(task_id="wait_here", model="{MODEL}", deferrable=False, **how)
"""
RUN = "/dags/one_model/dagRuns/it"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CloudServer]:
    with CloudServer(tmp_path / "cloud") as running:
        yield running


@pytest.fixture
def api(server: CloudServer, tmp_path: Path) -> Iterator[AirflowApi]:
    """An Airflow with this one Dag, up until the test is over."""
    home = tmp_path / "project"
    (home / "dags").mkdir(parents=True)
    (home / "dags" / "one_model.py").write_text(DAG, encoding="utf-8")
    (home / "plugins").mkdir()
    for folder in ("sql", "examples"):
        (home / folder).symlink_to(ROOT / folder)
    own = dict(server.environment)
    connection = json.loads(own.pop("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT"))
    settings = load_settings(environment(C360_HOME=home, C360_DATA=tmp_path / "data", **own))
    airflow = LocalAirflow(settings, port=free_port())
    components, parsed_after = Components(airflow, "test"), datetime.now(UTC)
    try:
        airflow.prepare()
        components.start(WITH_UI)
        with AirflowApi(airflow) as opened:
            opened.sign_in(check=components.check)
            # In the database, where a triggerer cannot look by itself: it asks its supervisor.
            stored = {**connection, "connection_id": "google_cloud_default", "extra": json.dumps(connection["extra"])}
            opened.call("POST", "/connections", json=stored)
            opened.ensure_pool("warehouse", 1, "Tasks that work on the warehouse at a time")
            opened.wait_for_dag("one_model", parsed_after=parsed_after, check=components.check)
            yield opened
    finally:
        components.stop(patience=5)
        for pid in left_behind(airflow.home):
            psutil.Process(pid).kill()


def test_jobs_end_with_their_tasks_and_deferred_ones_hold_no_worker(server: CloudServer, api: AirflowApi) -> None:
    server.faults.append(slow("write"))
    server.faults.append(slow("wait_here"))
    api.call("POST", "/dags/one_model/dagRuns", json={"dag_run_id": "it", "logical_date": None})
    until(lambda: task(api, "write")["triggerer_job"], "the task to be deferred, and the triggerer to take it")
    (job_id,) = started(server)
    assert task(api, "write")["state"] == "deferred"
    pool = api.call("GET", "/pools/warehouse")
    assert (pool["deferred_slots"], pool["occupied_slots"]) == (1, 0)  # somebody else may have the one slot there is
    links = api.call("GET", f"{RUN}/taskInstances/write/links")["extra_links"]
    assert job_id in links["Warehouse job"]  # to be followed while it runs

    clear = {"dry_run": False, "dag_run_id": "it", "task_ids": ["write"], "only_failed": False}
    api.call("POST", "/dags/one_model/clearTaskInstances", json=clear)
    until(lambda: ended(server, job_id) == "stopped", "the job to be cancelled")
    until(lambda: len(started(server)) == 3, "the next task's job")
    assert task(api, "write")["state"] == "success"  # in another try, which started another job
    first, second, third = started(server)
    assert (server.executed.get(first, 0), server.executed[second]) == (0, 1)
    links = api.call("GET", f"{RUN}/taskInstances/write/links")["extra_links"]
    assert second in links["Warehouse job"]

    assert task(api, "wait_here")["state"] == "running"
    api.call("PATCH", f"{RUN}/taskInstances/wait_here", json={"new_state": "failed"})
    until(lambda: ended(server, third) == "stopped", "the running task's job to be cancelled")
    until(lambda: api.run_state("one_model", "it") == "failed", "the run to end")
    assert started(server) == [first, second, third]


def slow(task_id: str) -> Fault:
    """This task's first job takes five minutes."""
    return Fault(
        "slow",
        "bigquery.jobs.insert",
        lambda entry: writing(entry) and entry.configuration["labels"]["task"] == task_id,
        seconds=300,
    )


def ended(server: CloudServer, job_id: str) -> str | None:
    """Why a job ended badly."""
    reason: str | None = server.jobs[job_id]["status"].get("errorResult", {}).get("reason")
    return reason


def until(ready: Callable[[], Any], what: str) -> None:
    wait_for(ready, what, check=lambda: None, timeout=90)


def task(api: AirflowApi, task_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.call("GET", f"{RUN}/taskInstances/{task_id}")
    return found
