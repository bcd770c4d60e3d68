"""What an alert says, where it goes, and that one which cannot be sent fails nothing."""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from customer360 import errors
from customer360.errors import AuditError, Customer360Error, SourceUnreachableError, TooManyRefusedError
from customer360.orchestration import alerts, delivery
from customer360.orchestration.alerts import Alert, TaskFailure, affected, section_of, task_failed
from customer360.orchestration.delivery import deliver
from customer360.orchestration.local_airflow import LocalAirflowError
from customer360.project import Project, TableName, load_project
from orchestration.receivers import mailbox, webhook

ROOT = Path(__file__).parents[2]
REFUSED = TooManyRefusedError("raw_crm.customer_info: 90 of 100 rows refused (90.0%, allowed 1.0%)")
FAILURE = TaskFailure(
    dag_id="customer_360_daily",
    task_id="load_crm.customer_info",
    run_date="2024-06-30",
    error=REFUSED,
    tries=4,
    began=datetime(2024, 7, 1, 2, 17, tzinfo=UTC),
    last_good=date(2024, 6, 29),
    makes=(TableName("raw_crm", "customer_info"),),
    url="http://airflow/log",
)
ALERT = Alert("a <title>", "what & why", "since", "affected", "AuditError", "docs/runbook.md#auditerror", "http://log")


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(ROOT)


def test_a_message_says_what_since_when_what_hangs_on_it_and_what_to_do(project: Project) -> None:
    alert = task_failed(FAILURE, project, runbook="https://git.example/docs/runbook.md")
    below = {
        m.name for m in project.models.values() if any(str(r.name) == "raw_crm.customer_info" for r in m.references)
    }
    below |= {each for name in below for each in project.graph.downstream(name)}
    assert alert.text.splitlines() == [
        "customer_360_daily of 2024-06-30: load_crm.customer_info failed",
        "",
        "raw_crm.customer_info: 90 of 100 rows refused (90.0%, allowed 1.0%)",
        "",
        "Since: try 4, which began 2024-07-01 02:17 UTC; the last run that went through is of 2024-06-29",
        "Affected: staging, identity, core, marts and dashboards are not published until it is mended;"
        f" {len(below)} tables hang on it, among them marts.customer_360, marts.customer_360_daily,"
        " marts.customer_360_history, marts.customer_360_seed_000 and 9 more",
        "What to do: https://git.example/docs/runbook.md#toomanyrefusederror",
        "Log: http://airflow/log",
    ]


def test_what_is_not_known_is_left_out(project: Project) -> None:
    bare = replace(FAILURE, tries=1, began=None, last_good=None, url="", error=None, makes=())
    alert = task_failed(bare, project, runbook="docs/runbook.md")
    assert alert.since == "the first try"
    assert alert.affected == "no table"
    assert alert.what == "Its process ended without a word: killed, or out of memory."
    assert alert.runbook == "docs/runbook.md#anythingelse"
    assert "Log:" not in alert.text


def test_a_long_message_is_cut_at_a_line(project: Project) -> None:
    error = AuditError("\n".join(f"line {n} {'x' * 90}" for n in range(100)))
    what = task_failed(replace(FAILURE, error=error), project, runbook="r").what
    assert len(what) < 1600 and what.endswith("x\n… (all of it is in the log)")


@pytest.mark.parametrize(
    ("tables", "start"),
    [
        (["dashboards.agg_kpis"], "dashboards is not published until it is mended; 1 table hangs on it, among them"),
        (["marts.customer_360"], "marts and dashboards are not published until it is mended; "),
        (["raw_x.nobody_reads"], "raw_x.nobody_reads only: nothing is made of it"),
    ],
)
def test_what_is_affected_is_read_from_the_graph(project: Project, tables: list[str], start: str) -> None:
    assert affected(project, map(TableName.parse, tables)).startswith(start)


