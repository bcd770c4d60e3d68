"""`c360 doctor`: over the contract server each check is made to fail in turn, and the report says what to do about it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from cloud_server import CloudServer, Fault
from cloud_server.faults import Entry
from conftest import ROOT, settings_for

from customer360.cli.main import cli
from customer360.doctor import Advice, Check, Finding, Result, Status, examine
from customer360.doctor.access import checks as access_checks
from customer360.doctor.bucket import readable_from
from customer360.doctor.cloud import bigquery_checks
from customer360.doctor.patient import Patient
from customer360.errors import WarehouseError
from customer360.project import load_project
from customer360.sample import generate
from customer360.sources.landing import FolderLanding
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.lake import write_lock

DATASETS = [
    "raw_commerce", "raw_crm", "raw_finance", "raw_identity", "raw_loyalty", "raw_marketing", "raw_privacy",
    "raw_support", "raw_traits", "raw_web", "quarantine", "staging", "identity", "core", "marts", "dashboards", "ops",
]  # fmt: skip
TAG = "projects/p/locations/eu/taxonomies/1/policyTags/2"
ALWAYS = 99
_READ_ONCE = cache(load_project)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServer]:
    with CloudServer(tmp_path_factory.mktemp("doctor") / "server") as server:
        yield server


@pytest.fixture(autouse=True)
def _project_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customer360.project.load_project", _READ_ONCE)


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


@dataclass(frozen=True)
class Report:
    exit_code: int
    text: str
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def named(self, status: str) -> list[str]:
        return [name for name, check in self.checks.items() if check["status"] == status]


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


def make_datasets(server: CloudServer, *names: str, **settings: str) -> None:
    """As terraform/ does; all, if none is named."""
    client = server.client()
    for name in names or DATASETS:
        client.create_dataset(name)
        server.datasets[name] |= settings


def left_behind(server: CloudServer) -> list[str]:
    scratch = [f"{dataset}.{table}" for dataset, table in server.tables]
    return [*scratch, *(name for name in server.datasets if "doctor" in name), *(name for _, name in server.objects)]


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


# -- each check fails in turn


def denied(message: str = "Access Denied: no.", **options: Any) -> dict[str, Any]:
    return {"kind": "status", "status": 403, "reason": "accessDenied", "message": message, "times": ALWAYS, **options}


def of_table(suffix: str) -> Any:
    """Jobs that write to one of the doctor's tables, dry runs apart."""
    return lambda entry: entry.destination.partition("$")[0].endswith(suffix)


def _reads_probe(entry: Entry) -> bool:
    return "note, amount FROM" in entry.configuration.get("query", {}).get("query", "") and not entry.dry_run


def _reads(text: str) -> Any:
    return lambda entry: text in entry.configuration.get("query", {}).get("query", "") and not entry.dry_run


@dataclass(frozen=True)
class Case:
    """What goes wrong, the line that fails, and words of its detail and advice."""

    name: str
    fails: str
    words: tuple[str, ...]
    fault: dict[str, Any] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    datasets: bool = True
    left: bool = False


