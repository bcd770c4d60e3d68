"""What the BigQuery adapter sends for writes, views and queries. Every request is valid by Google's description."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from reference.zetasql_engine import analyze

from customer360.errors import BudgetError, WarehouseError
from customer360.project import Partition, TableName
from customer360.settings import Parameter
from customer360.warehouse.bigquery_sql import read_as_of
from customer360.warehouse.port import RunInfo
from warehouse.conftest import BigQueryBench
from warehouse.shared import FIRST, ONE, ONE_ROW, PROJECT, RUN, TOTALS, TWO, VISITS, published_log, reference, visits

SQL = "SELECT visit_id, pages, day FROM staging.visits WHERE day = @run_date"
DAY = {"run_date": Parameter("DATE", FIRST)}
STAGED = replace(VISITS, name=TableName("staging", "visits"))
OTHER = replace(TOTALS, name=TableName("core", "other"))
STAGED_BYTES = (2 + len("a")) + 8 + 8  # by Google's sizes of STRING, INT64 and DATE


def stage(cloud: BigQueryBench) -> None:
    """One row for the queries to read."""
    cloud.warehouse.append(STAGED, pa.Table.from_pylist(visits(FIRST, "a"), schema=STAGED.arrow_schema))


def queries(cloud: BigQueryBench) -> list[dict[str, Any]]:
    """The configurations of the queries that were to run."""
    return [configuration for configuration in cloud.configurations() if "query" in configuration]


def test_a_write_is_a_dry_run_then_one_truncating_query(cloud: BigQueryBench) -> None:
    stage(cloud)
    candidate = VISITS.name.candidate(FIRST)
    stats = cloud.warehouse.write(VISITS, SQL, target=candidate, parameters=DAY, maximum_bytes=5000, run=RUN)
    parameter = {
        "name": "run_date",
        "parameterType": {"type": "DATE"},
        "parameterValue": {"value": "2024-01-31"},
    }
    query = {"query": SQL, "queryParameters": [parameter], "parameterMode": "NAMED", "useLegacySql": False}
    (dry,) = cloud.configurations(dry=True)
    del dry["labels"]
    assert dry == {"query": {**query, "useQueryCache": False}, "dryRun": True}
    (job,) = queries(cloud)
    assert job["query"] == {
        **query,
        "defaultDataset": {"projectId": PROJECT, "datasetId": "raw_web"},
        "destinationTable": reference(candidate),
        "writeDisposition": "WRITE_TRUNCATE_DATA",
        "createDisposition": "CREATE_NEVER",
        "timePartitioning": {"type": "DAY", "field": "day"},
        "clustering": {"fields": ["visit_id"]},
        "maximumBytesBilled": "10485760",
    }
    assert job["labels"]["model"] == "raw_web_visits"
    assert (stats.rows, stats.bytes_processed) == (1, STAGED_BYTES)
    assert stats.url is not None
    assert stats.url.startswith(
        f"https://console.cloud.google.com/bigquery?project={PROJECT}&j=bq:EU:c360-customer_360"
    )


def test_a_query_over_budget_does_not_run(cloud: BigQueryBench) -> None:
    stage(cloud)
    with pytest.raises(BudgetError, match=f"{STAGED_BYTES} bytes, its budget is {STAGED_BYTES - 1}"):
        cloud.warehouse.write(VISITS, SQL, parameters=DAY, maximum_bytes=STAGED_BYTES - 1, run=RUN)
    assert queries(cloud) == []
    cloud.warehouse.write(VISITS, SQL, parameters=DAY, maximum_bytes=STAGED_BYTES, run=RUN)
    assert cloud.rows(VISITS.name) == visits(FIRST, "a")


def test_the_budget_is_google_s_limit_too(cloud: BigQueryBench) -> None:
    least, many = 10 * 1024 * 1024, 40 * 1024 * 1024
    cloud.warehouse.write(TOTALS, ONE, run=RUN)
    cloud.warehouse.write(OTHER, ONE, run=RUN)
    sql = "SELECT a.n, b.amount FROM core.totals AS a JOIN core.other AS b ON a.n = b.n"
    for budget in (100, many):
        cloud.warehouse.write(TOTALS, sql, target=TableName("core", "both"), maximum_bytes=budget, run=RUN)
    limits = [int(configuration["query"].get("maximumBytesBilled", 0)) for configuration in queries(cloud)]
    assert limits == [0, 0, 2 * least, many], "no less than what Google bills for two tables"


def test_a_candidate_with_other_partitions_is_replaced(cloud: BigQueryBench) -> None:
    stage(cloud)
    candidate = VISITS.name.candidate(FIRST)
    for spec in (replace(VISITS, partition=Partition("day", "MONTH")), VISITS):
        cloud.warehouse.write(spec, SQL, target=candidate, parameters=DAY, run=RUN)
    assert cloud.server.tables[candidate.dataset, candidate.table]["timePartitioning"]["type"] == "DAY"
    cloud.warehouse.ensure([VISITS])
    with pytest.raises(WarehouseError, match="partitioned by"):
        cloud.warehouse.write(replace(VISITS, partition=None), SQL, parameters=DAY, run=RUN)


def test_renames_change_only_the_tables_in_the_text(cloud: BigQueryBench) -> None:
    sql = "-- core.totals, as it was\nSELECT totals.n, totals.amount\nFROM core.totals\nWHERE n > 0 -- not core.totals"
    sent = sql.replace("FROM core.totals", "FROM core.totals__candidate_20240131 AS totals")
    cloud.warehouse.write(TOTALS, ONE, target=TOTALS.name.candidate(FIRST), run=RUN)
    renames = {TOTALS.name: TOTALS.name.candidate(FIRST)}
    cloud.warehouse.write(TOTALS, sql, target=TableName("core", "other"), renames=renames, run=RUN)
    assert queries(cloud)[-1]["query"]["query"] == sent
    assert cloud.rows(TableName("core", "other")) == ONE_ROW


# -- views


def test_a_view_names_its_project_and_has_descriptions(cloud: BigQueryBench) -> None:
    cloud.warehouse.write(TOTALS, ONE, run=RUN)
    cloud.warehouse.create_view(OTHER, "SELECT n, t.amount FROM core.totals AS t")
    made = cloud.server.sent("bigquery.tables.insert")[-1]
    assert made.body is not None
    assert made.body["view"] == {
        "query": f"SELECT n, t.amount FROM `{PROJECT}`.core.totals AS t",
        "useLegacySql": False,
    }
    assert cloud.descriptions(OTHER.name) == {"": TOTALS.description, "n": "Count.", "amount": "Money."}
    assert cloud.rows(OTHER.name) == ONE_ROW


def test_a_view_replaces_no_table(cloud: BigQueryBench) -> None:
    cloud.warehouse.ensure([TOTALS])
    with pytest.raises(WarehouseError, match="is a TABLE in BigQuery, not a view"):
        cloud.warehouse.create_view(TOTALS, ONE)


def test_a_table_replaces_no_view(cloud: BigQueryBench) -> None:
    cloud.warehouse.create_view(TOTALS, ONE)
    with pytest.raises(WarehouseError, match="is a VIEW in BigQuery, not a table"):
        cloud.warehouse.write(TOTALS, ONE, run=RUN)


def test_a_view_is_counted_by_a_query(cloud: BigQueryBench) -> None:
    cloud.warehouse.create_view(TOTALS, f"{ONE} UNION ALL {ONE}")
    assert cloud.warehouse.row_counts([TOTALS.name]) == {TOTALS.name: 2}


# -- reading

SCALARS = [
    ("STRING", "a", "a"),
    ("INT64", 2**62, str(2**62)),
    ("NUMERIC", Decimal("0.000000001"), "1E-9"),
    ("FLOAT64", 0.5, 0.5),
    ("BOOL", False, "false"),
    ("DATE", FIRST, "2024-01-31"),
    ("DATETIME", datetime(2024, 1, 31, 12), "2024-01-31T12:00:00.000000"),  # noqa: DTZ001
    ("TIMESTAMP", datetime(2024, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))), "2024-01-31 10:00:00+00:00"),
    ("BYTES", b"\x00\xff", "AP8="),
    ("JSON", '{"a": [1]}', '{"a": [1]}'),
]


@pytest.mark.parametrize(("type_", "value", "sent"), SCALARS, ids=[type_ for type_, _, _ in SCALARS])
def test_every_scalar_parameter_is_written_as_google_reads_it(
    cloud: BigQueryBench, type_: str, value: object, sent: object
) -> None:
    found = [
        cloud.warehouse.query("SELECT @p AS p", parameters={"p": given})["p"].to_pylist()
        for given in (Parameter(type_, value), Parameter(f"ARRAY<{type_}>", [value]), Parameter(type_, None))
    ]
    read = json.dumps(json.loads(str(value))) if type_ == "JSON" else value
    assert found == [[read], [[read]], [None]], "and it comes back"
    one, many, null = (configuration["query"]["queryParameters"][0] for configuration in cloud.configurations())
    assert (one["parameterType"], one["parameterValue"]) == ({"type": type_}, {"value": sent})
    assert many["parameterType"] == {"type": "ARRAY", "arrayType": {"type": type_}}
    assert many["parameterValue"] == {"arrayValues": [{"value": sent}]}
    assert null["parameterValue"] == {"value": None}


@pytest.mark.parametrize("rows", [[{"name": "tea", "tags": ["x"], "size": {"n": 1}}], []], ids=["one", "none"])
def test_structs_are_parameters_too(cloud: BigQueryBench, rows: list[dict[str, Any]]) -> None:
    type_ = "STRUCT<name STRING, tags ARRAY<STRING>, size STRUCT<n INT64>>"
    found = cloud.warehouse.query("SELECT @p AS p", parameters={"p": Parameter(f"ARRAY<{type_}>", rows)})
    assert found["p"].to_pylist() == [rows]
    (configuration,) = cloud.configurations()
    (parameter,) = configuration["query"]["queryParameters"]
    size = {"type": "STRUCT", "structTypes": [{"name": "n", "type": {"type": "INT64"}}]}
    assert parameter["parameterType"]["arrayType"]["structTypes"] == [
        {"name": "name", "type": {"type": "STRING"}},
        {"name": "tags", "type": {"type": "ARRAY", "arrayType": {"type": "STRING"}}},
        {"name": "size", "type": size},
    ]
    assert parameter["parameterValue"]["arrayValues"] == [
        {
            "structValues": {
                "name": {"value": "tea"},
                "tags": {"arrayValues": [{"value": "x"}]},
                "size": {"structValues": {"n": {"value": "1"}}},
            }
        }
        for _ in rows
    ]


def test_results_come_without_the_storage_api_and_in_exact_types(cloud: BigQueryBench) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
    row = {"a": Decimal("0.1"), "t": moment, "j": '{"k":1}', "s": {"d": FIRST, "b": True}, "y": b"\xff", "n": None}
    found = cloud.warehouse.query(
        "SELECT NUMERIC '0.1' AS a, TIMESTAMP '2024-02-29 23:59:59.999999+00:00' AS t, JSON '{\"k\":1}' AS j,"
        " STRUCT(DATE '2024-01-31' AS d, TRUE AS b) AS s, FROM_HEX('ff') AS y, CAST(NULL AS INT64) AS n"
    )
    assert found.to_pylist() == [row]
    assert found.schema.field("a").type == pa.decimal128(38, 9)
    assert {entry.method for entry in cloud.server.log} == {
        "bigquery.jobs.insert",
        "bigquery.jobs.getQueryResults",
    }


def test_a_moment_is_said_for_every_table_after_its_alias() -> None:
    sql = (
        "WITH a AS (SELECT id FROM staging.x) -- staging.x\n"
        "SELECT y.id FROM a JOIN `core.y` USING (id) JOIN core.`z` AS q ON q.id = y.id, UNNEST(q.items) AS item"
    )
    names = ("staging.x", "core.y", "core.z")
    moments = {TableName.parse(name): datetime(2024, 1, day, tzinfo=UTC) for day, name in enumerate(names, start=1)}
    clauses = [f" FOR SYSTEM_TIME AS OF TIMESTAMP '2024-01-0{day} 00:00:00.000000+00:00'" for day in (1, 2, 3)]
    assert read_as_of(sql, moments) == (
        f"WITH a AS (SELECT id FROM staging.x{clauses[0]}) -- staging.x\n"
        f"SELECT y.id FROM a JOIN `core.y`{clauses[1]} USING (id) JOIN core.`z` AS q{clauses[2]} ON q.id = y.id,"
        " UNNEST(q.items) AS item"
    )


def test_google_s_analyzer_takes_what_reads_the_past() -> None:
    sql = "SELECT x.id, item FROM staging.x AS x CROSS JOIN core.y LEFT JOIN UNNEST(y.items) AS item"
    schemas = {"staging.x": {"id": "INT64"}, "core.y": {"items": "ARRAY<DATE>"}}
    past = read_as_of(sql, {TableName.parse(name): datetime(2024, 1, 31, tzinfo=UTC) for name in schemas})
    assert past.count("FOR SYSTEM_TIME AS OF") == 2
    assert analyze(past, schemas=schemas, parameters={}) == [("id", "INT64"), ("item", "DATE")]


def test_reading_as_of_a_run_asks_when_it_published(cloud: BigQueryBench) -> None:
    cloud.warehouse.write(TOTALS, ONE, run=RUN)
    cloud.warehouse.write(OTHER, ONE, run=RUN)
    first, last = (datetime.now(UTC) + timedelta(milliseconds=offset) for offset in (1, 3))
    for table, moment in ((TOTALS.name, first), (TableName("marts", "customer_360"), last)):
        ((spec, rows),) = published_log(table, run=RUN, at=moment).items()
        cloud.warehouse.append(spec, rows)
    time.sleep(0.01)
    cloud.warehouse.write(TOTALS, TWO, run=replace(RUN, run_id="later"))
    sql = "SELECT n FROM core.totals JOIN core.other AS o USING (n)"
    assert cloud.warehouse.query(sql, as_of=RUN.run_id)["n"].to_pylist() == [1]
    assert cloud.warehouse.query(sql)["n"].to_pylist() == [], "now it is 2 here and 1 there"
    lookup, sent = queries(cloud)[-3:-1]
    assert [parameter["parameterValue"] for parameter in lookup["query"]["queryParameters"]] == [{"value": RUN.run_id}]
    assert sent["query"]["query"] == (
        f"SELECT n FROM core.totals FOR SYSTEM_TIME AS OF TIMESTAMP '{first:%Y-%m-%d %H:%M:%S.%f}+00:00'"
        f" JOIN core.other AS o FOR SYSTEM_TIME AS OF TIMESTAMP '{last:%Y-%m-%d %H:%M:%S.%f}+00:00' USING (n)"
    )
    with pytest.raises(WarehouseError, match=r"run_2 has published nothing; ops\.published lists"):
        cloud.warehouse.query("SELECT n FROM core.totals", as_of="run_2")


def test_labels_are_what_google_takes(cloud: BigQueryBench) -> None:
    run = RunInfo("run", date(2024, 1, 31), "Customer 360 (EU)", "load_crm.Ä" + "x" * 80)
    cloud.warehouse.write(TOTALS, ONE, run=run)
    (configuration,) = cloud.configurations()
    assert configuration["labels"]["dag"] == "customer_360__eu_"
    assert len(configuration["labels"]["task"]) == 63
