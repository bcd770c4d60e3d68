"""What an audit says about good and bad tables, on a real lake with the real Great Expectations."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from customer360.build import Build
from customer360.errors import AuditError, ProjectError, WarehouseError
from customer360.googlesql import types
from customer360.project import TableName
from customer360.project.platform import DATA_QUALITY
from customer360.quality import AuditedTable, audit, engines
from customer360.quality.report import Result
from customer360.settings import Settings
from customer360.warehouse.local import LocalWarehouse
from quality.conftest import BAD, ORDERS, RUN, SCHEMAS, Check, expectation, query, write_suite

NOT_NULL = expectation("expect_column_values_to_not_be_null", column="customer")
UNIQUE = expectation("expect_column_values_to_be_unique", column="order_id")
NEGATIVE = query("SELECT * FROM {batch} WHERE amount < 0")


def test_a_good_table_passes(check: Check) -> None:
    report = check(NOT_NULL, UNIQUE, NEGATIVE, good=True)
    assert [(r.expectation, r.success, r.rows_checked, r.rows_unexpected) for r in report.results] == [
        ("expect_column_values_to_not_be_null", True, 6, 0),
        ("expect_column_values_to_be_unique", True, 6, 0),
        ("unexpected_rows_expectation", True, 6, 0),
    ]
    assert report.failures == report.warnings == ()
    report.raise_if_failed()


def test_failures_say_how_many_and_which(check: Check) -> None:
    report = check(NOT_NULL, UNIQUE, NEGATIVE)
    assert [(r.columns, r.rows_unexpected, r.sample_keys) for r in report.failures] == [
        (("customer",), 2, ("order_id=O4, line=5", "order_id=O4, line=6")),
        (("order_id",), 3, ("order_id=O4, line=4", "order_id=O4, line=5", "order_id=O4, line=6")),
        ((), 1, ("order_id=O4, line=6",)),
    ]


def test_copies_of_tables_are_told_of_as_the_tables_themselves(
    small_shop: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is small is looked at in memory, what is large in the lake; queries read tables of both."""
    project = small_shop.project
    names = [n for n in project.graph.order if n.dataset == "identity" and project.models[n].materialized == "table"]

    def results() -> list[Result]:
        found = [AuditedTable(project.spec(name), name) for name in names]
        return list(
            audit(
                found, warehouse=small_shop.warehouse, suites=small_shop.settings.home / "expectations",
                run=small_shop.run, parameters=small_shop.parameters, renames={}, schemas=project.schemas,
            ).results
        )  # fmt: skip

    copied = results()
    assert len(copied) > 40 and not [each.error for each in copied if each.error]
    for nothing_or_some in (-1, 10_000):
        monkeypatch.setattr(engines, "_AT_HAND_BYTES", nothing_or_some)
        assert results() == copied


def test_the_message_names_everything_one_needs(check: Check) -> None:
    with pytest.raises(AuditError) as caught:
        check(UNIQUE, NOT_NULL | {"severity": "warning"}, NEGATIVE).raise_if_failed()
    assert str(caught.value).splitlines() == [
        "2 critical expectation(s) failed in 1 table(s);"
        " nothing was published, and people still read the last good run:",
        "  core.orders: expect_column_values_to_be_unique(order_id): 3 unexpected against 6 rows (50 %)"
        " — about expect_column_values_to_be_unique"
        " — for example order_id=O4, line=4; order_id=O4, line=5; order_id=O4, line=6",
        "  core.orders: unexpected_rows_expectation: 1 unexpected against 6 rows (16.7 %)"
        " — about unexpected_rows_expectation — for example order_id=O4, line=6",
    ]


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_only_critical_stops_the_publish(check: Check, severity: str) -> None:
    report = check(UNIQUE | {"severity": severity}, NEGATIVE | {"severity": severity})
    assert report.failures == ()
    assert [r.rows_unexpected for r in report.warnings] == [3, 1]
    report.raise_if_failed()


def test_an_expectation_that_cannot_be_evaluated_is_a_critical_failure(check: Check) -> None:
    missing = expectation("expect_column_values_to_not_be_null", "warning", column="nobody")
    (result,) = check(missing, good=True).failures
    assert result.severity == "critical"
    assert "nobody" in (result.error or "")
    assert "could not be evaluated" in str(result)


def test_one_that_the_engine_refuses_leaves_the_others_judged(check: Check) -> None:
    nonsense = expectation("expect_column_values_to_be_between", column="ordered_on", min_value="soon")
    report = check(UNIQUE, nonsense, NEGATIVE, NOT_NULL, good=True)
    assert [r.success for r in report.results] == [True, False, True, True]
    assert report.failures[0].error


def test_a_query_outside_the_dialect_fails_with_its_reason(check: Check) -> None:
    (result,) = check(query("SELECT CURRENT_DATE() FROM {batch}"), good=True).failures
    assert result.error and "CURRENT_DATE" in result.error


def test_queries_may_use_parameters_colons_braces_and_percents(check: Check) -> None:
    sql = "SELECT order_id FROM {batch} AS b WHERE 'a:b' IN UNNEST(b.tags) AND '{{c}}' IN UNNEST(b.tags)"
    late = sql + " AND ordered_on > @run_date AND customer NOT LIKE '%:nobody%'"
    like = sql + " AND customer LIKE 'ann%' AND status IN UNNEST(@completed_statuses)"
    report = check(query(sql), query(like), query(sql + " AND ordered_on > @run_date"), query(late))
    assert [r.rows_unexpected for r in report.results] == [6, 4, 1, 0]


