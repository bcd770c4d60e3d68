"""What the BigQuery adapter sends for writes, views and queries. Every request is valid by Google's description."""

from __future__ import annotations

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
from warehouse.bigquery_transport import PROJECT, reference
from warehouse.conftest import BigQueryBench
from warehouse.shared import FIRST, ONE, ONE_ROW, RUN, TOTALS, VISITS, visits

SQL = "SELECT visit_id, pages, day FROM staging.visits WHERE day = @run_date"
DAY = {"run_date": Parameter("DATE", FIRST)}


def test_a_write_is_a_dry_run_then_one_truncating_query(cloud: BigQueryBench) -> None:
    cloud.transport.gives(SQL, VISITS.schema, visits(FIRST, "a"), reads=["staging.visits"])
    candidate = VISITS.name.candidate(FIRST)
    stats = cloud.warehouse.write(VISITS, SQL, target=candidate, parameters=DAY, maximum_bytes=5000, run=RUN)
    parameter = {
        "name": "run_date",
        "parameterType": {"type": "DATE"},
        "parameterValue": {"value": "2024-01-31"},
    }
    query = {"query": SQL, "queryParameters": [parameter], "parameterMode": "NAMED", "useLegacySql": False}
    (dry,) = cloud.configurations(dry=True)
    assert dry == {"query": {**query, "useQueryCache": False}, "dryRun": True}
    (job,) = cloud.configurations()
    assert job["query"] == {
        **query,
        "destinationTable": reference(candidate),
        "writeDisposition": "WRITE_TRUNCATE",
        "createDisposition": "CREATE_IF_NEEDED",
        "timePartitioning": {"type": "DAY", "field": "day"},
        "clustering": {"fields": ["visit_id"]},
        "maximumBytesBilled": "10485760",
    }
    assert job["labels"]["model"] == "raw_web_visits"
    assert (stats.rows, stats.bytes_processed) == (1, 1000)
    assert stats.url is not None
    assert stats.url.startswith(
        f"https://console.cloud.google.com/bigquery?project={PROJECT}&j=bq:EU:c360-customer_360"
    )


def test_a_query_over_budget_does_not_run(cloud: BigQueryBench) -> None:
    cloud.transport.gives(ONE, TOTALS.schema, ONE_ROW, bytes_processed=5001)
    with pytest.raises(BudgetError, match="5,001 bytes, its budget is 5,000"):
        cloud.warehouse.write(TOTALS, ONE, maximum_bytes=5000, run=RUN)
    assert cloud.configurations() == []
    cloud.warehouse.write(TOTALS, ONE, maximum_bytes=5001, run=RUN)
    assert cloud.rows(TOTALS.name) == ONE_ROW


def test_the_budget_is_google_s_limit_too(cloud: BigQueryBench) -> None:
    many = 40 * 1024 * 1024
    cloud.transport.gives(ONE, TOTALS.schema, ONE_ROW, bytes_processed=many, reads=["a.b", "a.c"])
    cloud.warehouse.write(TOTALS, ONE, maximum_bytes=many, run=RUN)
    assert cloud.configurations()[0]["query"]["maximumBytesBilled"] == str(many)


def test_a_candidate_with_other_partitions_is_replaced(cloud: BigQueryBench) -> None:
    cloud.transport.gives(SQL, VISITS.schema, visits(FIRST, "a"))
    candidate = VISITS.name.candidate(FIRST)
    for spec in (replace(VISITS, partition=Partition("day", "MONTH")), VISITS):
        cloud.warehouse.write(spec, SQL, target=candidate, parameters=DAY, run=RUN)
    assert cloud.transport.tables[candidate.dataset, candidate.table]["timePartitioning"]["type"] == "DAY"
    cloud.warehouse.ensure([VISITS])
    with pytest.raises(WarehouseError, match="partitioned by"):
        cloud.warehouse.write(replace(VISITS, partition=None), SQL, parameters=DAY, run=RUN)


def test_renames_change_only_the_tables_in_the_text(cloud: BigQueryBench) -> None:
    sql = "-- core.totals, as it was\nSELECT totals.n, totals.amount\nFROM core.totals\nWHERE n > 0 -- not core.totals"
    sent = sql.replace("FROM core.totals", "FROM core.totals__candidate_20240131 AS totals")
    cloud.transport.gives(sent, TOTALS.schema, ONE_ROW)
    renames = {TOTALS.name: TOTALS.name.candidate(FIRST)}
    cloud.warehouse.write(TOTALS, sql, target=TableName("core", "other"), renames=renames, run=RUN)
    assert cloud.configurations()[0]["query"]["query"] == sent


# -- views


def test_a_view_names_its_project_and_has_descriptions(cloud: BigQueryBench) -> None:
    sql = "SELECT n, t.amount FROM core.totals AS t"
    cloud.transport.gives(sql, TOTALS.schema, [])
    cloud.warehouse.create_view(TOTALS, sql)
    (made,) = cloud.transport.sent("tables.insert")
    assert made.body is not None
    assert made.body["view"] == {
        "query": f"SELECT n, t.amount FROM `{PROJECT}`.core.totals AS t",
        "useLegacySql": False,
    }
    assert cloud.descriptions(TOTALS.name) == {"": TOTALS.description, "n": "Count.", "amount": "Money."}


