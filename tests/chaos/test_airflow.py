"""Tasks killed (SIGKILL) under a real scheduler, and cleared with what follows, as on-call would."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from orchestration.processes import environment, left_behind
from orchestration.test_local_airflow import C360

from chaos.conftest import SWEEP, Shop
from chaos.oracle import differences, state
from chaos.reader import reading
from chaos.worker import Task
from customer360.orchestration.api import AirflowApi
from customer360.orchestration.headless import DAG_ID
from customer360.orchestration.local_airflow import LocalAirflow

pytestmark = pytest.mark.airflow

# Ten tasks in all, of each kind at most so many.
ALL, MOST = 10, {"ensure_tables": 1, "load": 3, "write": 4, "identity": 1, "audit": 3, "publish": 3}
_TITLE = "airflow worker -- "
_PATIENCE = 1500.0


@pytest.mark.skipif(not SWEEP, reason="make test-chaos")
def test_ten_tasks_killed_under_a_real_scheduler(shop: Shop, tmp_path: Path) -> None:
    task = shop.after(1, tmp_path / "data")
    env = environment(
        C360_HOME=task.home, C360_SOURCES=task.home / "bindings", C360_DATA=task.data, C360_SHOP=task.sources
    )
    log = (tmp_path / "demo.log").open("w")
    demo = subprocess.Popen(
        [C360, "demo", "--run-date", str(task.day)], env=env, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        with reading(task, shop.tables) as seen:
            killed = kill_ten(task, demo, random.Random(3))
            demo.wait(_PATIENCE)
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)
        for pid in left_behind(task.data / "airflow"):
            psutil.Process(pid).kill()
    told = (tmp_path / "demo.log").read_text()
    assert "✓ dashboards" in told and "✓ quality_page" in told, told  # the figures it ends with are of a whole shop
    assert len(killed) == ALL, f"{killed}\n{told}"
    assert {kind(task_id) for task_id, _ in killed} >= {"load", "write", "audit", "publish"}, killed
    assert differences(state(task), shop.states[task.day]) == []
    assert seen.problems == []
    assert seen.looks > 5


def kind(task_id: str) -> str:
    step = task_id.rpartition(".")[2]
    if step.startswith("write_"):
        return "identity" if step == "write_identity" else "write"
    return "load" if task_id.startswith("load_") else step


def kill_ten(task: Task, demo: subprocess.Popen[bytes], chance: random.Random) -> list[tuple[str, float]]:
    """Kill running tasks, each once, and clear it with what follows. Returns their ids, and how long each had run."""
    left, killed, known = Counter(MOST), list[tuple[str, float]](), set[str]()
    names: dict[str, str] = {}
    deadline = time.monotonic() + _PATIENCE
    api = sign_in(task, demo, deadline)
    with api:
        while len(killed) < ALL and demo.poll() is None:
            assert time.monotonic() < deadline, f"killed {killed}"
            for process, instance in workers(task.data / "airflow"):
                if instance in known:
                    continue
                known.add(instance)
                if instance not in names:
                    names = {t["id"]: t["task_id"] for t in api.task_instances(DAG_ID, f"manual__{task.day}")}
                task_id = names.get(instance, "")
                if left[kind(task_id)] <= 0 or task_id in dict(killed):
                    continue
                time.sleep(chance.uniform(0, 0.3))
                try:
                    seconds = time.time() - process.create_time()
                    process.kill()
                except psutil.NoSuchProcess:  # it was quicker
                    continue
                if wait_until_failed(api, task, task_id, deadline):
                    left[kind(task_id)] -= 1
                    killed.append((task_id, seconds))
                    body = {
                        "dry_run": False, "dag_run_id": f"manual__{task.day}", "task_ids": [task_id],
                        "include_downstream": True, "only_failed": False,
                    }  # fmt: skip
                    api.call("POST", f"/dags/{DAG_ID}/clearTaskInstances", json=body)
            time.sleep(0.02)
    return killed


def sign_in(task: Task, demo: subprocess.Popen[bytes], deadline: float) -> AirflowApi:
    """A client of the Airflow that the demo starts, once its run is there."""
    record = task.data / "airflow" / "running.json"
    while not record.exists():
        assert demo.poll() is None and time.monotonic() < deadline, "Airflow did not start"
        time.sleep(0.2)
    port = int(json.loads(record.read_text())["url"].rpartition(":")[2])
    api = AirflowApi(LocalAirflow(task.settings, port=port))
    api.sign_in(check=lambda: None, timeout=300)
    while not api.call("GET", "/dags/~/dagRuns")["dag_runs"]:
        assert demo.poll() is None and time.monotonic() < deadline, "the run did not start"
        time.sleep(0.2)
    return api


def workers(home: Path) -> Iterator[tuple[psutil.Process, str]]:
    """The processes that run a task of this Airflow now, and the ids of their task instances."""
    try:
        scheduler = psutil.Process(json.loads((home / "running.json").read_text())["sessions"]["scheduler"])
        running = scheduler.children(recursive=True)
    except (OSError, psutil.Error):  # it has stopped
        running = []
    for process in running:
        try:
            title = " ".join(process.cmdline())
            if title.startswith(_TITLE):
                yield process, title.removeprefix(_TITLE).strip()
        except psutil.Error:
            continue


def wait_until_failed(api: AirflowApi, task: Task, task_id: str, deadline: float) -> bool:
    """Whether Airflow has seen the task fail; it may have ended well just before."""
    while time.monotonic() < deadline:
        found = {t["task_id"]: t["state"] for t in api.task_instances(DAG_ID, f"manual__{task.day}")}
        if found[task_id] != "running":
            return found[task_id] in ("up_for_retry", "failed")
        time.sleep(0.2)
    return False
