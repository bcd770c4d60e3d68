"""What goes wrong between one step and the next on BigQuery: what people read, and what is said of it, stays right."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from cloud_server import Fault
from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.project import TableName, TableSpec
from customer360.project.platform import JOBS, PUBLISHED
from customer360.warehouse import bigquery_loads
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.costs import jobs_row, note_costs
from customer360.warehouse.port import JobStats, Publication
from warehouse.conftest import BigQueryBench, Killed
from warehouse.shared import FIRST, ONE, RUN, TOTALS, TWO, published_log

OTHER = replace(TOTALS, name=TableName("core", "other"))
TAG = "projects/p/locations/eu/taxonomies/1/policyTags/2"
PERSONAL = replace(TOTALS, columns=(TOTALS.columns[0], replace(TOTALS.columns[1], pii=True)))


def candidate(spec: TableSpec) -> TableName:
    return spec.name.candidate(FIRST)


def publish(cloud: BigQueryBench, *specs: TableSpec) -> None:
    publications = [Publication(spec, candidate(spec)) for spec in specs]
    cloud.warehouse.publish(publications, run=RUN, log=published_log(*(spec.name for spec in specs)))


def another_worker(cloud: BigQueryBench) -> BigQueryWarehouse:
    return BigQueryWarehouse(cloud.server.client(), location=cloud.server.location)


def test_a_publish_that_cannot_start_a_copy_logs_those_it_started(cloud: BigQueryBench) -> None:
    for spec in (TOTALS, OTHER):
        cloud.warehouse.write(spec, ONE, target=candidate(spec), run=RUN)
    cloud.server.faults.append(
        Fault(
            "status",
            "bigquery.jobs.insert",
            status=403,
            reason="quotaExceeded",
            when=lambda e: e.destination == "core.other",
        )
    )
    with pytest.raises(WarehouseError, match="quota"):
        publish(cloud, TOTALS, OTHER)
    assert cloud.rows(TOTALS.name)
    assert [row["table_name"] for row in cloud.rows(PUBLISHED.name)] == ["core.totals"]


def test_a_job_that_began_before_its_input_changed_is_not_joined(cloud: BigQueryBench) -> None:
    cloud.warehouse.write(TOTALS, ONE, run=replace(RUN, task_id="load"))
    read = "SELECT n, amount FROM core.totals"
    cloud.server.faults.append(Fault("slow", "bigquery.jobs.insert", polls=20))
    lost = another_worker(cloud).start_write(OTHER, read, target=candidate(OTHER), run=RUN)
    cloud.warehouse.write(TOTALS, TWO, run=replace(RUN, task_id="load again"))
    stats = another_worker(cloud).write(OTHER, read, target=candidate(OTHER), run=RUN)
    assert stats.job_id != lost
    assert cloud.server.jobs[lost]["status"]["errorResult"]["reason"] == "stopped"
    assert [row["n"] for row in cloud.rows(candidate(OTHER))] == [2]


def test_a_job_of_a_lost_worker_is_joined_where_nothing_changed(cloud: BigQueryBench) -> None:
    cloud.warehouse.write(TOTALS, ONE, run=replace(RUN, task_id="load"))
    read = "SELECT n, amount FROM core.totals"
    cloud.server.faults.append(Fault("slow", "bigquery.jobs.insert", polls=3))
    lost = another_worker(cloud).start_write(OTHER, read, target=candidate(OTHER), run=RUN)
    assert another_worker(cloud).write(OTHER, read, target=candidate(OTHER), run=RUN).job_id == lost


def test_a_worker_killed_after_its_query_leaves_nothing_untagged_and_nothing_for_ever(cloud: BigQueryBench) -> None:
    cloud.warehouse = BigQueryWarehouse(cloud.server.client(), location=cloud.server.location, policy_tag=TAG)
    cloud.dies_after("bigquery.jobs.getQueryResults")
    with pytest.raises(Killed):
        cloud.warehouse.write(PERSONAL, ONE, target=candidate(PERSONAL), run=RUN)
    left = cloud.server.client().get_table(f"{cloud.server.project}.{candidate(PERSONAL)}")
    assert cloud.rows(candidate(PERSONAL))
    assert left.expires is not None
    assert left.schema[1].policy_tags == bigquery.PolicyTagList([TAG])


def test_labels_and_policy_tags_of_others_outlive_the_next_publish(cloud: BigQueryBench) -> None:
    cloud.warehouse.write(TOTALS, ONE, target=candidate(TOTALS), run=RUN)
    publish(cloud, TOTALS)
    client = cloud.server.client()
    table = client.get_table(f"{cloud.server.project}.core.totals")
    tags = bigquery.PolicyTagList([TAG])
    table.schema = [table.schema[0], bigquery.SchemaField("amount", "NUMERIC", policy_tags=tags)]
    table.labels = {"cost_centre": "42"}
    client.update_table(table, ["schema", "labels"])
    cloud.warehouse.write(TOTALS, TWO, target=candidate(TOTALS), run=RUN)
    publish(cloud, TOTALS)
    after = client.get_table(f"{cloud.server.project}.core.totals")
    assert after.labels["cost_centre"] == "42"
    assert [(field.name, field.policy_tags) for field in after.schema] == [("n", None), ("amount", tags)]
    assert after.schema[1].description == "Money."


def test_a_view_has_no_policy_tags_of_its_own(cloud: BigQueryBench) -> None:
    warehouse = BigQueryWarehouse(cloud.server.client(), location=cloud.server.location, policy_tag=TAG)
    warehouse.write(PERSONAL, ONE, run=RUN)
    warehouse.create_view(replace(PERSONAL, name=TableName("core", "seen")), "SELECT n, amount FROM core.totals")
    sent = [entry for entry in cloud.server.sent("bigquery.tables.patch") if entry.path["tableId"] == "seen"]
    assert sent
    assert not [entry for entry in sent if "policyTags" in str(entry.body)]


def test_throttled_logs_are_appended_a_little_later(cloud: BigQueryBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bigquery_loads, "_PAUSES", (0.01, 0.01))
    cloud.server.faults.append(Fault("job_error", "bigquery.jobs.insert*", reason="rateLimitExceeded", times=2))
    note_costs(cloud.warehouse, jobs_row(RUN, "write", TOTALS.name, JobStats(rows=1)))
    assert len(cloud.rows(JOBS.name)) == 1


def test_a_cost_that_cannot_be_noted_fails_nothing(cloud: BigQueryBench, caplog: pytest.LogCaptureFixture) -> None:
    cloud.server.faults.append(Fault("job_error", "bigquery.jobs.insert*", reason="invalid", message="no"))
    note_costs(cloud.warehouse, jobs_row(RUN, "write", TOTALS.name, JobStats(rows=1)))
    assert "ops.jobs is without 1 row" in caplog.text


def test_a_read_is_cancelled_too(cloud: BigQueryBench) -> None:
    cloud.server.faults.append(Fault("slow", "bigquery.jobs.insert", seconds=30))
    raised: list[WarehouseError] = []

    def read() -> None:
        try:
            cloud.warehouse.query("SELECT 1 AS n")
        except WarehouseError as error:
            raised.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    while not (asked := cloud.warehouse.cancel()):
        pass
    reading.join(20)
    assert asked[0].startswith("c360-query-")
    assert raised


def test_every_job_says_whose_it_is(cloud: BigQueryBench) -> None:
    cloud.warehouse.work_for(RUN)
    cloud.warehouse.write(TOTALS, ONE, run=RUN)
    note_costs(cloud.warehouse, jobs_row(RUN, "write", TOTALS.name, JobStats(rows=1)))
    cloud.warehouse.query("SELECT n FROM core.totals")
    sent = cloud.server.sent("bigquery.jobs.insert")
    assert len(sent) == 4
    assert all({"dag", "task", "run_date", "version"} <= entry.configuration["labels"].keys() for entry in sent)


def test_the_limit_is_for_models_not_for_the_platform_s_own_reading(cloud: BigQueryBench) -> None:
    warehouse = BigQueryWarehouse(cloud.server.client(), location=cloud.server.location, budget_bytes=1000)
    warehouse.write(TOTALS, ONE, run=RUN, maximum_bytes=10**9)
    assert warehouse.query("SELECT n FROM core.totals").num_rows == 1
    assert all(
        "maximumBytesBilled" not in e.configuration["query"]
        for e in cloud.server.sent("bigquery.jobs.insert")
        if e.dry_run
    )
