"""BigQuery jobs when things go wrong: lost answers, killed workers, failed copies, and what people are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from cloud_server import Entry, Fault
from google.auth import exceptions as auth_exceptions

from customer360.errors import BudgetError, WarehouseError
from customer360.project import TableName
from customer360.project.platform import PUBLISHED
from customer360.warehouse.port import Publication, RunInfo
from warehouse.conftest import BigQueryBench, Killed
from warehouse.shared import (
    FIRST,
    ONE,
    ONE_ROW,
    PROJECT,
    RUN,
    SECOND,
    TOTALS,
    TWO,
    TWO_ROW,
    VISITS,
    published_log,
    reference,
    visits,
    write_totals,
)

OTHER = replace(TOTALS, name=TableName("core", "other"))
STAGED = replace(VISITS, name=TableName("staging", "visits"))


def for_real(entry: Entry) -> bool:
    """Not a dry run."""
    return not entry.dry_run


def fails(cloud: BigQueryBench, table: str, reason: str, message: str) -> None:
    """The next job that writes to a table fails."""
    fault = Fault("job_error", when=lambda entry: entry.destination == table, reason=reason, message=message)
    cloud.server.faults.append(fault)


def write(cloud: BigQueryBench, run: RunInfo = RUN, sql: str = ONE) -> str:
    job_id = cloud.warehouse.write(TOTALS, sql, run=run).job_id
    assert job_id is not None
    return job_id


def test_a_job_is_named_after_its_run_and_step(cloud: BigQueryBench) -> None:
    names = [write(cloud), write(cloud, replace(RUN, run_id="manual__1")), write(cloud, replace(RUN, task_id="other"))]
    assert names[0].startswith("c360-customer_360_daily__marts_write-20240131-")
    assert len(set(names)) == 3
    assert all(name.endswith("-0") for name in names), "each is the first attempt of its own job"
    assert write(cloud, sql=f"{ONE} -- changed") == f"{names[0].removesuffix('-0')}-1", "the same step again"


def test_a_lost_answer_is_found_again(cloud: BigQueryBench) -> None:
    cloud.server.faults.append(Fault("reset_after", "bigquery.jobs.insert", when=for_real))
    job_id = write(cloud)
    assert len(cloud.configurations()) == 2, "the client sends the request again"
    assert cloud.server.executed == {job_id: 1}
    assert cloud.rows(TOTALS.name) == ONE_ROW


def test_a_job_just_made_may_not_be_found_at_once(cloud: BigQueryBench) -> None:
    cloud.server.faults += [
        Fault("reset_after", "bigquery.jobs.insert", when=for_real),
        Fault("not_found_after", "bigquery.jobs.insert", when=for_real),
    ]
    job_id = write(cloud)
    # Before the insert, after the conflict, and again.
    assert [entry.status for entry in cloud.server.sent("bigquery.jobs.get")][:3] == [404, 404, 200]
    assert cloud.server.executed == {job_id: 1}


def test_a_job_that_a_killed_worker_left_running_is_waited_for(cloud: BigQueryBench) -> None:
    cloud.server.faults.append(Fault("slow", polls=2))
    cloud.dies_after("bigquery.jobs.insert", for_real)
    with pytest.raises(Killed):
        write(cloud)
    (left,) = cloud.server.jobs
    assert write(cloud) == left
    assert cloud.server.executed == {left: 1}


def test_a_job_that_a_killed_worker_left_running_and_that_fails_is_run_again(cloud: BigQueryBench) -> None:
    cloud.server.faults.append(Fault("cancelled", polls=2))
    cloud.dies_after("bigquery.jobs.insert", for_real)
    with pytest.raises(Killed):
        write(cloud)
    (left,) = cloud.server.jobs
    assert write(cloud) == left.removesuffix("0") + "1"


def test_a_cleared_task_runs_its_finished_job_again(cloud: BigQueryBench) -> None:
    cloud.warehouse.append(OTHER, pa.Table.from_pylist(ONE_ROW, schema=OTHER.arrow_schema))
    sql = "SELECT SUM(n) AS n, SUM(amount) AS amount FROM core.other"
    first = write(cloud, sql=sql)
    cloud.warehouse.append(OTHER, pa.Table.from_pylist(ONE_ROW, schema=OTHER.arrow_schema))
    assert write(cloud, sql=sql) == first.removesuffix("0") + "1"
    assert cloud.rows(TOTALS.name) == [{"n": 2, "amount": Decimal(21)}]


def test_a_failed_job_says_why_and_where(cloud: BigQueryBench) -> None:
    write(cloud)
    fails(cloud, "core.totals", "resourcesExceeded", "Resources exceeded: out of memory")
    with pytest.raises(WarehouseError, match=r"write core\.totals in BigQuery: Resources exceeded") as caught:
        write(cloud)
    (last,) = [name for name in cloud.server.jobs if name.endswith("-1")]
    assert f"https://console.cloud.google.com/bigquery?project={PROJECT}&j=bq:EU:{last}" in str(caught.value)
    assert not caught.value.retry_helps
    assert cloud.rows(TOTALS.name) == ONE_ROW


@pytest.mark.parametrize(
    ("reason", "kind", "retry_helps"),
    [
        ("backendError", WarehouseError, True),
        ("rateLimitExceeded", WarehouseError, True),
        ("invalidQuery", WarehouseError, False),
        ("bytesBilledLimitExceeded", BudgetError, False),
    ],
)
def test_an_error_says_whether_a_retry_helps(
    cloud: BigQueryBench, reason: str, kind: type[WarehouseError], retry_helps: bool
) -> None:
    fails(cloud, "core.totals", reason, "sorry")
    with pytest.raises(kind, match="sorry") as caught:
        write(cloud)
    assert type(caught.value) is kind
    assert caught.value.retry_helps is retry_helps


@pytest.mark.parametrize(
    ("error", "retry_helps"),
    [
        (auth_exceptions.RefreshError("the metadata server is busy", retryable=True), True),
        (auth_exceptions.RefreshError("invalid_grant"), False),
        (auth_exceptions.TransportError("connection reset"), True),
        (auth_exceptions.DefaultCredentialsError("no credentials"), False),
    ],
)
def test_an_error_of_the_credentials_says_whether_a_retry_helps(
    cloud: BigQueryBench, monkeypatch: pytest.MonkeyPatch, error: Exception, retry_helps: bool
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cloud.warehouse.client, "get_table", refuse)
    with pytest.raises(WarehouseError, match=str(error)) as caught:
        cloud.warehouse.columns(TOTALS.name)
    assert caught.value.retry_helps is retry_helps


def test_google_s_refusal_is_ours_with_its_words(cloud: BigQueryBench) -> None:
    message = "Access Denied: core.totals"
    cloud.server.faults.append(
        Fault("status", "bigquery.tables.get", status=403, reason="accessDenied", message=message)
    )
    with pytest.raises(WarehouseError, match=r"look at core\.totals in BigQuery: Access Denied") as caught:
        cloud.warehouse.columns(TOTALS.name)
    assert not caught.value.retry_helps


def test_a_busy_service_is_asked_again(cloud: BigQueryBench) -> None:
    cloud.server.faults.append(Fault("status", "bigquery.tables.get", status=503, times=2))
    assert cloud.warehouse.columns(TOTALS.name) is None
    assert len(cloud.server.sent("bigquery.tables.get")) == 3


def test_an_append_whose_answer_is_lost_happens_once(cloud: BigQueryBench) -> None:
    cloud.server.faults.append(Fault("reset_after", "bigquery.jobs.insert"))
    cloud.warehouse.append(TOTALS, pa.table({"n": [1]}))
    assert cloud.rows(TOTALS.name) == [{"n": 1, "amount": None}]


# -- publishing


def publications(cloud: BigQueryBench) -> list[Publication]:
    """Candidates of two tables."""
    candidate = write_totals(cloud)
    cloud.warehouse.write(OTHER, TWO, target=OTHER.name.candidate(FIRST), run=RUN)
    return [Publication(TOTALS, candidate), Publication(OTHER, OTHER.name.candidate(FIRST))]


def copies(cloud: BigQueryBench) -> list[dict[str, Any]]:
    return [configuration["copy"] for configuration in cloud.configurations() if "copy" in configuration]


def test_a_publish_is_one_truncating_copy_per_table(cloud: BigQueryBench) -> None:
    cloud.warehouse.publish(publications(cloud), run=RUN)
    assert copies(cloud) == [
        {
            "sourceTables": [reference(spec.name.candidate(FIRST))],
            "destinationTable": reference(spec.name),
            "writeDisposition": "WRITE_TRUNCATE",
            "createDisposition": "CREATE_IF_NEEDED",
        }
        for spec in (TOTALS, OTHER)
    ]


def partition_candidate(cloud: BigQueryBench, rows: list[dict[str, Any]]) -> Publication:
    cloud.warehouse.append(STAGED, pa.Table.from_pylist(rows, schema=STAGED.arrow_schema))
    sql = "SELECT visit_id, pages, day FROM staging.visits"
    candidate = VISITS.name.candidate(FIRST)
    cloud.warehouse.write(VISITS, sql, target=candidate, run=RUN)
    return Publication(VISITS, candidate, FIRST)


def test_a_partition_is_copied_to_itself(cloud: BigQueryBench) -> None:
    publication = partition_candidate(cloud, visits(FIRST, "a"))
    cloud.warehouse.publish([publication], run=RUN)
    (copy,) = copies(cloud)
    assert copy["sourceTables"] == [reference(publication.candidate, "$20240131")]
    assert copy["destinationTable"] == reference(VISITS.name, "$20240131")


def test_rows_outside_of_the_partition_are_not_lost_in_silence(cloud: BigQueryBench) -> None:
    publication = partition_candidate(cloud, visits(FIRST, "a") + visits(SECOND, "b"))
    with pytest.raises(WarehouseError, match=r"candidate_20240131 has rows outside of its partition \$20240131"):
        cloud.warehouse.publish([publication], run=RUN)
    assert copies(cloud) == []


def test_the_log_says_when_the_copy_had_ended(cloud: BigQueryBench) -> None:
    cloud.warehouse.publish(publications(cloud), run=RUN, log=published_log(TOTALS.name, OTHER.name))
    jobs = {
        job["configuration"]["copy"]["destinationTable"]["tableId"]: int(job["statistics"]["endTime"])
        for job in cloud.server.jobs.values()
        if "copy" in job["configuration"]
    }
    logged = {row["table_name"]: row["published_at"] for row in cloud.rows(PUBLISHED.name)}
    assert logged == {
        f"core.{table}": datetime.fromtimestamp((ended + 1) / 1000, tz=UTC) for table, ended in jobs.items()
    }


def test_after_a_failed_copy_the_log_names_what_did_change(cloud: BigQueryBench) -> None:
    both = publications(cloud)
    fails(cloud, "core.totals", "backendError", "sorry")
    with pytest.raises(WarehouseError, match=r"publish core\.totals in BigQuery: sorry"):
        cloud.warehouse.publish(both, run=RUN, log=published_log(TOTALS.name, OTHER.name))
    assert [row["table_name"] for row in cloud.rows(PUBLISHED.name)] == ["core.other"]
    assert cloud.warehouse.columns(TOTALS.name) is None
    assert cloud.rows(OTHER.name) == TWO_ROW
    cloud.warehouse.publish(both, run=RUN)
    assert cloud.rows(TOTALS.name) == ONE_ROW


@pytest.mark.parametrize(
    ("method", "when"),
    [
        ("bigquery.jobs.insert", lambda entry: "copy" in entry.configuration),
        ("bigquery.jobs.insert", lambda entry: entry.upload),
        ("bigquery.tables.delete", lambda _: True),
    ],
    ids=["after the first copy", "after the log", "after the first candidate is dropped"],
)
def test_a_publish_may_be_killed_and_run_again(
    cloud: BigQueryBench, method: str, when: Callable[[Entry], bool]
) -> None:
    both = publications(cloud)
    first, second = (
        published_log(TOTALS.name, OTHER.name, at=datetime(2024, 2, 1, hour, tzinfo=UTC)) for hour in (3, 4)
    )
    cloud.dies_after(method, when)
    with pytest.raises(Killed):
        cloud.warehouse.publish(both, run=RUN, log=first)
    cloud.warehouse.publish(both, run=RUN, log=second)
    assert (cloud.rows(TOTALS.name), cloud.rows(OTHER.name)) == (ONE_ROW, TWO_ROW)
    assert cloud.warehouse.tables("core") == [OTHER.name, TOTALS.name]
    assert sorted(row["table_name"] for row in cloud.rows(PUBLISHED.name)) == ["core.other", "core.totals"]


def test_a_candidate_that_was_written_again_is_logged_again(cloud: BigQueryBench) -> None:
    for hour in (3, 4):  # the second time, someone has cleared the run's tasks
        log = published_log(TOTALS.name, OTHER.name, at=datetime(2024, 2, 1, hour, tzinfo=UTC))
        cloud.warehouse.publish(publications(cloud), run=RUN, log=log)
    rows = [(row["table_name"], row["published_at"]) for row in cloud.rows(PUBLISHED.name)]
    assert sorted(name for name, _ in rows) == ["core.other"] * 2 + ["core.totals"] * 2
    assert len(set(rows)) == 4
