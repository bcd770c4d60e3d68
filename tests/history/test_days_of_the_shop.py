"""Four days of a whole shop, one of them run again when all are over: each reads as it was published, cell by cell, and
none knows what came after it."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import RUN_DATE, build_all, load_all, open_build, settings_for

from customer360.build import Build
from customer360.history import customer_360_at, kept_days
from customer360.project import TableName
from customer360.sample import generate

pytestmark = pytest.mark.skipif("C360_HISTORY_DAYS" not in os.environ, reason="make test-past-days")
DAYS = [RUN_DATE - timedelta(days=n) for n in (3, 2, 1, 0)]
MOMENTS = ("last_seen_at", "last_purchase_at", "last_support_interaction_at", "activated_at", "updated_at")


def published(build: Build, name: str = "marts.customer_360") -> pa.Table:
    return build.warehouse.query(f"SELECT * FROM {name}").sort_by("customer360_id")


def run_day(folder: Path, day: date, run_id: str) -> Build:
    build = open_build(settings_for(folder), run_id, day)
    load_all(build, {f"shop_{name}": folder / "shop" / f"{name}.sqlite" for name in ("crm", "commerce")})
    return build


def test_each_day_reads_as_published_and_knows_nothing_of_the_next(tmp_path: Path) -> None:
    generate(tmp_path / "shop", customers=300, days=200, seed=5, until=RUN_DATE)
    said: dict[date, pa.Table] = {}
    for day in DAYS:
        build = run_day(tmp_path, day, f"run_{day}")
        build_all(build)
        said[day] = published(build)
        _check(build, said)
        build.warehouse.close()
    # Day 2 again: its partitions of raw are loaded anew, with what the sources say of it by now.
    again = run_day(tmp_path, DAYS[1], "again")
    for layer, names in again.project.graph.layers().items():
        for name in again.project.graph.steps(names):
            again.write(name)
        again.audit(names)
        if layer == "marts":
            said[DAYS[1]] = published(again, str(TableName("marts", "customer_360").candidate(DAYS[1])))
        again.publish(names)
    assert published(again)["run_date"].unique().to_pylist() == [DAYS[-1]]
    _check(again, said)
    assert len({str(table["orders_count"].to_pylist()) for table in said.values()}) > 1, "people bought meanwhile"
    again.warehouse.close()


def _check(build: Build, said: dict[date, pa.Table]) -> None:
    queries = build.settings.home / "sql" / "queries"
    assert kept_days(build.warehouse, queries) == sorted(said)
    for day, wanted in said.items():
        found = customer_360_at(build.warehouse, queries, day).sort_by("customer360_id")
        wrong = [name for name in wanted.column_names if found[name].to_pylist() != wanted[name].to_pylist()]
        assert not wrong, day
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        for name in MOMENTS:
            assert all(moment is None or moment < end for moment in found[name].to_pylist()), (day, name)
