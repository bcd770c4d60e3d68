"""Every expectation type that suites may use holds on good rows and objects to bad ones, on the embedded engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from customer360.project import TableName
from customer360.quality import AuditedTable, AuditReport, audit
from customer360.quality.suites import TYPES
from customer360.settings import Settings
from customer360.warehouse.local import LocalWarehouse
from quality.conftest import ORDERS, RUN, SCHEMAS, expectation, query, write_suite

# Each holds on GOOD of conftest.py and does not on BAD.
CASES: list[dict[str, Any]] = [
    query("SELECT order_id FROM {batch} WHERE amount < 0"),
    expectation("expect_column_values_to_be_between", column="amount", min_value=0, strict_min=True),
    expectation("expect_column_values_to_be_between", column="ordered_on", max_value="2026-01-10"),
    expectation("expect_column_values_to_be_in_set", column="status", value_set=["delivered", "refunded"]),
    expectation("expect_column_values_to_not_be_in_set", column="status", value_set=["lost"]),
    expectation("expect_column_values_to_be_unique", column="order_id"),
    expectation("expect_column_values_to_not_be_null", column="customer"),
    expectation("expect_column_values_to_not_be_null", column="customer", mostly=0.9),
    expectation("expect_column_value_lengths_to_be_between", column="status", min_value=5),
    expectation("expect_column_value_lengths_to_equal", column="status", value=9),
    expectation("expect_column_max_to_be_between", column="ordered_on", max_value="2026-01-10"),
    expectation("expect_column_max_to_be_between", column="ordered_on", max_value={"$PARAMETER": "run_date"}),
    expectation("expect_column_mean_to_be_between", column="amount", min_value=1, max_value=10),
    expectation("expect_column_min_to_be_between", column="amount", min_value=0),
    expectation("expect_column_proportion_of_non_null_values_to_be_between", column="customer", min_value=1),
    expectation("expect_column_proportion_of_unique_values_to_be_between", column="order_id", min_value=1),
    expectation("expect_column_sum_to_be_between", column="amount", min_value=21, max_value=21),
    expectation("expect_column_unique_value_count_to_be_between", column="order_id", min_value=6),
    expectation("expect_column_pair_values_a_to_be_greater_than_b", column_A="amount", column_B="paid", or_equal=True),
    expectation("expect_column_pair_values_to_be_equal", column_A="amount", column_B="paid"),
    expectation("expect_compound_columns_to_be_unique", column_list=["order_id", "ordered_at"]),
]
# These need other rows than GOOD and BAD: what they say of GOOD, with arguments that hold and arguments that do not.
ARGUMENTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        expectation("expect_table_row_count_to_be_between", min_value=1),
        expectation("expect_table_row_count_to_be_between", min_value=7),
    ),
    (
        expectation("expect_table_row_count_to_equal", value=6),
        expectation("expect_table_row_count_to_equal", value=5),
    ),
    (
        expectation("expect_column_values_to_be_null", column="status", mostly=0),
        expectation("expect_column_values_to_be_null", column="status"),
    ),
    (
        expectation("expect_multicolumn_sum_to_equal", column_list=["amount", "paid"], sum_total=0, mostly=0),
        expectation("expect_multicolumn_sum_to_equal", column_list=["amount", "paid"], sum_total=7),
    ),
    (
        expectation("expect_select_column_values_to_be_unique_within_record", column_list=["order_id", "customer"]),
        expectation("expect_select_column_values_to_be_unique_within_record", column_list=["amount", "paid"]),
    ),
]


def reports(
    orders: LocalWarehouse, suites: Path, physical: TableName, expectations: list[dict[str, Any]]
) -> AuditReport:
    return audit(
        [AuditedTable(ORDERS, physical)],
        warehouse=orders,
        suites=write_suite(suites, ORDERS.name, expectations, ["order_id", "line"]),
        run=RUN,
        parameters=Settings().parameters(RUN.run_date),
        renames={},
        schemas=SCHEMAS,
    )


@pytest.fixture(scope="module")
def holding(orders: LocalWarehouse, tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    suites = [*CASES, *(holds for holds, _ in ARGUMENTS)]
    return reports(orders, tmp_path_factory.mktemp("suites"), ORDERS.name, suites)


@pytest.fixture(scope="module")
def objecting(orders: LocalWarehouse, tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    folder = tmp_path_factory.mktemp("suites")
    bad = reports(orders, folder, ORDERS.name.candidate(RUN.run_date), CASES)
    other = reports(orders, folder, ORDERS.name, [objects for _, objects in ARGUMENTS])
    return AuditReport(bad.run, bad.checked_at, bad.results + other.results)


def test_every_type_that_suites_may_use_is_here() -> None:
    assert {case["type"] for case in CASES} | {case["type"] for case, _ in ARGUMENTS} == set(TYPES)


@pytest.mark.parametrize("number", range(len(CASES) + len(ARGUMENTS)))
def test_it_holds_and_objects(number: int, holding: AuditReport, objecting: AuditReport) -> None:
    holds, objects = holding.results[number], objecting.results[number]
    assert holds.error is None and objects.error is None
    assert holds.success, holds
    assert not objects.success, objects


def test_a_row_that_fails_is_named(objecting: AuditReport) -> None:
    unnamed = [r.expectation for r in objecting.failures if r.rows_unexpected and not r.sample_keys]
    assert unnamed == []
    assert sum(1 for r in objecting.failures if r.rows_unexpected) > 10
