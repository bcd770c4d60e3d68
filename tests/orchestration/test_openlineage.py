"""What operators tell OpenLineage: the tables, their columns and where each comes from, and nobody's secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from customer360.project import TableName
from customer360.quality import AuditReport
from customer360.quality.report import Result
from customer360.sources.connections import Connection
from orchestration.events import problems

CONTEXT: Any = {"run_id": "manual__test", "ti": SimpleNamespace(dag_id="customer_360_daily", task_id="a.task")}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("C360_DATA", str(tmp_path))
    return tmp_path


def event(told: Any) -> dict[str, Any]:
    """The event that Airflow's provider would send, valid by OpenLineage's own classes."""
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.serde import Serde

    whole = RunEvent(
        eventTime=datetime.now(UTC).isoformat(), eventType=RunState.COMPLETE, producer="https://example.org",
        run=Run(runId="01936e5c-0000-7000-8000-000000000000", facets=told.run_facets),
        job=Job(namespace="customer360", name="a.task", facets=told.job_facets), inputs=told.inputs, outputs=told.outputs,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(Serde.to_json(whole))
    assert problems(found) == []
    return found


def test_a_written_model_tells_where_each_column_comes_from(data: Path) -> None:
    from customer360.orchestration import openlineage

    sent = event(openlineage.written([TableName("core", "int_person_commerce")], 7))
    (made,) = sent["outputs"]
    assert (made["namespace"], made["name"]) == (f"ducklake://{data / 'lake'}", "core.int_person_commerce")
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 7
    assert {read["name"] for read in sent["inputs"]} == {"core.int_customer_orders_daily", "identity.identity_map"}
    lineage = made["facets"]["columnLineage"]
    sources = {
        (source["name"], source["field"]): [(how["type"], how["subtype"]) for how in source["transformations"]]
        for source in lineage["fields"]["total_revenue"]["inputFields"]
    }
    assert sources == {
        ("core.int_customer_orders_daily", "gross_revenue"): [("DIRECT", "AGGREGATION")],
        ("core.int_customer_orders_daily", "refunds_amount"): [("DIRECT", "AGGREGATION")],
    }
    joined = {source["field"] for source in lineage["dataset"] if source["name"] == "identity.identity_map"}
    assert joined == {"customer360_id", "source_system", "source_customer_id"}
    assert sent["job"]["facets"]["sql"]["query"].lstrip().startswith(("--", "WITH"))


def test_what_python_computes_claims_no_column_for_another() -> None:
    from customer360.orchestration import openlineage

    tables = [TableName("identity", "identity_map"), TableName("identity", "identity_edges")]
    sent = event(openlineage.written(tables, None))
    assert [made["name"] for made in sent["outputs"]] == [str(table) for table in tables]
    facet = sent["outputs"][0]["facets"]["columnLineage"]
    assert facet["fields"] == {}
    assert {source["name"] for source in facet["dataset"]} == {
        "identity.identity_sightings",
        "identity.identity_decisions",
    }
    assert {how["type"] for source in facet["dataset"] for how in source["transformations"]} == {"INDIRECT"}


def test_personal_columns_are_tagged_and_published_rows_counted() -> None:
    from customer360.orchestration import openlineage

    (made,) = event(openlineage.published({TableName("marts", "customer_360"): 3}))["outputs"]
    tagged = {tag["field"] for tag in made["facets"]["tags"]["tags"] if tag["key"] == "pii"}
    assert "primary_email" in tagged
    assert "total_revenue" not in tagged
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 3


def test_a_load_tells_its_source_but_not_who_reads_it() -> None:
    from customer360.orchestration import openlineage
    from customer360.orchestration.deployment import deployment
    from customer360.sources import load_bindings

    settings, project = deployment()
    binding = load_bindings(settings.sources, project)["crm"].tables["customer_info"]
    connection = Connection(kind="postgres", host="db.example.org", login="reader", password="s3cret", database="crm")
    sent = event(openlineage.loaded(project.contracts[binding.contract], binding, connection, 5))
    (read,) = sent["inputs"]
    assert (read["namespace"], read["name"]) == ("postgres://db.example.org:5432", f"crm.{binding.relation}")
    maria = replace(connection, kind="mysql")
    (of_mysql,) = event(openlineage.loaded(project.contracts[binding.contract], binding, maria, 5))["inputs"]
    assert (of_mysql["namespace"], of_mysql["name"]) == ("mysql://db.example.org:3306", f"crm.{binding.relation}")
    assert "reader" not in json.dumps(sent)
    assert "s3cret" not in json.dumps(sent)
    fields = sent["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert [source["field"] for source in fields["email"]["inputFields"]] == ["email_address"]
    assert set(fields) <= set(project.schema(binding.contract))


def test_a_failed_audit_tells_what_did_not_hold_and_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from customer360.build import Build
    from customer360.orchestration.operators import AuditLayer, WriteModel

    table = TableName("core", "fct_orders")
    results = [
        Result(table, "expect_column_values_to_be_unique", ("transaction_id",), "one row per order", "critical", success=False, sample_keys=("transaction_id=T17",)),
        Result(table, "expect_column_values_to_not_be_null", ("order_date",), "every order has a day", "warning", success=True),
    ]  # fmt: skip
    report = AuditReport(None, datetime(2024, 7, 1, tzinfo=UTC), tuple(results))  # type: ignore[arg-type]
    monkeypatch.setattr(Build, "audit", lambda *_: report.raise_if_failed())
    audit = AuditLayer(task_id="audit", layer="core", models=[str(table)], run_date="2024-06-30")
    with pytest.raises(AirflowFailException):
        audit.execute(CONTEXT)
    sent = event(audit.get_openlineage_facets_on_failure(None))
    assert sent["outputs"] == []
    (read,) = sent["inputs"]
    found = [
        (a["column"], a["success"], a["severity"]) for a in read["inputFacets"]["dataQualityAssertions"]["assertions"]
    ]
    assert found == [("transaction_id", False, "error"), ("order_date", True, "warn")]
    assert "T17" not in json.dumps(sent)
    # A task that failed before it had done anything says nothing.
    write = WriteModel(task_id="write", model="core.fct_orders", run_date="2024-06-30")
    assert write.get_openlineage_facets_on_failure(None).outputs == []


@pytest.mark.parametrize(("setting", "disabled"), [("", "False"), ("false", "True")])
def test_the_local_airflow_writes_events_into_a_file_unless_told_otherwise(
    data: Path, monkeypatch: pytest.MonkeyPatch, setting: str, disabled: str
) -> None:
    from customer360.orchestration.local_airflow import LocalAirflow
    from customer360.settings import load_settings

    monkeypatch.setenv("C360_OPENLINEAGE", setting)
    monkeypatch.delenv("AIRFLOW__OPENLINEAGE__TRANSPORT", raising=False)
    environment = LocalAirflow(load_settings(), port=1).environment()
    assert environment["AIRFLOW__OPENLINEAGE__DISABLED"] == disabled
    transport = json.loads(environment["AIRFLOW__OPENLINEAGE__TRANSPORT"])
    assert transport == {"type": "file", "log_file_path": str(data / "openlineage" / "events.jsonl"), "append": True}
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", '{"type": "http"}')
    assert LocalAirflow(load_settings(), port=1).environment()["AIRFLOW__OPENLINEAGE__TRANSPORT"] == '{"type": "http"}'
