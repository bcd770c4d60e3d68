"""`c360 doctor` over the contract server: what it touches, says and leaves, and what it finds."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cloud_server import CloudServer, Fault
from conftest import ROOT, settings_for

from customer360.cli.main import cli
from customer360.doctor import Advice, Check, Finding, Result, Status, examine
from customer360.doctor.access import checks as access_checks
from customer360.doctor.bucket import readable_from
from customer360.doctor.cloud import bigquery_checks
from customer360.doctor.patient import Patient
from customer360.errors import WarehouseError
from customer360.sources.landing import FolderLanding
from customer360.warehouse.bigquery import BigQueryWarehouse
from doctor.shared import ALWAYS, DATASETS, GRANT, TAG, denied, left_behind, make_datasets, of_table, read_once

# -- the good run


def test_on_an_empty_project_nothing_fails_and_nothing_is_left(server: CloudServer, visit: Any) -> None:
    report = visit("--json")
    assert report.exit_code == 0, report.text
    assert report.named("warned") == ["network", "credentials"], "an emulator, and an anonymous connection"
    assert report.named("skipped") == ["location of datasets", "all datasets", "expiration"], "there is no dataset yet"
    assert report.checks["job ids and labels"]["status"] == "passed"
    assert left_behind(server) == []
    assert not server.datasets
    assert max(server.executed.values()) == 1


def test_on_a_project_with_datasets_it_makes_none(server: CloudServer, visit: Any) -> None:
    make_datasets(server)
    begun = len(server.log)
    report = visit("--json")
    assert report.exit_code == 0, report.text
    assert report.checks["bigquery.datasets.create"]["detail"] == "not needed: every dataset is there"
    assert all(name in report.checks["all datasets"]["detail"] for name in DATASETS if name != "ops")
    assert "bigquery.datasets.insert" not in {entry.method for entry in server.log[begun:]}
    assert left_behind(server) == []


def test_what_it_makes_expires_by_itself(server: CloudServer, visit: Any) -> None:
    make_datasets(server)
    begun = len(server.log)
    visit()
    made = [e.body or {} for e in server.log[begun:] if e.method == "bigquery.tables.insert"]
    assert len(made) > 4
    for body in made:  # a candidate's life is the warehouse's own: a week
        candidate = "__candidate_" in body["tableReference"]["tableId"]
        assert int(body["expirationTime"]) < (time.time() + (7 * 86_400 if candidate else 3600) + 100) * 1000


def test_the_report_says_first_what_it_will_touch_and_each_line_how_long_it_took(visit: Any) -> None:
    text = visit().text
    assert text.index("delete all of it at the end") < text.index("Access")
    lines = [line for line in text.splitlines() if line[:1] in "✓✗–!" and line.strip()]
    assert len(lines) > 30
    assert all(re.search(r"\(\d+\.\d s\)$", line) or line.startswith("–") for line in lines)
    assert text.rstrip().endswith("skipped.")
    assert "Nothing failed" in text


def test_a_service_account_is_named_with_its_scopes(tmp_path: Path, shop: Path) -> None:
    with CloudServer(tmp_path / "server", require_token=True) as server:
        connection = {
            "conn_type": "google_cloud_platform",
            "extra": {"key_path": str(server.credentials_file), "project": server.project},
        }
        environment = {
            **server.environment,
            "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": json.dumps(connection),
            "C360_DATA": str(tmp_path / "data"),
            "C360_SHOP": str(shop),
        }
        good = CliRunner().invoke(cli, ["doctor"], env=environment)
        server.faults.append(Fault("status", "bigquery.jobs.insert", status=403, reason="accessDenied", times=ALWAYS))
        bad = CliRunner().invoke(cli, ["doctor"], env=environment)
    email = f"pipeline@{server.project}.iam.gserviceaccount.com"
    assert good.exit_code == 0, good.stdout
    assert re.search(rf"✓ credentials +{re.escape(email)}, scopes: cloud-platform", good.stdout)
    assert f"--member=serviceAccount:{email} --role=roles/bigquery.jobUser" in bad.stdout


def test_without_network_what_needs_it_is_skipped_and_the_rest_goes_on(visit: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    report = visit("--json", BIGQUERY_EMULATOR_HOST=nobody)
    assert report.exit_code == 1
    assert report.named("failed") == ["network"]
    assert "HTTPS_PROXY" in report.checks["network"]["advice"]
    assert report.checks["credentials"]["detail"] == "it needs network, which failed"
    assert report.checks["sources"]["status"] == "passed"


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, "passed"), (30, "passed"), (90, "warned"), (-90, "warned"), (400, "failed"), (-400, "failed")],
)
def test_the_clock_is_compared_with_googles(seconds: int, status: str, server: CloudServer, tmp_path: Path) -> None:
    result = patient_results(server, tmp_path, now=lambda: datetime.now(UTC) + timedelta(seconds=seconds))["clock"]
    assert result.finding.status == status
    if status != "passed":
        assert result.finding.advice is not None
        assert result.finding.advice.commands == ("sudo timedatectl set-ntp true",)
        assert ("ahead" if seconds > 0 else "behind") in result.finding.detail


def patient_results(server: CloudServer, folder: Path, **options: Any) -> dict[str, Result]:
    """The checks of access alone, without Airflow."""
    settings = settings_for(folder, **server.environment)
    patient = Patient(
        settings,
        read_once(ROOT),
        lambda _: BigQueryWarehouse(server.client(), location="EU"),
        lambda _: FolderLanding(folder),
        **options,
    )
    return {result.check.name: result for result in examine(access_checks(patient))}


def test_datasets_elsewhere_are_named(server: CloudServer, visit: Any) -> None:
    make_datasets(server)
    server.datasets["marts"]["location"] = "US"
    report = visit("--json")
    assert "location of datasets" in report.named("failed")
    found = report.checks["location of datasets"]
    assert found["detail"] == "jobs run in EU, but marts is in US"
    assert found["commands"] == ["bq rm -r -d test-project:marts"]
    make_datasets_elsewhere = {**dict.fromkeys(DATASETS, "US")}
    for name, place in make_datasets_elsewhere.items():
        server.datasets[name]["location"] = place
    assert visit("--json").checks["location of datasets"]["commands"] == ["export C360_GOOGLE_LOCATION=US"]


def test_a_bucket_elsewhere_is_refused_before_a_load_is(server: CloudServer, visit: Any) -> None:
    server.buckets["landing"]["location"] = "US-EAST1"
    report = visit("--json")
    assert report.named("failed") == ["location of the bucket"]
    assert "the bucket is in US-EAST1" in report.checks["location of the bucket"]["detail"]


@pytest.mark.parametrize(
    ("bucket", "datasets", "fits"),
    [
        ("EU", "EU", True), ("EUROPE-WEST1", "EU", True), ("EUR4", "EU", True), ("US", "EU", False),
        ("US", "US", True), ("ASIA", "US", True), ("EU", "EUROPE-WEST1", False),
        ("EUROPE-WEST1", "EUROPE-WEST1", True), ("EUROPE-WEST2", "EUROPE-WEST1", False),
    ],
)  # fmt: skip
def test_googles_rule_of_where_a_bucket_may_be(bucket: str, datasets: str, fits: bool) -> None:
    assert readable_from(bucket, datasets) is fits


def test_datasets_that_let_tables_expire_are_named(server: CloudServer, visit: Any) -> None:
    make_datasets(server, defaultTableExpirationMs=str(60 * 86_400_000))
    report = visit("--json")
    assert report.exit_code == 0, "a run would work"
    found = report.checks["expiration"]
    assert found["status"] == "warned"
    assert "core after 60 days" in found["detail"]
    assert "sandbox" in found["advice"]
    assert any(command.endswith("test-project:core") for command in found["commands"])


def test_a_new_dataset_that_expires_shows_the_sandbox(
    server: CloudServer, visit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = server._tables
    insert = tables.insert_dataset
    sandboxed = {"defaultPartitionExpirationMs": str(60 * 86_400_000)}
    monkeypatch.setattr(tables, "insert_dataset", lambda body: insert(body | sandboxed))
    report = visit("--json")
    found = report.checks["bigquery.datasets.create"]
    assert found["status"] == "warned"
    assert "60 days" in found["detail"]
    assert "gcloud billing projects link" in found["commands"][0]


def test_what_cannot_be_deleted_is_named_with_the_command(server: CloudServer, visit: Any) -> None:
    server.faults.append(Fault(**denied(method="bigquery.datasets.delete")))
    report = visit("--json")
    assert report.named("failed") == ["nothing left behind"]
    (command,) = report.checks["nothing left behind"]["commands"]
    (dataset,) = server.datasets
    assert command == f"bq rm -r -f -d test-project:{dataset}"


def test_the_limits_are_of_this_project(visit: Any) -> None:
    detail = visit("--json").checks["limits per day"]["detail"]
    project = read_once(ROOT)
    tables = sum(model.materialized == "table" for model in project.models.values())
    assert f"{tables} query and {tables} copy jobs" in detail


def test_an_interrupted_visit_leaves_nothing(server: CloudServer, shop: Path, tmp_path: Path) -> None:
    server.faults.append(Fault("slow", "bigquery.jobs.insert", when=of_table("_raw"), seconds=60))
    environment = (
        os.environ
        | server.environment
        | {"C360_DATA": str(tmp_path / "data"), "C360_SHOP": str(shop), "C360_LANDING": "gs://landing"}
    )
    jobs = set(server.jobs)
    command = [sys.executable, "-m", "customer360.cli.main", "doctor"]
    environment["PYTHONPATH"] = str(ROOT / "plugins")
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that a shell runs in the background ignore it, and with them whom they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 60
        while not any(key[1].endswith("_raw") for key in server.tables) or not server.objects:
            assert time.monotonic() < deadline, "it never came to the load"
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        time.sleep(0.1)  # into the load, not past it
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode != 0, said
    assert "what was made is being deleted" in said
    assert left_behind(server) == []
    (job,) = [
        job for name, job in server.jobs.items() if name not in jobs and "_raw" in json.dumps(job["configuration"])
    ]
    assert job["status"]["state"] == "DONE", "else it would make its table again"


# -- how it is told


def test_a_failure_is_told_in_googles_words_with_commands_to_paste(server: CloudServer, visit: Any) -> None:
    make_datasets(server)
    message = "Access Denied: Dataset test-project:ops: Permission bigquery.tables.create denied"
    server.faults.append(Fault(**denied(message, method="bigquery.tables.insert")))
    report = visit()
    assert report.exit_code == 1
    lines = report.text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("✗ bigquery.tables.create"))
    block = lines[at + 1 : next(n for n in range(at + 1, len(lines)) if lines[n][:1] in "✓✗–!")]
    assert message in " ".join(line.strip() for line in block)
    assert block[-1].strip() == f"bq query --project_id=test-project --location=EU --use_legacy_sql=false {GRANT}"
    assert "– bigquery.tables.delete       skipped: it needs bigquery.tables.create, which failed" in lines
    assert report.text.rstrip().splitlines()[-1].startswith("1 failed (bigquery.tables.create),")


def test_checks_that_need_a_failed_one_are_skipped_and_others_go_on() -> None:
    def broken() -> Finding:
        raise WarehouseError("no")

    fine = Finding(Status.PASSED)
    heard: list[str] = []
    results = examine(
        [
            Check("g", "a", broken, explain=lambda error: Finding(Status.FAILED, str(error), Advice("do this"))),
            Check("g", "b", lambda: fine, ("a",)),
            Check("g", "c", lambda: fine, ("b",)),
            Check("g", "d", lambda: fine),
            Check("g", "e", lambda: fine, ("d",)),
        ],
        lambda check: heard.append(check.name),
    )
    found = {result.check.name: result.finding for result in results}
    assert found["a"] == Finding(Status.FAILED, "no", Advice("do this"))
    assert [found[name].status for name in "bcde"] == ["skipped", "skipped", "passed", "passed"]
    assert found["b"].detail == "it needs a, which failed"
    assert found["c"].detail == "it needs b, which was skipped"
    assert heard == list("abcde")


def test_every_need_is_the_name_of_an_earlier_check(server: CloudServer, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, **server.environment, C360_LANDING="gs://landing", C360_GOOGLE_POLICY_TAG=TAG)
    patient = Patient(settings, read_once(ROOT), lambda _: None, lambda _: FolderLanding(tmp_path))  # type: ignore[arg-type,return-value]
    known: list[str] = []
    for check in bigquery_checks(patient):
        assert set(check.needs) <= set(known), check.name
        assert check.name not in known, "names are told apart"
        known.append(check.name)
    assert len(known) > 30
