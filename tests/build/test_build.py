"""Write → audit → publish on a real lake: what people read changes wholly or not at all, and any step can run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from customer360.build import Build
from customer360.errors import AuditError, WarehouseError
from customer360.project import TableName
from customer360.project.platform import PUBLISHED

A, B, C, V = (TableName.parse(name) for name in ("core.fct_a", "core.int_b", "marts.c", "marts.c_view"))
Start = Callable[..., Build]
Load = Callable[..., None]


def whole(build: Build) -> None:
    for names in build.project.graph.layers().values():
        for name in names:
            build.write(name)
        build.audit(names)
        build.publish(names)


def totals(build: Build) -> dict[str, object]:
    return build.warehouse.query(
        "SELECT c.total, c.day, v.total AS viewed FROM marts.c AS c, marts.c_view AS v"
    ).to_pylist()[0]


def test_a_run_publishes_every_table_and_view_and_says_so(start: Start, load_raw: Load) -> None:
    build = start(1)
    load_raw(build, ["1.50", "2.25"])
    whole(build)
    assert totals(build) == {"total": Decimal("3.75"), "day": date(2024, 1, 1), "viewed": Decimal("3.75")}
    said = build.warehouse.query("SELECT table_name, run_date, row_count FROM ops.published ORDER BY 1").to_pylist()
    assert [(row["table_name"], row["row_count"]) for row in said] == [
        ("core.fct_a", 2),
        ("core.int_b", 1),
        ("marts.c", 1),
    ]
    built = build.warehouse.query("SELECT COUNT(*) AS n FROM ops.jobs WHERE operation = 'write'").to_pylist()[0]["n"]
    assert built == 3
    assert not [t for dataset in ("core", "marts") for t in build.warehouse.tables(dataset) if t.is_candidate]


def test_a_failed_audit_leaves_what_people_read(start: Start, load_raw: Load) -> None:
    first = start(1)
    load_raw(first, ["1.50"])
    whole(first)
    second = start(2)
    load_raw(second, ["9", None])
    for name in (A, B):
        second.write(name)
    with pytest.raises(AuditError, match=r"core\.fct_a.*expect_column_values_to_not_be_null.*amount"):
        second.audit([A, B])
    assert totals(second)["total"] == Decimal("1.50")
    results = second.warehouse.query(
        "SELECT table_name, severity, success, rows_unexpected FROM ops.data_quality WHERE run_id = 'run_2' ORDER BY 1"
    ).to_pylist()
    assert [(row["table_name"], row["success"]) for row in results] == [("core.fct_a", False), ("core.int_b", True)]
    # On call: the source is fixed, the load and what follows are cleared.
    load_raw(second, ["9"])
    whole(second)
    assert totals(second)["total"] == Decimal(9)


def test_any_step_can_run_again_on_a_finished_day(start: Start, load_raw: Load) -> None:
    build = start(1)
    load_raw(build, ["1.50"])
    whole(build)
    load_raw(build, ["4"])
    build.write(A)  # only this one and what follows: int_b reads the candidate of fct_a
    build.write(B)
    build.audit([A, B])
    build.publish([A, B])
    build.write(C)
    build.audit([C, V])
    build.publish([C, V])
    assert totals(build)["total"] == Decimal(4)
    build.audit([A, B])  # nothing left to do: both say so instead of failing
    assert build.publish([A, B]) == []


def test_one_table_of_a_layer_can_run_again_alone(start: Start, load_raw: Load) -> None:
    build = start(1)
    load_raw(build, ["1.50"])
    whole(build)
    build.write(B)
    build.audit([A, B])
    assert build.publish([A, B]) == [B]


def test_publishing_what_was_never_written_names_it(start: Start, load_raw: Load) -> None:
    build = start(1)
    load_raw(build, ["1.50"])
    build.write(A)
    with pytest.raises(WarehouseError, match=r"no candidate of core\.int_b for 2024-01-01"):
        build.publish([A, B])


def test_a_run_of_an_older_day_sees_its_own_day_and_publishes_nothing(start: Start, load_raw: Load) -> None:
    old, new = start(1), start(2)
    load_raw(old, ["1"])
    load_raw(new, ["2"])
    whole(new)
    for names in old.project.graph.layers().values():
        for name in names:
            old.write(name)
        old.audit(names)  # marts.c is checked against the candidate of core.int_b, not against the newer table
        assert old.publish(names) == []
    assert totals(old) == {"total": Decimal(2), "day": date(2024, 1, 2), "viewed": Decimal(2)}
    assert not [t for dataset in ("core", "marts") for t in old.warehouse.tables(dataset) if t.is_candidate]


def test_the_same_day_again_gives_the_same_tables(start: Start, load_raw: Load) -> None:
    first = start(1)
    load_raw(first, ["1.10", "2.20"])
    whole(first)
    before = first.warehouse.query("SELECT id, amount FROM core.fct_a ORDER BY id").to_pylist()
    again = start(1, run_id="again")
    load_raw(again, ["1.10", "2.20"])
    whole(again)
    assert again.warehouse.query("SELECT id, amount FROM core.fct_a ORDER BY id").to_pylist() == before
    assert again.warehouse.query("SELECT id, amount FROM core.fct_a ORDER BY id", as_of="run_1").to_pylist() == before


def test_a_candidate_that_failed_its_audit_is_read_by_no_other_layer(start: Start, load_raw: Load) -> None:
    first = start(1)
    load_raw(first, ["1.50"])
    whole(first)
    second = start(2)
    load_raw(second, ["9", None])
    for name in (A, B):
        second.write(name)
    with pytest.raises(AuditError):
        second.audit([A, B])
    chosen = replace(second, selected=frozenset({C, V}))  # `c360 run -s marts` on that day
    chosen.write(C)
    chosen.audit([C, V])
    chosen.publish([C, V])
    with pytest.raises(WarehouseError, match="is at an older day than 2024-01-02: this run has not published it"):
        start(2).write(C)
    assert totals(second)["total"] == Decimal("1.50")


def test_the_last_step_of_an_older_day_can_run_again(start: Start, load_raw: Load) -> None:
    old, new = start(1), start(2)
    load_raw(old, ["1"])
    load_raw(new, ["2"])
    whole(new)
    whole(old)
    for names in old.project.graph.layers().values():
        assert not old.audit(names).results
        assert old.publish(names) == []
    assert totals(old)["day"] == date(2024, 1, 2)


def test_models_are_told_what_no_binding_fills(start: Start) -> None:
    assert start(1).parameters["unconnected_tables"].value == ["raw_y.things"]


def test_a_partial_run_reads_no_candidate_that_is_not_its_own(start: Start, load_raw: Load) -> None:
    first = start(1)
    load_raw(first, ["1.50"])
    whole(first)
    refused = start(2)
    load_raw(refused, ["9", None])
    refused.write(A)  # and its audit fails
    partial = replace(start(2, run_id="partial"), selected=frozenset({B}))
    partial.write(B)
    partial.publish([B])
    assert partial.warehouse.query("SELECT total FROM core.int_b").to_pylist() == [{"total": Decimal("1.50")}]


def test_what_was_written_again_since_its_audit_is_not_published(start: Start, load_raw: Load) -> None:
    build = start(1)
    load_raw(build, ["1.50"])
    for name in (A, B):
        build.write(name)
    build.audit([A, B])
    another = start(1, "manual__other")
    load_raw(another, ["-999"])
    another.write(A)
    with pytest.raises(WarehouseError, match=r"core\.fct_a .*written again since its audit.*clear the audit"):
        build.publish([A, B])
    assert build.warehouse.row_counts([A]) == {}
    another.write(B)
    another.audit([A, B])
    another.publish([A, B])
    assert another.warehouse.row_counts([A]) == {A: 1}


def two_days_at_once(start: Start, load_raw: Load) -> tuple[Build, Build]:
    """Core of both is written and audited."""
    first, second = start(1), start(2)
    load_raw(first, ["1.50"])
    load_raw(second, ["9"])
    for build in (first, second):
        for name in (A, B):
            build.write(name)
        build.audit([A, B])
    return first, second


def test_two_days_at_once_do_not_mix(start: Start, load_raw: Load) -> None:
    for build in two_days_at_once(start, load_raw):
        build.publish([A, B])
    with pytest.raises(WarehouseError, match=r"core\.\w+ is at a newer day than 2024-01-01.*one day at a time"):
        start(1).write(C)


def test_a_newer_day_is_not_made_from_an_older_one_that_came_between(start: Start, load_raw: Load) -> None:
    first, second = two_days_at_once(start, load_raw)
    second.publish([A, B])
    second.write(C)
    second.audit([C, V])
    # The older day looked before the newer one was published, and publishes after it.
    object.__setattr__(first, "_is_behind", lambda names: False)
    with pytest.raises(WarehouseError, match=r"newer day than 2024-01-01 just now; nothing was published: clear this"):
        first.publish([A, B])
    assert second._published.day_of(A) == second.run.run_date

    # Where the engine could not hold it back, the newer day neither builds on it nor publishes what it built before.
    first.warehouse.publish(
        [first._publication(name, name.candidate(first.run.run_date)) for name in (A, B)],
        run=first.run,
        log={PUBLISHED: first._published.rows({A: 1, B: 1}, {})},
    )
    for step in (lambda: start(2).write(C), lambda: second.publish([C, V])):
        with pytest.raises(WarehouseError, match=r"core\.\w+ is at an older day than 2024-01-02.*one day at a time"):
            step()


def test_a_lost_candidate_is_not_replaced_by_yesterday_s_table(start: Start, load_raw: Load) -> None:
    first, second = start(1), start(2)
    load_raw(first, ["1.50"])
    whole(first)
    load_raw(second, ["9"])
    second.write(A)
    second.warehouse.drop([A.candidate(second.run.run_date)])
    with pytest.raises(
        WarehouseError, match=r"no candidate of core\.fct_a for 2024-01-02: run the write of each again"
    ):
        start(2).write(B)