GRANT = "'GRANT `roles/bigquery.dataEditor` ON SCHEMA `test-project`.ops TO \"MEMBER\"'"
CASES = [
    Case("no_bucket_address", "settings and files", ("C360_LANDING is 's3://x'", "gs://bucket/prefix"), environment={"C360_LANDING": "s3://x"}),
    Case("no_connection", "connection", ("Airflow has no connection 'nowhere'", "AIRFLOW_CONN_NOWHERE"), environment={"C360_GOOGLE_CONNECTION": "nowhere"}),
    Case("key_file_is_gone", "connection", ("gives no credentials",), environment={"AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": '{"conn_type": "google_cloud_platform", "extra": {"key_path": "/no/such.json"}}'}),
    Case("api_is_off", "BigQuery API", ("gcloud services enable bigquery.googleapis.com --project=test-project",),
         denied("BigQuery API has not been used in project 1 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/bigquery.googleapis.com", reason="accessNotConfigured", method="bigquery.datasets.list")),
    Case("no_such_project", "BigQuery API", ("C360_GOOGLE_PROJECT", "gcloud projects list"), {"kind": "status", "status": 404, "reason": "notFound", "message": "Not found: Project test-project", "method": "bigquery.datasets.list", "times": ALWAYS}),
    Case("token_is_refused", "BigQuery API", ("does not accept the token",), {"kind": "unauthorized", "method": "bigquery.*", "times": ALWAYS}),
    Case("scopes_too_narrow", "BigQuery API", ("extra `scope`", "auth/cloud-platform"), denied("Request had insufficient authentication scopes.", reason="insufficientPermissions", method="bigquery.datasets.list")),
    Case("behind_a_perimeter", "BigQuery API", ("perimeter",), denied("VPC Service Controls: Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: 1", reason="policyViolation", method="bigquery.datasets.list")),
    Case("jobs_create", "bigquery.jobs.create", ("gcloud projects add-iam-policy-binding test-project --member=MEMBER --role=roles/bigquery.jobUser",),
         denied("Access Denied: Project test-project: User does not have bigquery.jobs.create permission in project test-project.", method="bigquery.jobs.insert")),
    Case("quota", "bigquery.tables.getData", ("Quota exceeded: Your usage exceeded the custom quota", "midnight Pacific", "iam-admin/quotas?project=test-project"),
         denied("Quota exceeded: Your usage exceeded the custom quota for QueryUsagePerDay", reason="quotaExceeded", method="bigquery.jobs.insert", when=_reads_probe)),
    Case("datasets_get", "bigquery.datasets.get", ("`test-project`.core TO",), denied("Access Denied: Dataset test-project:core: Permission bigquery.datasets.get denied on dataset test-project:core (or it may not exist).", method="bigquery.datasets.get", when=lambda e: e.path["datasetId"] == "core")),
    Case("datasets_create", "bigquery.datasets.create", ("--role=roles/bigquery.user",), denied("Access Denied: Project test-project: User does not have bigquery.datasets.create permission in project test-project.", method="bigquery.datasets.insert"), datasets=False),
    Case("location_forbidden", "bigquery.datasets.create", ("organisation policy forbids EU",), denied("'EU' violates constraint 'constraints/gcp.resourceLocations'", reason="conditionNotMet", status=412, method="bigquery.datasets.insert"), datasets=False),
    Case("tables_create", "bigquery.tables.create", (GRANT,), denied("Access Denied: Dataset test-project:ops: Permission bigquery.tables.create denied on dataset test-project:ops", method="bigquery.tables.insert")),
    Case("sandbox", "bigquery.tables.create", ("gcloud billing projects link test-project",), denied("Billing has not been enabled for this project.", reason="billingNotEnabled", method="bigquery.tables.insert")),
    Case("tables_get", "bigquery.tables.get", (GRANT,), denied(method="bigquery.tables.get"), also=("bigquery.tables.updateData", "bigquery.tables.update")),
    Case("tables_list", "bigquery.tables.list", (GRANT,), denied(method="bigquery.tables.list")),
    Case("tables_updateData", "bigquery.tables.updateData", (GRANT,), {"kind": "job_error", "reason": "accessDenied", "message": "Access Denied: Table test-project:ops.x: Permission bigquery.tables.updateData denied", "method": "bigquery.jobs.insert", "when": of_table("_probe"), "times": ALWAYS}),
    Case("tables_getData", "bigquery.tables.getData", (GRANT,), denied("Access Denied: Table test-project:ops.x: User does not have permission to query table", method="bigquery.jobs.insert", when=_reads_probe)),
    Case("tables_update", "bigquery.tables.update", (GRANT,), denied(method="bigquery.tables.patch")),
    Case("tables_delete", "bigquery.tables.delete", (GRANT, "bq rm -f -t test-project:ops.c360_doctor_"), denied(method="bigquery.tables.delete"), also=("nothing left behind",), left=True),
    Case("one_dataset_is_closed", "all datasets", ("refused in marts", "`test-project`.marts TO"), denied(method="bigquery.tables.insert", when=lambda e: e.path["datasetId"] == "marts")),
    Case("tag_may_not_be_set", "policy tag", ("bigquery.tables.setCategory", "roles/bigquery.dataOwner"), denied("Access Denied: Table test-project:ops.x: Permission bigquery.tables.setCategory denied on table", method="bigquery.tables.patch", when=lambda e: "policyTags" in json.dumps(e.body)), environment={"C360_GOOGLE_POLICY_TAG": TAG}),
    Case("tag_hides_the_column", "policy tag", ("Fine-Grained Reader", "add-iam-policy-binding p "), denied("Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission", method="bigquery.jobs.insert", when=_reads("SELECT note FROM")), environment={"C360_GOOGLE_POLICY_TAG": TAG}),
    Case("tag_elsewhere", "policy tag", ("the tag is in us",), environment={"C360_GOOGLE_POLICY_TAG": TAG.replace("eu", "us")}),
    Case("no_bucket", "landing bucket", ("gcloud storage buckets create gs://gone --project=test-project --location=EU",), environment={"C360_LANDING": "gs://gone"}),
    Case("objects_create", "storage.objects.create", ("gs://landing --member=MEMBER --role=roles/storage.objectUser",), denied("x@y.iam.gserviceaccount.com does not have storage.objects.create access to the Google Cloud Storage object.", method="storage.objects.insert")),
    Case("objects_list", "storage.objects.list", ("roles/storage.objectUser",), denied("x@y does not have storage.objects.list access", method="storage.objects.list", times=1)),
    Case("objects_get", "storage.objects.get", ("roles/storage.objectUser",), denied("x@y does not have storage.objects.get access", method="storage.objects.get")),
    Case("bucket_read_by_the_load", "load", ("storage.objects.get", "roles/storage.objectUser"), {"kind": "job_error", "reason": "accessDenied", "message": "Access Denied: File gs://landing/x: Permission 'storage.objects.get' denied", "method": "bigquery.jobs.insert", "when": of_table("_raw"), "times": ALWAYS}),
    Case("trip_query", "query", ("https://console.cloud.google.com/bigquery?project=test-project",), {"kind": "job_error", "reason": "resourcesExceeded", "message": "Resources exceeded", "method": "bigquery.jobs.insert", "when": _reads("_raw WHERE day"), "times": 1}),
    Case("trip_candidate", "candidate", ("Response too large",), {"kind": "job_error", "reason": "responseTooLarge", "message": "Response too large", "method": "bigquery.jobs.insert", "when": lambda e: "__candidate_" in e.destination and "query" in e.configuration, "times": ALWAYS}),
    Case("trip_publish", "publish", (GRANT,), {"kind": "job_error", "reason": "accessDenied", "message": "Access Denied: Table test-project:ops.x: Permission bigquery.tables.updateData denied", "method": "bigquery.jobs.insert", "when": lambda e: "copy" in e.configuration, "times": ALWAYS}),
    Case("trip_read_back", "read back", ("Resources exceeded",), {"kind": "job_error", "reason": "resourcesExceeded", "message": "Resources exceeded", "method": "bigquery.jobs.insert", "when": lambda e: _reads("_table WHERE day")(e), "times": 1}),
    Case("trip_labels", "job ids and labels", ("copied again",), None),
    Case("trip_time_travel", "time travel", ("Invalid time travel",), {"kind": "job_error", "reason": "invalidQuery", "message": "Invalid time travel timestamp", "method": "bigquery.jobs.insert", "when": _reads("SYSTEM_TIME"), "times": ALWAYS}),
    Case("trip_delete", "delete", ("drop ops.c360_doctor_",), denied(method="bigquery.tables.delete", when=lambda e: e.path["tableId"].endswith("_log"), times=1)),
    Case("sources", "sources", ("there is no SQLite database",), environment={"C360_SHOP": "/no/such/shop", "C360_SOURCES": "BINDINGS"}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_check_that_fails_says_what_to_do_and_leaves_nothing(
    case: Case, server: CloudServer, visit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if case.datasets:
        make_datasets(server, "core", "marts", "ops")
    environment = dict(case.environment)
    if environment.get("C360_SOURCES"):  # somebody's own, which no command can make
        bindings = tmp_path / "bindings"
        shutil.copytree(ROOT / "examples" / "sample_shop", bindings)
        example = bindings / "example.yaml"
        example.write_text(example.read_text().replace("sample: true\n", ""))
        environment["C360_SOURCES"] = str(bindings)
    if case.fault is not None:
        server.faults.append(Fault(**case.fault))
    if case.name == "trip_labels":  # what the server cannot do: a client that finds no job again
        monkeypatch.setattr("customer360.warehouse.bigquery_jobs.Jobs.succeeded", lambda self, name: None)
        case = replace(case, words=("its candidate", "does not exist"))
    report = visit("--json", **environment)
    assert report.exit_code == 1
    assert set(report.named("failed")) == {case.fails, *case.also}
    failed = report.checks[case.fails]
    said = " ".join(
        [
            failed["detail"],
            failed["advice"] or "",
            *failed["commands"],
            *report.checks.get("nothing left behind", {}).get("commands", []),
        ]
    )
    assert [word for word in case.words if word not in said] == []
    assert failed["advice"], "what to do"
    if case.left:
        assert all(table.get("expirationTime") for table in server.tables.values())
    else:
        assert left_behind(server) == []


@pytest.mark.parametrize("permission", ["create", "list", "get", "delete"])
def test_what_the_bucket_does_not_grant_is_known_before_anything_is_put(
    permission: str, server: CloudServer, visit: Any
) -> None:
    server.denied.add(f"storage.objects.{permission}")
    begun = len(server.log)
    report = visit("--json")
    assert report.named("failed") == [f"storage.objects.{permission}"]
    assert "--role=roles/storage.objectUser" in report.checks[f"storage.objects.{permission}"]["commands"][0]
    assert report.checks["load"]["status"] == "skipped"
    put = [entry for entry in server.log[begun:] if entry.method == "storage.objects.insert"]
    assert bool(put) == (permission == "get"), "what could not be deleted again is not put"
    assert left_behind(server) == []


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
        _READ_ONCE(ROOT),
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
    project = _READ_ONCE(ROOT)
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
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not any(key[1].endswith("_raw") for key in server.tables) or not server.objects:
            assert time.monotonic() < deadline, "it never came to the load"
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        time.sleep(0.1)  # into the load, not past it
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode != 0
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
    patient = Patient(settings, _READ_ONCE(ROOT), lambda _: None, lambda _: FolderLanding(tmp_path))  # type: ignore[arg-type,return-value]
    known: list[str] = []
    for check in bigquery_checks(patient):
        assert set(check.needs) <= set(known), check.name
        assert check.name not in known, "names are told apart"
        known.append(check.name)
    assert len(known) > 30


# -- the embedded warehouse


def local(data: Path, shop: Path, **environment: str) -> Report:
    given = {"C360_WAREHOUSE": "local", "C360_DATA": str(data), "C360_SHOP": str(shop), **environment}
    result = CliRunner().invoke(cli, ["doctor", "--json"], env=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Report(
        result.exit_code, result.stdout, {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    )


def test_a_fresh_machine_is_fine_and_stays_as_it_was(tmp_path: Path, shop: Path) -> None:
    data = tmp_path / "data"
    report = local(data, shop)
    assert report.exit_code == 0, report.text
    assert set(report.named("passed")) >= {"data folder", "DuckDB", "write lock", "lake", "sources"}
    assert [*data.iterdir()] == []
    assert data.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_enter_is_told(tmp_path: Path, shop: Path) -> None:
    tmp_path.chmod(0o755)
    report = local(tmp_path, shop)
    assert report.exit_code == 0
    assert report.checks["data folder"]["commands"] == [f"chmod 700 '{tmp_path}'"]


def test_a_folder_that_cannot_be_written_fails_and_the_rest_goes_on(tmp_path: Path, shop: Path) -> None:
    (tmp_path / "file").touch()
    report = local(tmp_path / "file", shop)
    assert report.exit_code == 1
    assert report.named("failed") == ["data folder"]
    assert report.named("skipped") == ["disk", "write lock", "lake"]
    assert report.checks["sources"]["status"] == "passed"


def test_a_writer_is_told(tmp_path: Path, shop: Path) -> None:
    (tmp_path / "lake").mkdir()
    with write_lock(tmp_path / "lake", 1):
        report = local(tmp_path, shop)
    assert report.checks["write lock"]["status"] == "warned"
    assert "lsof" in report.checks["write lock"]["commands"][0]


def test_a_broken_lake_fails(tmp_path: Path, shop: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "catalog.sqlite").write_text("no database at all")
    report = local(tmp_path, shop)
    assert report.exit_code == 1
    assert report.named("failed") == ["lake"]


def test_a_full_disk_fails(tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert local(tmp_path, shop).named("failed") == ["disk"]


def test_extensions_of_another_version_fail(tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb, "__version__", "0.0.1")
    report = local(tmp_path, shop)
    assert "DuckDB" in report.named("failed")
    assert report.checks["DuckDB"]["commands"] == ["uv sync --frozen"]
    assert report.checks["lake"]["status"] == "skipped"


def test_a_malformed_setting_is_the_first_check(tmp_path: Path, shop: Path) -> None:
    report = local(tmp_path, shop, C360_HIGH_VALUE="much")
    assert report.exit_code == 1
    assert report.named("failed") == ["settings and files"]
    assert "C360_HIGH_VALUE" in report.checks["settings and files"]["detail"]


def test_sources_out_of_reach_fail_unless_they_are_the_sample_shops(tmp_path: Path) -> None:
    report = local(tmp_path, tmp_path / "no_shop")
    assert report.exit_code == 0
    assert report.checks["sources"]["commands"] == ["c360 sample"]