def test_suite_parameters_are_the_run_s(check: Check) -> None:
    past = expectation("expect_column_values_to_be_between", column="ordered_on", max_value={"$PARAMETER": "run_date"})
    assert check(past, good=True).failures == ()
    assert check(past).failures[0].sample_keys == ("order_id=O4, line=6",)


def test_other_tables_are_read_where_this_run_wrote_them(orders: LocalWarehouse, tmp_path: Path) -> None:
    totals = replace(ORDERS, name=TableName("core", "totals"))
    orders.write(totals, BAD, target=TableName("core", "totals_elsewhere"))
    total = "SELECT SUM(amount) AS amount"
    sums = f"SELECT o.amount FROM ({total} FROM core.orders) AS o CROSS JOIN ({total} FROM {{batch}}) AS t"
    differing = f"{sums} WHERE o.amount != t.amount"
    suites = write_suite(tmp_path, totals.name, [query(differing)], ["order_id"])

    def conservation(renames: dict[TableName, TableName]) -> bool:
        report = audit(
            [AuditedTable(totals, TableName("core", "totals_elsewhere"))],
            warehouse=orders, suites=suites, run=RUN, parameters={}, renames=renames,
            schemas={**SCHEMAS, "core.totals": totals.schema},
        )  # fmt: skip
        assert not report.results[0].error
        return report.results[0].success

    assert not conservation({})
    assert conservation({ORDERS.name: ORDERS.name.candidate(RUN.run_date)})


def test_samples_without_a_key_show_numbers_and_dates_but_no_text(check: Check) -> None:
    grouped = "SELECT customer, status, COUNT(*) AS n, MAX(ordered_on) AS day FROM {batch} GROUP BY customer, status"
    report = check(query(f"{grouped} HAVING n > 3"))
    assert report.failures[0].sample_keys == ("n=4, day=2026-01-05",)


def test_at_most_five_samples(check: Check) -> None:
    unknown = expectation("expect_column_values_to_be_null", column="status")
    report = check(query("SELECT order_id, line FROM {batch}"), unknown)
    assert [(r.rows_unexpected, len(r.sample_keys)) for r in report.results] == [(6, 5), (6, 5)]


def test_facts_about_a_whole_table_show_what_was_observed(check: Check) -> None:
    report = check(expectation("expect_table_row_count_to_be_between", min_value=7))
    assert "observed 6" in str(report.failures[0])
    assert report.failures[0].rows_unexpected is None


def test_rows_fit_the_results_table(check: Check, orders: LocalWarehouse) -> None:
    broken = expectation("expect_column_values_to_not_be_null", column="nobody")
    rows = check(NOT_NULL, UNIQUE | {"severity": "warning"}, broken).rows()
    assert rows.schema == pa.schema([(c.name, types.to_arrow(c.type)) for c in DATA_QUALITY.columns])
    orders.append(DATA_QUALITY, rows)
    stored = orders.query("SELECT * FROM ops.data_quality").to_pylist()
    assert [(r["table_name"], r["column_name"], r["severity"], r["success"], r["rows_unexpected"]) for r in stored] == [
        ("core.orders", "customer", "critical", False, 2),
        ("core.orders", "order_id", "warning", False, 3),
        ("core.orders", "nobody", "critical", False, None),
    ]
    assert stored[0]["run_id"] == RUN.run_id
    assert stored[0]["sample_keys"] == ["order_id=O4, line=5", "order_id=O4, line=6"]
    assert "nobody" in json.loads(stored[2]["observed"])["error"]


def test_an_empty_table_can_be_audited(orders: LocalWarehouse, tmp_path: Path) -> None:
    empty = TableName("core", "orders_empty")
    orders.write(ORDERS, f"{BAD} WHERE n > 9", target=empty)
    enough = expectation("expect_table_row_count_to_be_between", min_value=1)
    suites = write_suite(tmp_path, ORDERS.name, [NOT_NULL, UNIQUE, NEGATIVE, enough], ["order_id"])
    report = audit(
        [AuditedTable(ORDERS, empty)],
        warehouse=orders,
        suites=suites,
        run=RUN,
        parameters={},
        renames={},
        schemas=SCHEMAS,
    )
    assert [r.success for r in report.results] == [True, True, True, False]


def test_an_audit_only_reads(check: Check, orders: LocalWarehouse) -> None:
    def snapshots() -> int:
        return int(orders.connection.execute("SELECT COUNT(*) FROM ducklake_snapshots('lake')").fetchall()[0][0])

    before = snapshots()
    check(NOT_NULL, UNIQUE, NEGATIVE)
    assert snapshots() == before


def test_no_suite_no_publish(orders: LocalWarehouse, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"core/orders\.json: core\.orders has no expectations"):
        audit(
            [AuditedTable(ORDERS, ORDERS.name)], warehouse=orders, suites=tmp_path, run=RUN,
            parameters=Settings().parameters(RUN.run_date), renames={}, schemas=SCHEMAS,
        )  # fmt: skip


def test_a_table_that_was_never_written_cannot_be_audited(orders: LocalWarehouse, tmp_path: Path) -> None:
    suites = write_suite(tmp_path, ORDERS.name, [UNIQUE], ["order_id"])
    with pytest.raises(WarehouseError, match=r"core\.orders_never does not exist"):
        audit(
            [AuditedTable(ORDERS, TableName("core", "orders_never"))], warehouse=orders, suites=suites, run=RUN,
            parameters={}, renames={}, schemas=SCHEMAS,
        )  # fmt: skip
