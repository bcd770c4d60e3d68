"""What every warehouse promises, whatever its engine: the port's contract, run against both adapters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from customer360.errors import WarehouseError
from customer360.project import Column, TableName
from customer360.project.platform import PUBLISHED
from customer360.warehouse.port import Publication, Warehouse
from warehouse.conftest import Bench
from warehouse.shared import (
    FIRST,
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