def test_a_view_replaces_no_table(cloud: BigQueryBench) -> None:
    cloud.warehouse.ensure([TOTALS])
    cloud.transport.gives(ONE, TOTALS.schema, [])
    with pytest.raises(WarehouseError, match="is a TABLE in BigQuery, not a view"):
        cloud.warehouse.create_view(TOTALS, ONE)


def test_a_table_replaces_no_view(cloud: BigQueryBench) -> None:
    cloud.transport.gives(ONE, TOTALS.schema, [])
    cloud.warehouse.create_view(TOTALS, ONE)
    with pytest.raises(WarehouseError, match="is a VIEW in BigQuery, not a table"):
        cloud.warehouse.write(TOTALS, ONE, run=RUN)


def test_a_view_is_counted_by_a_query(cloud: BigQueryBench) -> None:
    cloud.transport.gives(ONE, TOTALS.schema, [])
    cloud.warehouse.create_view(TOTALS, ONE)
    cloud.transport.gives("SELECT COUNT(*) AS row_count FROM core.totals", {"row_count": "INT64"}, [{"row_count": 3}])
    assert cloud.warehouse.row_counts([TOTALS.name]) == {TOTALS.name: 3}


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
    cloud.transport.gives("SELECT @p AS p", {"p": "INT64"}, [])
    cloud.warehouse.query("SELECT @p AS p", parameters={"p": Parameter(type_, value)})
    cloud.warehouse.query("SELECT @p AS p", parameters={"p": Parameter(f"ARRAY<{type_}>", [value])})
    cloud.warehouse.query("SELECT @p AS p", parameters={"p": Parameter(type_, None)})
    one, many, null = (configuration["query"]["queryParameters"][0] for configuration in cloud.configurations())
    assert (one["parameterType"], one["parameterValue"]) == ({"type": type_}, {"value": sent})
    assert many["parameterType"] == {"type": "ARRAY", "arrayType": {"type": type_}}
    assert many["parameterValue"] == {"arrayValues": [{"value": sent}]}
    assert null["parameterValue"] == {"value": None}


@pytest.mark.parametrize("rows", [[{"name": "tea", "tags": ["x"], "size": {"n": 1}}], []], ids=["one", "none"])
def test_structs_are_parameters_too(cloud: BigQueryBench, rows: list[dict[str, Any]]) -> None:
    cloud.transport.gives("SELECT @p AS p", {"p": "INT64"}, [])
    type_ = "STRUCT<name STRING, tags ARRAY<STRING>, size STRUCT<n INT64>>"
    cloud.warehouse.query("SELECT @p AS p", parameters={"p": Parameter(f"ARRAY<{type_}>", rows)})
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
    columns = {"a": "NUMERIC", "t": "TIMESTAMP", "j": "JSON", "s": "STRUCT<d DATE, b BOOL>", "y": "BYTES", "n": "INT64"}
    moment = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)
    row = {"a": Decimal("0.1"), "t": moment, "j": '{"k":1}', "s": {"d": FIRST, "b": True}, "y": b"\xff", "n": None}
    cloud.transport.gives("SELECT 1", columns, [row])
    found = cloud.warehouse.query("SELECT 1")
    assert found.to_pylist() == [row]
    assert found.schema.field("a").type == pa.decimal128(38, 9)
    assert {call.method for call in cloud.transport.calls} == {
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
    lookup = (
        "SELECT table_name, MAX(published_at) AS published_at FROM ops.published"
        " WHERE run_id = @run_id GROUP BY table_name"
    )
    first, last = datetime(2024, 2, 1, 2, tzinfo=UTC), datetime(2024, 2, 1, 3, tzinfo=UTC)
    columns = {"table_name": "STRING", "published_at": "TIMESTAMP"}
    rows = [
        {"table_name": "core.totals", "published_at": first},
        {"table_name": "marts.customer_360", "published_at": last},
    ]
    cloud.transport.gives(lookup, columns, rows)
    sent = (
        "SELECT n FROM core.totals FOR SYSTEM_TIME AS OF TIMESTAMP '2024-02-01 02:00:00.000000+00:00'"
        " JOIN core.other AS o FOR SYSTEM_TIME AS OF TIMESTAMP '2024-02-01 03:00:00.000000+00:00' USING (n)"
    )
    cloud.transport.gives(sent, {"n": "INT64"}, [{"n": 1}])
    found = cloud.warehouse.query("SELECT n FROM core.totals JOIN core.other AS o USING (n)", as_of="run_1")
    assert found["n"].to_pylist() == [1]
    parameters = cloud.configurations()[0]["query"]["queryParameters"]
    assert [parameter["parameterValue"] for parameter in parameters] == [{"value": "run_1"}]
    cloud.transport.gives(lookup, columns, [])
    with pytest.raises(WarehouseError, match=r"run_2 has published nothing; ops\.published lists"):
        cloud.warehouse.query("SELECT n FROM core.totals", as_of="run_2")


def test_labels_are_what_google_takes(cloud: BigQueryBench) -> None:
    cloud.transport.gives(ONE, TOTALS.schema, ONE_ROW)
    run = RunInfo("run", date(2024, 1, 31), "Customer 360 (EU)", "load_crm.Ä" + "x" * 80)
    cloud.warehouse.write(TOTALS, ONE, run=run)
    (configuration,) = cloud.configurations()
    assert configuration["labels"]["dag"] == "customer_360__eu_"
    assert len(configuration["labels"]["task"]) == 63