def test_an_error_is_found_behind_those_that_carry_it() -> None:
    from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout

    carrier = AirflowFailException(str(REFUSED))
    carrier.__cause__ = REFUSED  # as WarehouseOperator raises it
    assert section_of(carrier) == "TooManyRefusedError"
    assert section_of(AirflowTaskTimeout("Timeout")) == "TaskTimedOut"
    assert section_of(ValueError("x")) == section_of("killed") == section_of(None) == "AnythingElse"


def _classes(base: type[Exception]) -> set[str]:
    return {base.__name__} | {name for each in base.__subclasses__() for name in _classes(each)}


def test_every_class_of_failure_has_a_section_in_the_runbook_and_the_reverse() -> None:
    ours = {name for name in _classes(Customer360Error) if hasattr(errors, name) or name == LocalAirflowError.__name__}
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (\w+)$", runbook, re.M)
    assert len(ours) > 15 and len(sections) == len(set(sections))
    assert set(sections) == (ours - {"Customer360Error"}) | set(alerts.OTHER_SECTIONS)
    for name, body in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", runbook, re.M | re.S):
        for part in ("You see", "It means", "Do", "Over when"):
            assert f"**{part}" in body, f"{name}: {part}"


def connect(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS", json.dumps(facts))


def test_a_webhook_gets_a_document_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as hook:
        host, port = hook.url.rsplit(":", 1)
        extra = {"endpoint": "/hooks/c360?key=1", "headers": {"X-Token": "t0ken"}}
        connect(monkeypatch, conn_type="http", host=host, port=int(port), login="me", password="pass", extra=extra)
        assert deliver(ALERT, "alerts") is None
    ((path, headers, document),) = hook.posts
    assert (path, headers["x-token"]) == ("/hooks/c360?key=1", "t0ken")
    assert headers["authorization"].startswith("Basic ")
    assert document["text"] == ALERT.text and document["runbook"] == "docs/runbook.md#auditerror"
    assert set(document) == {"text", "title", "what", "since", "affected", "section", "runbook", "url"}


def test_a_webhook_may_be_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as hook:
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS", f"{hook.url}/hooks/c360")
        assert deliver(ALERT, "alerts") is None
    assert [path for path, _, _ in hook.posts] == ["/hooks/c360"]


def test_slack_gets_a_text_at_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as hook:
        connect(monkeypatch, conn_type="slackwebhook", host=f"{hook.url}/services", password="T0/B0/secret")
        assert deliver(ALERT, "alerts") is None
    ((path, _, document),) = hook.posts
    assert (path, document) == ("/services/T0/B0/secret", {"text": ALERT.text})


def test_mail_goes_to_whom_the_connection_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox() as box:
        extra = {
            "disable_ssl": True,
            "disable_tls": True,
            "to": "a@example.org, b@example.org",
            "from_email": "c@example.org",
        }
        connect(monkeypatch, conn_type="smtp", host="127.0.0.1", port=box.port, extra=extra)
        assert deliver(ALERT, "alerts") is None
    ((recipients, message),) = box.messages
    assert recipients == ["a@example.org", "b@example.org"]
    assert (message["subject"], message["from"]) == ("a <title>", "c@example.org")
    (body,) = [part.get_content() for part in message.walk() if part.get_content_type() == "text/html"]
    assert "a &lt;title&gt;" in body and "what &amp; why" in body


def test_what_goes_wrong_is_said_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 1)
    secret = {"conn_type": "slackwebhook", "password": "T0/B0/secret"}
    with webhook(500) as hook:
        connect(monkeypatch, host=hook.url, **secret)
        assert deliver(ALERT, "alerts") == "connection 'alerts' answered 500"
        assert len(hook.posts) == 1
    connect(monkeypatch, host=hook.url, **secret)  # nobody listens there any more
    assert deliver(ALERT, "alerts") == "connection 'alerts': ConnectError"
    with webhook(hang=True) as hook:
        connect(monkeypatch, host=hook.url, **secret)
        began = time.monotonic()
        assert deliver(ALERT, "alerts") == "connection 'alerts': ReadTimeout"
        assert time.monotonic() - began < 5
    with mailbox(refuse=True) as box:
        extra = {"disable_ssl": True, "disable_tls": True, "to": "a@example.org", "from_email": "c@example.org"}
        connect(monkeypatch, conn_type="smtp", host="127.0.0.1", port=box.port, extra=extra)
        assert deliver(ALERT, "alerts") == "connection 'alerts': SMTPSenderRefused"
    connect(monkeypatch, conn_type="smtp", host="127.0.0.1")
    assert deliver(ALERT, "alerts") == "connection 'alerts': its extra must have to and from_email"
    connect(monkeypatch, conn_type="postgres", host="x")
    assert "of type 'postgres'; alerts go to http" in (deliver(ALERT, "alerts") or "")
    assert deliver(ALERT, "nobody") == "connection 'nobody': AirflowNotFoundException"


