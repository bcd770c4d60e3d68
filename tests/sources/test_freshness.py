"""How old a source's newest row may be: what is recorded, what warns, and what fails the load."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from customer360.errors import StaleSourceError
from customer360.sources import check_freshness
from customer360.sources.freshness import Age
from customer360.warehouse.port import RunInfo
from sources.conftest import NAME, Shop

HEADER = "order_id,line,placed_at,quantity,amount,born\n"
FILES = "files: ${FILES}/orders.csv\nformat: csv\nload: snapshot\nfreshness: "


def check(shop: Shop, *placed: str, allowed: str, day: date = date(2024, 6, 30)) -> Age | None:
    """Load orders placed at these times for a day, then look at how fresh they are."""
    rows = [f"o{n},1,{at},1,1,1990-01-01" for n, at in enumerate(placed)]
    shop.write("files/orders.csv", HEADER + "\n".join(rows) + "\n")
    binding = shop.bind(FILES + allowed)
    shop.load(binding, day)
    return check_freshness(binding, shop.contract, run=RunInfo(f"run_{day}", day), warehouse=shop.warehouse)


def recorded(shop: Shop) -> list[dict[str, Any]]:
    rows = shop.warehouse.query("SELECT * FROM ops.data_quality ORDER BY run_date, checked_at").to_pylist()
    return [{**row, "observed": json.loads(row["observed"])} for row in rows]


def test_a_fresh_source_is_recorded_with_its_newest_row(shop: Shop) -> None:
    found = check(shop, "2024-06-01", "2024-06-30T18:00:00Z", allowed="{warn_after: 36 hours}")
    assert found is not None and found.age == timedelta(hours=6) and not found.warns
    (row,) = recorded(shop)
    assert (row["table_name"], row["expectation"], row["column_name"]) == (str(NAME), "freshness", "placed_at")
    assert (row["severity"], row["success"]) == ("warning", True)
    assert row["observed"] == {
        "newest": "2024-06-30T18:00:00+00:00", "age_hours": 6.0, "warn_after_hours": 36.0, "fail_after_hours": None,
    }  # fmt: skip


def test_an_old_one_warns_and_loads(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = check(shop, "2024-06-28T12:00:00Z", allowed="{warn_after: 36 hours, fail_after: 7 days}")
    assert found is not None and found.warns
    assert "the newest row is of 2024-06-28 12:00 UTC, 60 hours before the end of the run date" in caplog.text
    assert [(row["severity"], row["success"]) for row in recorded(shop)] == [("warning", False)]


def test_too_old_a_one_fails_after_it_is_recorded(shop: Shop) -> None:
    with pytest.raises(StaleSourceError, match=r"2024-06-20 00:00 UTC, 11 days before .* and 7 days are allowed") as it:
        check(shop, "2024-06-20", allowed="{warn_after: 36 hours, fail_after: 7 days}")
    assert not it.value.retry_helps
    assert [(row["severity"], row["success"]) for row in recorded(shop)] == [("critical", False)]
    assert len(shop.rows()) == 1  # what came is loaded


def test_a_wrong_clock_does_not_hide_that_nothing_comes(shop: Shop) -> None:
    found = check(shop, "2024-06-20", "2031-01-01", allowed="{warn_after: 2 days}")
    assert found is not None and found.warns and found.age == timedelta(days=11)


def test_no_row_at_all_is_older_than_any_limit(shop: Shop) -> None:
    with pytest.raises(StaleSourceError, match="there is no row in the days before 2024-07-01"):
        check(shop, allowed="{fail_after: 900 days}")


def test_a_day_lasts_until_its_end(shop: Shop) -> None:
    found = check(shop, "2024-06-20", allowed="{column: born, warn_after: 2 days}", day=date(1990, 1, 3))
    assert found is not None and found.age == timedelta(days=2) and not found.warns


def test_without_a_time_the_last_load_with_rows_counts(shop: Shop) -> None:
    shop.contract = replace(shop.contract, event_time=None)
    first = check(shop, "2024-06-01", allowed="{warn_after: 2 days}", day=date(2024, 6, 10))
    assert first is not None and first.age == timedelta() and not first.warns
    later = check(shop, allowed="{warn_after: 2 days}", day=date(2024, 6, 14))
    assert later is not None and later.age == timedelta(days=4) and later.warns


def test_nothing_asked_is_nothing_looked_at(shop: Shop) -> None:
    shop.write("files/orders.csv", HEADER)
    binding = shop.bind("files: ${FILES}/orders.csv\nformat: csv\nload: snapshot")
    shop.load(binding)
    run = RunInfo("run", date(2024, 6, 30))
    assert check_freshness(binding, shop.contract, run=run, warehouse=shop.warehouse) is None
    assert "data_quality" not in {name.table for name in shop.warehouse.tables("ops")}
