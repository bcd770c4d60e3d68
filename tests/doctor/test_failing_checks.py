"""Over the contract server each check is made to fail in turn, and the report says what to do about it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cloud_server import CloudServer, Fault
from cloud_server.faults import Entry
from conftest import ROOT

from doctor.shared import ALWAYS, GRANT, TAG, denied, left_behind, make_datasets, of_table

# -- each check fails in turn


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