def context(**more: Any) -> Any:
    task = SimpleNamespace(table="raw_crm.customer_info", run_date="2024-06-30")
    instance = SimpleNamespace(
        dag_id="customer_360_daily",
        task_id="load_crm.customer_info",
        try_number=1,
        start_date=None,
        log_url="http://log",
    )
    return {"ti": instance, "task": task, "run_id": "scheduled__1", "exception": REFUSED} | more


def test_a_failed_task_is_told_about_in_the_log_and_where_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from customer360.orchestration.notifier import TaskFailed

    with webhook() as hook, caplog.at_level(logging.WARNING):
        TaskFailed()(context())
        assert hook.posts == []  # nobody is to be told
        monkeypatch.setenv("C360_ALERTS", "alerts")
        monkeypatch.setenv("AIRFLOW_CONN_ALERTS", hook.url)
        TaskFailed()(context())
    ((_, _, document),) = hook.posts
    assert document["title"] == "customer_360_daily of 2024-06-30: load_crm.customer_info failed"
    assert caplog.text.count("What to do: docs/runbook.md#toomanyrefusederror") == 2


@pytest.mark.parametrize("broken", [{"ti": None}, {"task": object(), "run_id": None}])
def test_an_alert_that_cannot_be_made_or_sent_raises_nothing(
    broken: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from customer360.orchestration.notifier import TaskFailed

    monkeypatch.setenv("C360_ALERTS", "nobody")
    with caplog.at_level(logging.WARNING):
        TaskFailed()(context(**broken))
        TaskFailed()(context())
    assert "The alert was not sent: connection 'nobody': AirflowNotFoundException" in caplog.text


def test_a_run_that_was_ended_is_told_about_once(caplog: pytest.LogCaptureFixture) -> None:
    from airflow.sdk import DAG

    from customer360.orchestration.notifier import RunEnded

    dag = DAG("customer_360_daily")
    with caplog.at_level(logging.WARNING):
        RunEnded()({"dag": dag, "run_id": "scheduled__1", "reason": "task_failure"})  # its task has told so
        assert caplog.text == ""
        RunEnded()({"dag": dag, "run_id": "scheduled__1", "reason": "timed_out"})
    assert "customer_360_daily, scheduled__1: the run was ended" in caplog.text
    assert "docs/runbook.md#runtimedout" in caplog.text


def test_a_missed_deadline_names_the_run(caplog: pytest.LogCaptureFixture) -> None:
    from customer360.orchestration.notifier import run_missed_deadline

    run = {
        "dag_id": "customer_360_daily",
        "dag_run_id": "manual__1",
        "queued_at": "2024-07-01T02:00:00Z",
        "state": "running",
    }
    with caplog.at_level(logging.WARNING):
        run_missed_deadline({"dag_run": run, "deadline": {"deadline_time": datetime(2024, 7, 1, 7, tzinfo=UTC)}})
        run_missed_deadline({})  # raises nothing
    assert "customer_360_daily, manual__1: not done by 2024-07-01 07:00 UTC" in caplog.text
    assert "Since: it was queued at 2024-07-01 02:00 UTC" in caplog.text
    assert "docs/runbook.md#runlate" in caplog.text


def test_a_source_out_of_reach_is_told_by_its_own_class() -> None:
    assert section_of(SourceUnreachableError("cannot reach")) == "SourceUnreachableError"
