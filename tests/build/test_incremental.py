"""What a run rebuilds and why, for each way in which data comes late, changes, repeats or goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest

from build.histories import History, Row
from customer360.build import Build
from customer360.build.incremental import Plan
from customer360.project import TableName
from customer360.settings import Parameter

ORDERS, SESSIONS = "raw_commerce.purchase_transactions", "raw_web.website_behavior"
D1, D2, D3 = date(2024, 6, 10), date(2024, 6, 11), date(2024, 6, 13)
STAGED = TableName("staging", "stg_web__website_behavior")
FACTS, DAILY = TableName("core", "fct_sessions"), TableName("core", "int_customer_sessions_daily")


def visit(key: str, at: str, pages: int = 1) -> Row:
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return {"session_id": key, "customer_id": "C1", "visit_date": when, "pages_viewed": pages}


def line(key: str, number: int, at: str, *, status: str = "delivered", updated: str | None = None) -> Row:
    when, changed = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (at, updated or at))
    return {
        "transaction_id": key, "line_number": number, "customer_id": "C1", "product_id": "P1", "purchase_date": when,
        "quantity": 1, "total_amount": 10, "order_status": status, "updated_at": changed,
    }  # fmt: skip


class World:
    """A history that is told line by line."""

    def __init__(self, folder: Path, family: str) -> None:
        self.history = History(folder, family, Random(0))
        self.build: Build | None = None

    def day(self, day: date, **deliveries: list[Row] | tuple[date, list[Row]]) -> dict[str, Plan]:
        """Load, build and publish a day; what was planned for each table by its name. Every table is as rebuilt."""
        self.close()
        self.build = build = self.history.open(day)
        for name, given in deliveries.items():
            table = {"orders": ORDERS, "visits": SESSIONS, "rates": "raw_finance.exchange_rates"}[name]
            loaded, rows = given if isinstance(given, tuple) else (day, given)
            self.history.deliver(build, table, loaded, rows)
        plans: dict[str, Plan] = {}
        for names in build.project.graph.layers(self.history.models(build)).values():
            for name in names:
                plans[name.table] = build.plan(build.project.models[name])
                build.write(name)
            build.publish(names)
        assert not self.history.differences(build)
        return plans

    def close(self) -> None:
        if self.build:
            self.build.warehouse.close()


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, "sessions")
    world.day(
        D1, visits=[visit("a", "2024-01-05 10:00"), visit("b", "2024-06-10 09:00"), visit("c", "2024-05-01 00:00")]
    )
    yield world
    world.close()


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, "commerce")
    first = [line("T1", 1, "2024-01-05 10:00"), line("T2", 1, "2024-05-31 23:30"), line("T2", 2, "2024-06-01 00:30")]
    world.day(D1, orders=first, rates=[])
    yield world
    world.close()


def test_what_a_plan_foresees_is_what_is_rebuilt(sessions: World) -> None:
    """Before anything is written, of tables that are made of others that will have changed."""
    sessions.close()
    build = sessions.history.open(D2)
    late = visit("late", "2024-01-20 08:00")
    sessions.history.deliver(build, SESSIONS, D2, [late, visit("d", "2024-06-11 10:00")])
    asking, foreseen = replace(build, selected=frozenset()), dict[TableName, Plan]()
    for name in (STAGED, FACTS, DAILY):
        foreseen[name] = asking.plan(build.project.models[name], foreseen=foreseen)
    build.warehouse.close()
    plans = sessions.day(D2)
    for name in (STAGED, FACTS, DAILY):
        assert foreseen[name].partitions == plans[name.table].partitions == (date(2024, 1, 1), date(2024, 6, 1))
    assert "staging.stg_web__website_behavior has changed in 2" in str(foreseen[FACTS])


def test_a_plan_foresees_a_whole_rebuild(sessions: World) -> None:
    sessions.close()
    build = replace(sessions.history.open(D2), selected=frozenset())
    whole = replace(build.plan(build.project.models[STAGED]), partitions=None)
    planned = build.plan(build.project.models[FACTS], foreseen={STAGED: whole})
    build.warehouse.close()
    assert planned.partitions is None
    assert planned.reasons == ("staging.stg_web__website_behavior is rebuilt whole",)


def months(plan: Plan) -> list[str] | None:
    return None if plan.partitions is None else [f"{day:%Y-%m}" for day in plan.partitions]


def test_late_changed_moved_and_repeated_rows_rebuild_their_own_partitions(sessions: World) -> None:
    # A row 150 days late, and one of the day; the day has come, so its month is looked at again downstream.
    plans = sessions.day(D2, visits=[visit("late", "2024-01-13 10:00"), visit("d", "2024-06-11 10:00")])
    assert months(plans[STAGED.table]) == ["2024-01", "2024-06"]
    assert months(plans[FACTS.table]) == months(plans[DAILY.table]) == ["2024-01", "2024-06"]
    assert plans[STAGED.table].reasons == (f"{SESSIONS} was loaded for {D2}",)
    assert plans[FACTS.table].reasons == (f"{STAGED} has changed in 2 of its partitions", f"{D2} has come")
    # A changed row that moves to another month: both months. A missed day is part of the next run.
    plans = sessions.day(D3, visits=[visit("a", "2024-02-05 10:00", pages=7)])
    assert months(plans[STAGED.table]) == ["2024-01", "2024-02"]
    assert months(plans[FACTS.table]) == ["2024-01", "2024-02", "2024-06"]
    assert plans[FACTS.table].reasons[-1] == "2024-06-12 to 2024-06-13 has come"
    # The same delivery again, in a file of another day.
    plans = sessions.day(date(2024, 6, 14), visits=[visit("a", "2024-02-05 10:00", pages=7)])
    assert months(plans[STAGED.table]) == ["2024-02"]
    # A day with no data is a success that says so.
    plans = sessions.day(date(2024, 6, 15), visits=[])
    assert months(plans[STAGED.table]) == []
    plans = sessions.day(date(2024, 6, 16))
    assert str(plans[STAGED.table]) == f"nothing: {SESSIONS} has not been loaded since 2024-06-15"


def test_a_day_loaded_again_is_read_again_and_what_it_no_longer_delivers_goes(sessions: World) -> None:
    sessions.day(D2, visits=[visit("d", "2024-06-11 10:00")])
    plans = sessions.day(D2, visits=[visit("d", "2024-06-11 10:00", pages=3), visit("e", "2024-03-01 10:00")])
    assert months(plans[STAGED.table]) == ["2024-03", "2024-06"]
    assert plans[STAGED.table].reasons == (f"{SESSIONS} was loaded for {D2}",)
    plans = sessions.day(D3, visits=(D2, [visit("e", "2024-03-01 10:00")]))
    assert plans[STAGED.table].partitions is None
    assert plans[STAGED.table].reasons == (f"rows of {SESSIONS} loaded since {D2} are no longer delivered",)
    assert plans[FACTS.table].reasons == (f"{STAGED} was rebuilt whole",)


def test_rows_of_tomorrow_count_tomorrow(sessions: World) -> None:
    """A source whose clock runs ahead."""
    plans = sessions.day(D2, visits=[visit("ahead", "2024-07-02 10:00")])
    assert months(plans[FACTS.table]) == ["2024-06", "2024-07"]
    assert not sessions.build.warehouse.query("SELECT * FROM core.fct_sessions WHERE session_id = 'ahead'").num_rows  # type: ignore[union-attr]
    plans = sessions.day(date(2024, 7, 2))
    assert months(plans[FACTS.table]) == ["2024-06", "2024-07"]


def test_a_transaction_is_rebuilt_whole_and_a_refund_of_a_later_day_when_it_is_due(orders: World) -> None:
    ahead = line("T1", 1, "2024-01-05 10:00", status="refunded", updated="2024-06-13 10:00")
    plans = orders.day(D2, orders=[ahead], rates=[])
    assert months(plans["fct_order_lines"]) == ["2024-01", "2024-06"]
    plans = orders.day(D3, orders=[], rates=[])
    assert months(plans["stg_commerce__purchase_transactions"]) == []
    assert months(plans["fct_refunds"]) == ["2024-01", "2024-06"]  # the month it was bought in; June, for it has come
    assert months(plans["int_customer_orders_daily"]) == ["2024-01", "2024-06"]
    # T2 began in May: June's line is in May's partition with it.
    again = [line("T2", 1, "2024-05-31 23:30"), line("T2", 2, "2024-06-01 00:30", status="cancelled")]
    plans = orders.day(date(2024, 6, 14), orders=again, rates=[])
    assert months(plans["stg_commerce__purchase_transactions"]) == ["2024-05"]


def test_rates_of_the_past_rebuild_all_and_those_of_today_nothing(orders: World) -> None:
    rate = {"currency": "USD", "rate": 2}
    plans = orders.day(D2, orders=[], rates=[rate | {"rate_date": D2}])
    assert months(plans["fct_order_lines"]) == ["2024-06"]
    plans = orders.day(D3, orders=[], rates=[rate | {"rate_date": D2}, rate | {"rate_date": D1}])
    assert plans["fct_order_lines"].reasons == (f"staging.stg_finance__exchange_rates has changed for {D1}",)


def test_settings_older_days_and_unknown_tables_are_built_whole(sessions: World) -> None:
    build = sessions.build
    assert build
    model = build.project.models[FACTS]
    assert months(build.plan(model)) == []
    other = replace(build)
    other.__dict__["parameters"] = build.parameters | {"run_date": Parameter("DATE", D2)}
    assert months(other.plan(model)) == [], "the run date is no setting"
    changed = replace(model, sql=model.sql.replace("pages_viewed,", "pages_viewed + 0 AS pages_viewed,"))
    assert build.plan(changed).reasons == ("its query, columns or settings have changed",)
    assert replace(build, full=True).plan(model).reasons == ("asked for",)
    older = replace(build, run=replace(build.run, run_date=date(2024, 6, 1)), selected=frozenset())
    assert older.plan(model).reasons == ("a newer day is published",)
    build.warehouse.drop([FACTS])
    assert build.plan(model).reasons == ("the first build",)
