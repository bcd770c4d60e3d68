"""What every warehouse promises, whatever its engine: the port's contract, run against both adapters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from customer360.errors import Customer360Error, WarehouseError
from customer360.project import Column, TableName, TableSpec
from customer360.project.platform import PUBLISHED
from customer360.settings import Parameter
from customer360.warehouse.port import Publication, RunInfo, Warehouse
from warehouse.conftest import Bench
from warehouse.shared import (
    FIRST,
    NUMERIC_EDGE,
    ONE,
    ONE_ROW,
    RUN,
    SECOND,
    TOTALS,
    TWO,
    TWO_ROW,
    VISITS,
    parquet,
    published_log,
    visits,
    write_totals,
)

# -- ensure


def test_ensuring_twice_creates_once(bench: Bench, warehouse: Warehouse) -> None:
    assert warehouse.ensure([VISITS, TOTALS]) == [VISITS.name, TOTALS.name]
    assert warehouse.ensure([VISITS, TOTALS]) == []
    assert warehouse.columns(VISITS.name) == VISITS.schema
    expected = {"": VISITS.description, **{column.name: column.description for column in VISITS.columns}}
    assert bench.descriptions(VISITS.name) == expected


def test_ensure_adds_columns_and_changes_descriptions_and_keeps_rows(
    bench: Bench, warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse.load(VISITS, [parquet(tmp_path, VISITS, visits(FIRST, "a"))], partition=FIRST)
    key, pages, day = VISITS.columns
    wider = replace(
        VISITS,
        description="All visits. One row per visit.",
        columns=(key, replace(pages, description="Pages."), day, Column("device", "STRING", "Kind of device.")),
    )
    assert warehouse.ensure([wider]) == []
    assert bench.rows(VISITS.name) == [{"visit_id": "a", "pages": 1, "day": FIRST, "device": None}]
    seen = bench.descriptions(VISITS.name)
    assert (seen[""], seen["pages"], seen["device"]) == ("All visits. One row per visit.", "Pages.", "Kind of device.")


@pytest.mark.parametrize("change", ["another type", "a column less"])
def test_ensure_refuses_what_would_lose_data_and_names_the_column(warehouse: Warehouse, change: str) -> None:
    warehouse.ensure([VISITS])
    key, pages, day = VISITS.columns
    columns = (key, replace(pages, type="STRING"), day) if change == "another type" else (key, day)
    with pytest.raises(WarehouseError, match="pages"):
        warehouse.ensure([replace(VISITS, columns=columns)])
    assert warehouse.columns(VISITS.name) == VISITS.schema


# -- load


def test_a_load_replaces_its_partition_and_no_other(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    for day, ids in ((FIRST, ("a", "b")), (SECOND, ("c",)), (FIRST, ("d",))):
        file = parquet(tmp_path, VISITS, visits(day, *ids), name=ids[0])
        stats = warehouse.load(VISITS, [file], partition=day, run=RUN)
        assert stats.rows == len(ids)
    assert bench.rows(VISITS.name) == visits(SECOND, "c") + visits(FIRST, "d")
    assert warehouse.row_counts([VISITS.name]) == {VISITS.name: 2}


def test_several_files_replace_a_partition_together(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    files = [parquet(tmp_path, VISITS, visits(FIRST, visit), name=visit) for visit in ("a", "b", "c")]
    assert warehouse.load(VISITS, files, partition=FIRST, run=RUN).rows == 3
    assert warehouse.load(VISITS, files[:2], partition=FIRST, run=RUN).rows == 2
    assert bench.rows(VISITS.name) == visits(FIRST, "a", "b")


def test_loading_the_same_again_gives_the_same(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    file = parquet(tmp_path, VISITS, visits(FIRST, "a", "b"))
    for _ in range(2):
        warehouse.load(VISITS, [file], partition=FIRST, run=RUN)
    assert bench.rows(VISITS.name) == visits(FIRST, "a", "b")


def test_no_files_replace_a_partition_by_nothing(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    for day in (FIRST, SECOND):
        warehouse.load(VISITS, [parquet(tmp_path, VISITS, visits(day, "a"), name=str(day))], partition=day)
    assert warehouse.load(VISITS, [], partition=FIRST).rows == 0
    assert bench.rows(VISITS.name) == visits(SECOND, "a")


def test_a_load_without_a_partition_replaces_the_table(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    for number, rows in enumerate((ONE_ROW, TWO_ROW)):
        warehouse.load(TOTALS, [parquet(tmp_path, TOTALS, rows, name=str(number))])
    assert bench.rows(TOTALS.name) == TWO_ROW
    assert bench.descriptions(TOTALS.name)["amount"] == "Money."


def test_a_table_without_partitions_has_none_to_load(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"core\.totals has no partitions"):
        warehouse.load(TOTALS, [parquet(tmp_path, TOTALS, ONE_ROW)], partition=FIRST)


def test_a_missing_file_is_named(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"nowhere\.parquet"):
        warehouse.load(VISITS, [str(tmp_path / "nowhere.parquet")], partition=FIRST)


# -- write and publish


def test_a_written_candidate_becomes_the_table(bench: Bench, warehouse: Warehouse) -> None:
    candidate = write_totals(bench)
    assert warehouse.columns(TOTALS.name) is None
    assert warehouse.tables("core") == [candidate]
    warehouse.publish([Publication(TOTALS, candidate)], run=RUN, log=published_log(TOTALS.name))
    assert warehouse.tables("core") == [TOTALS.name]
    assert bench.rows(TOTALS.name) == ONE_ROW
    assert [row["table_name"] for row in bench.rows(PUBLISHED.name)] == ["core.totals"]


def test_schema_and_descriptions_outlive_write_and_publish(bench: Bench, warehouse: Warehouse) -> None:
    expected = {"": TOTALS.description, **{column.name: column.description for column in TOTALS.columns}}
    for sql in (ONE, TWO):
        candidate = write_totals(bench, sql)
        assert bench.descriptions(candidate) == expected
        warehouse.publish([Publication(TOTALS, candidate)], run=RUN)
        assert bench.descriptions(TOTALS.name) == expected
        assert warehouse.columns(TOTALS.name) == TOTALS.schema
    assert bench.rows(TOTALS.name) == TWO_ROW


def test_writing_again_replaces(bench: Bench) -> None:
    candidate = write_totals(bench)
    assert write_totals(bench, TWO) == candidate
    assert bench.rows(candidate) == TWO_ROW


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT 'x' AS n, CAST('1' AS NUMERIC) AS amount", {"n": "STRING", "amount": "NUMERIC"}),
        ("SELECT 1 AS n", {"n": "INT64"}),
        ("SELECT CAST('1' AS NUMERIC) AS amount, 1 AS n", {"amount": "NUMERIC", "n": "INT64"}),
    ],
    ids=["another type", "a column less", "another order"],
)
def test_a_query_of_other_columns_is_refused_and_leaves_the_table(
    bench: Bench, warehouse: Warehouse, sql: str, columns: dict[str, str]
) -> None:
    warehouse.publish([Publication(TOTALS, write_totals(bench))], run=RUN)
    with pytest.raises(WarehouseError, match=r"core\.totals: the query gives"):
        warehouse.write(TOTALS, sql, run=RUN)
    assert bench.rows(TOTALS.name) == ONE_ROW


def test_a_query_that_does_not_compile_leaves_the_table(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.write(TOTALS, ONE, run=RUN)
    with pytest.raises(WarehouseError):
        warehouse.write(TOTALS, "SELECT n, amount FROM core.missing", run=RUN)
    assert bench.rows(TOTALS.name) == ONE_ROW


def test_several_tables_are_published_together(bench: Bench, warehouse: Warehouse) -> None:
    other = replace(TOTALS, name=TableName("core", "other"))
    warehouse.write(other, TWO, target=other.name.candidate(FIRST), run=RUN)
    publications = [Publication(TOTALS, write_totals(bench)), Publication(other, other.name.candidate(FIRST))]
    warehouse.publish(publications, run=RUN, log=published_log(TOTALS.name, other.name))
    assert (bench.rows(TOTALS.name), bench.rows(other.name)) == (ONE_ROW, TWO_ROW)
    assert warehouse.tables("core") == [other.name, TOTALS.name]
    assert len(bench.rows(PUBLISHED.name)) == 2


def test_a_missing_candidate_stops_the_whole_publish(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.publish([Publication(TOTALS, write_totals(bench))], run=RUN)
    other = replace(TOTALS, name=TableName("core", "other"))
    publications = [
        Publication(TOTALS, write_totals(bench, TWO)),
        Publication(other, other.name.candidate(FIRST)),
    ]
    with pytest.raises(WarehouseError, match="other__candidate_20240131"):
        warehouse.publish(publications, run=RUN, log=published_log(TOTALS.name, other.name))
    assert bench.rows(TOTALS.name) == ONE_ROW
    assert warehouse.columns(PUBLISHED.name) is None or bench.rows(PUBLISHED.name) == []


def test_a_partition_is_published_alone(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    for day, visit in ((FIRST, "a"), (SECOND, "b")):
        warehouse.load(VISITS, [parquet(tmp_path, VISITS, visits(day, visit), name=visit)], partition=day)
    sql = "SELECT 'new' AS visit_id, 3 AS pages, DATE '2024-01-31' AS day"
    candidate = VISITS.name.candidate(FIRST)
    warehouse.write(VISITS, sql, target=candidate, run=RUN)
    warehouse.publish([Publication(VISITS, candidate, FIRST)], run=RUN)
    assert bench.rows(VISITS.name) == visits(SECOND, "b") + visits(FIRST, "new")
    assert warehouse.columns(candidate) is None


def test_a_first_partition_creates_its_table(bench: Bench, warehouse: Warehouse) -> None:
    sql = "SELECT 'new' AS visit_id, 3 AS pages, DATE '2024-01-31' AS day"
    warehouse.write(VISITS, sql, target=VISITS.name.candidate(FIRST), run=RUN)
    warehouse.publish([Publication(VISITS, VISITS.name.candidate(FIRST), FIRST)], run=RUN)
    assert bench.rows(VISITS.name) == visits(FIRST, "new")
    assert bench.descriptions(VISITS.name)["pages"] == "Pages seen."


# -- append


def test_append_creates_and_adds(bench: Bench, warehouse: Warehouse) -> None:
    for rows in (ONE_ROW, TWO_ROW):
        schema = pa.schema([("n", pa.int64()), ("amount", pa.decimal128(38, 9))])
        warehouse.append(TOTALS, pa.Table.from_pylist(rows, schema=schema))
    assert bench.rows(TOTALS.name) == ONE_ROW + TWO_ROW


def test_appended_rows_may_leave_columns_out(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.append(TOTALS, pa.table({"n": [7]}))
    assert bench.rows(TOTALS.name) == [{"n": 7, "amount": None}]


# -- values


def test_numerics_keep_every_digit(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    values = [NUMERIC_EDGE, Decimal(f"-{NUMERIC_EDGE}"), Decimal("0.000000001")]
    rows = [{"n": n, "amount": amount} for n, amount in enumerate(values)]
    warehouse.load(TOTALS, [parquet(tmp_path, TOTALS, rows)])
    assert bench.rows(TOTALS.name) == rows
    sql = f"SELECT NUMERIC '{NUMERIC_EDGE}' AS amount"
    found = warehouse.query(sql)
    assert found["amount"].to_pylist() == [NUMERIC_EDGE]
    assert found.schema.field("amount").type == pa.decimal128(38, 9)


def test_nested_types_are_kept(bench: Bench, warehouse: Warehouse, tmp_path: Path) -> None:
    spec = TableSpec(
        TableName("marts", "people"),
        (
            Column("id", "STRING", "Key."),
            Column("emails", "ARRAY<STRING>", "All e-mails."),
            Column("weights", "ARRAY<STRUCT<category STRING, weight NUMERIC>>", "Taste."),
            Column("best", "STRUCT<name STRING, at TIMESTAMP>", "The best one."),
        ),
        "People. One row per person.",
    )
    rows: list[dict[str, Any]] = [
        {
            "id": "a",
            "emails": ["x@example.org", "y@example.org"],
            "weights": [{"category": "tea", "weight": Decimal("0.250000000")}],
            "best": {"name": "tea", "at": datetime(2024, 1, 31, 12, tzinfo=UTC)},
        },
        {"id": "b", "emails": [], "weights": [], "best": None},
    ]
    warehouse.load(spec, [parquet(tmp_path, spec, rows)])
    assert warehouse.columns(spec.name) == spec.schema
    assert bench.rows(spec.name) == rows
    sql = f"SELECT * FROM {spec.name} WHERE id = 'a'"
    assert warehouse.query(sql).to_pylist() == rows[:1]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("STRING", "it's `quoted` \\ \n"),
        ("INT64", 2**63 - 1),
        ("NUMERIC", NUMERIC_EDGE),
        ("FLOAT64", 0.5),
        ("BOOL", True),
        ("DATE", date(2024, 2, 29)),
        ("TIMESTAMP", datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
        ("ARRAY<STRING>", ["delivered", "it's"]),
        ("ARRAY<STRING>", []),
        ("STRING", None),
        ("DATE", None),
    ],
    ids=str,
)
def test_parameters_arrive_as_they_were_given(bench: Bench, warehouse: Warehouse, type_: str, value: object) -> None:
    sql = "SELECT @given AS given"
    parameters = {"given": Parameter(type_, value), "not_used": Parameter("INT64", 1)}
    assert warehouse.query(sql, parameters=parameters)["given"].to_pylist() == [value]


def test_a_parameter_without_a_value_is_named(warehouse: Warehouse) -> None:
    with pytest.raises(Customer360Error, match="@run_date"):
        warehouse.query("SELECT @run_date AS day", parameters={"other": Parameter("INT64", 1)})


# -- views


def test_a_view_is_created_and_replaced(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.publish([Publication(TOTALS, write_totals(bench))], run=RUN)
    view = replace(TOTALS, name=TableName("core", "totals_view"), description="A view. One row per count.")
    for sql in ("SELECT n, amount FROM core.totals", "SELECT t.n, t.amount FROM core.totals AS t WHERE t.n > 0"):
        warehouse.create_view(view, sql)
        assert warehouse.columns(view.name) == TOTALS.schema
    assert warehouse.tables("core") == [TOTALS.name, view.name]
    warehouse.drop([view.name])
    assert warehouse.tables("core") == [TOTALS.name]


def test_a_view_takes_no_parameters(warehouse: Warehouse) -> None:
    with pytest.raises(Customer360Error, match="@limit"):
        warehouse.create_view(TOTALS, "SELECT @limit AS n, CAST('1' AS NUMERIC) AS amount")


# -- looking and dropping


def test_missing_tables_have_no_columns_and_no_count(bench: Bench, warehouse: Warehouse) -> None:
    write_totals(bench)
    missing = TableName("core", "missing")
    assert warehouse.columns(missing) is None
    assert warehouse.row_counts([missing, TOTALS.name.candidate(FIRST)]) == {TOTALS.name.candidate(FIRST): 1}
    assert warehouse.columns(TableName("nowhere", "missing")) is None
    assert warehouse.tables("nowhere") == []


def test_dropping_what_is_not_there_is_fine(bench: Bench, warehouse: Warehouse) -> None:
    candidate = write_totals(bench)
    warehouse.drop([TableName("core", "missing"), TableName("nowhere", "missing"), candidate])
    assert warehouse.tables("core") == []


def test_an_estimate_compiles_and_runs_nothing(bench: Bench, warehouse: Warehouse) -> None:
    warehouse.publish([Publication(TOTALS, write_totals(bench))], run=RUN)
    sql = "SELECT n FROM core.totals WHERE n > @least"
    assert warehouse.estimate(sql, parameters={"least": Parameter("INT64", 0)}).bytes_processed > 0
    with pytest.raises(WarehouseError):
        warehouse.estimate("SELECT n FROM core.missing")
    assert bench.rows(TOTALS.name) == ONE_ROW


# -- what only running SQL can show


def test_a_query_reads_the_candidate_that_it_is_sent_to(warehouse: Warehouse) -> None:
    candidate = TOTALS.name.candidate(FIRST)
    warehouse.write(TOTALS, ONE, run=RUN)
    warehouse.write(TOTALS, TWO, target=candidate, run=RUN)
    renames = {TOTALS.name: candidate}
    assert warehouse.query("SELECT totals.n FROM core.totals", renames=renames)["n"].to_pylist() == [2]
    assert warehouse.query("SELECT totals.n FROM core.totals")["n"].to_pylist() == [1]
    copied = "SELECT totals.n, totals.amount FROM core.totals"
    warehouse.write(TOTALS, copied, target=TableName("core", "copied"), renames=renames, run=RUN)
    assert warehouse.query("SELECT n FROM core.copied")["n"].to_pylist() == [2]


def test_what_a_run_published_can_be_read_later(warehouse: Warehouse) -> None:
    runs = [(RUN, ONE), (RunInfo("scheduled__2024-02-01", SECOND), TWO)]
    for run, sql in runs:
        candidate = TOTALS.name.candidate(run.run_date)
        warehouse.write(TOTALS, sql, target=candidate, run=run)
        warehouse.publish([Publication(TOTALS, candidate)], run=run, log=published_log(TOTALS.name, run=run))
    for (run, _), expected in zip(runs, (1, 2), strict=True):
        assert warehouse.query("SELECT n FROM core.totals", as_of=run.run_id)["n"].to_pylist() == [expected]
    with pytest.raises(WarehouseError, match="nowhere"):
        warehouse.query("SELECT n FROM core.totals", as_of="nowhere")
