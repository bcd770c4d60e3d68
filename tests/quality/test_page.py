"""The quality page: what a built shop shows on it, that it is well-formed, and that values stay values."""

from __future__ import annotations

import json
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest
from conftest import RUN_DATE, open_build, settings_for

from customer360.build import Build
from customer360.project.platform import DATA_QUALITY, LOADS, OPS_TABLES, PUBLISHED
from customer360.quality.history import Built, Check, Quality, Source, look
from customer360.quality.page import FILE, render, write_page

NOW = datetime(2024, 7, 1, 4, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script> & \"quoted\" {{ 7 * 7 }} </style>]]>"


def page(quality: Quality) -> str:
    return render(quality, engine="local", code_version="0", made_at=NOW)


def parsed(text: str) -> ET.Element:
    """The page as a tree: it is well-formed as XML too."""
    assert text.lstrip().startswith("<!DOCTYPE html>")
    return ET.fromstring(text.replace("<!DOCTYPE html>", "").strip())


def words(tree: ET.Element) -> str:
    return " ".join(" ".join(tree.itertext()).split())


@pytest.fixture(scope="module")
def built(small_shop: Build) -> Quality:
    return look(small_shop.project, small_shop.warehouse, small_shop.run)


def test_a_built_shop_is_on_its_page(small_shop: Build, built: Quality) -> None:
    def one(sql: str) -> int:
        found: int = small_shop.warehouse.query(sql)[0][0].as_py()
        return found

    assert len(built.checks) == one("SELECT COUNT(*) FROM ops.data_quality WHERE expectation != 'freshness'") > 400
    assert sum(source.freshness is not None for source in built.sources) == 6
    assert built.stale == ()
    assert len(built.troubles) == one("SELECT COUNT(*) FROM ops.data_quality WHERE NOT success")
    rows = sum(row["refused"] for row in built.refused if row["kind"] == "row")
    cells = sum(row["refused"] for row in built.refused if row["kind"] == "cell")
    assert rows == one("SELECT SUM(rows_quarantined) FROM ops.loads") > 0
    assert cells == one("SELECT SUM(cells_quarantined) FROM ops.loads") > 0
    assert {table.day for table in built.tables} == {RUN_DATE} and built.behind == ()
    people = one("SELECT COUNT(*) FROM marts.customer_360")
    (mart,) = (table for table in built.tables if table.table == "marts.customer_360")
    assert mart.rows == ((RUN_DATE, people),) and mart.band is None
    text = words(parsed(page(built)))
    assert "Data quality of 2024-06-30 run_1" in text
    assert f"Rows refused {rows:,}" in text
    for table in built.tables:
        assert table.table in text
    for row in built.refused:
        assert row["reason"] in text


def test_it_loads_nothing_and_runs_nothing(built: Quality) -> None:
    tree = parsed(page(built))
    assert {e.tag for e in tree.iter()} & {"script", "link", "img", "iframe", "object"} == set()
    named = [
        v for e in tree.iter() for k, v in e.attrib.items() if k in ("src", "href", "srcset") or k.startswith("on")
    ]
    assert named == []
    assert "url(" not in page(built) and "@import" not in page(built)
    for picture in tree.iter("svg"):
        assert picture.get("role") == "img" and picture.get("aria-label")


def test_values_are_escaped_wherever_they_stand() -> None:
    bad = Check(
        HOSTILE, HOSTILE, HOSTILE, HOSTILE, "critical", False, 10, 3, HOSTILE, (HOSTILE,), (True, False)
    )  # fmt: skip
    load = {"run_date": RUN_DATE, "rows_read": 5, "rows_loaded": 4, "rows_quarantined": 1, "cells_quarantined": 0}
    refused = {"table_name": HOSTILE, "kind": HOSTILE, "column_name": HOSTILE, "reason": HOSTILE, "refused": 1}
    quality = Quality(
        RUN_DATE,
        (HOSTILE,),
        sources=(Source(HOSTILE, (load,)), Source(HOSTILE, ())),
        tables=(Built(HOSTILE, HOSTILE, RUN_DATE, ((RUN_DATE, 1.0),), ((RUN_DATE, 1.0),), (0.0, 5.0), (bad,)),),
        refused=(refused,),
    )
    text = page(quality)
    tree = parsed(text)
    assert not list(tree.iter("script")) and "49" not in words(tree)
    assert words(tree).count(HOSTILE) >= 12
    labels = [picture.get("aria-label") or "" for picture in tree.iter("svg")]
    assert sum(HOSTILE in label for label in labels) == 3


def test_a_warehouse_with_nothing_in_it_has_a_page(tmp_path: Path) -> None:
    build = open_build(settings_for(tmp_path), "first")
    empty = look(build.project, build.warehouse, build.run)
    build.warehouse.close()
    assert (empty.checks, empty.refused, empty.run_ids) == ((), (), ())
    text = words(parsed(page(empty)))
    assert "no run of this day was audited" in text and "Nothing was loaded until this day." in text


def test_troubles_history_bands_and_stale_sources(tmp_path: Path) -> None:
    build = open_build(settings_for(tmp_path), "now")
    build.warehouse.ensure(OPS_TABLES)
    name, source = "core.fct_orders", "raw_web.website_behavior"
    days = [RUN_DATE - timedelta(days=n) for n in range(9, -1, -1)]
    limits = {
        "newest": "2024-06-26T00:00:00+00:00",
        "age_hours": 120.0,
        "warn_after_hours": 48.0,
        "fail_after_hours": None,
    }
    checks = [
        *(_check(day, name, "unique", "critical", success=day != days[4], at=1) for day in days),
        *(_check(day, name, "old try", "critical", success=False, at=0) for day in days),  # an earlier audit of the day
        _check(days[-1], name, "late", "warning", success=False, at=1),
        _check(days[-1], source, "fresh", "warning", success=False, at=2, expectation="freshness", observed=json.dumps(limits)),
    ]  # fmt: skip
    published = [
        {"run_id": f"r{day}", "run_date": day, "table_name": name, "row_count": 100, "published_at": _at(day, 3)}
        for day in days[:-1]
    ]
    loaded = [
        {"table_name": source, "loaded_date": day, "run_id": "r", "batch_id": "b", "mode": "cursor", "rows_read": 9,
         "rows_loaded": 9, "rows_quarantined": 0, "cells_quarantined": 0, "drift": [], "finished_at": _at(day, 1)}
        for day in days[:-1]
    ]  # fmt: skip
    for spec, rows in ((DATA_QUALITY, checks), (PUBLISHED, published), (LOADS, loaded)):
        build.warehouse.append(spec, pa.Table.from_pylist(rows, schema=spec.arrow_schema))
    seen = look(build.project, build.warehouse, build.run)
    earlier = look(build.project, build.warehouse, open_build(settings_for(tmp_path), "now", days[4]).run)
    build.warehouse.close()

    (orders,) = (table for table in seen.tables if table.table == name)
    assert [(c.description, c.state) for c in orders.checks] == [("late", "warned"), ("unique", "passed")]
    assert orders.checks[1].history == (True, True, True, True, False, True, True, True, True, True)
    assert [share for _, share in orders.rates] == [1, 1, 1, 1, 0, 1, 1, 1, 1, 0.5]
    assert (orders.day, orders.band, orders in seen.behind) == (days[-2], (80.0, 120.0), True)
    assert [trouble.description for trouble in seen.troubles] == ["late", "fresh"]
    assert [stale.table for stale in seen.stale] == [source]
    assert [trouble.state for trouble in earlier.troubles] == ["failed"]
    text = words(parsed(page(seen)))
    assert "Expectations that hold 1 of 2" in text
    assert "newest row 5 d old; warns after 2 d" in text
    assert "2024-06-29 not this day" in text  # the source's last load


def _at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def _check(
    day: date,
    table: str,
    what: str,
    severity: str,
    *,
    success: bool,
    at: int,
    expectation: str = "some",
    observed: str = "",
) -> dict[str, object]:
    return {
        "run_id": f"r{day}", "run_date": day, "table_name": table, "expectation": expectation, "description": what,
        "severity": severity, "success": success, "checked_at": _at(day, at), "observed": observed or None,
        "sample_keys": [],
    }  # fmt: skip


def test_the_file_is_for_its_owner_and_replaced_whole(built: Quality, tmp_path: Path) -> None:
    for _ in range(2):
        file = write_page(built, tmp_path, engine="local", code_version="0")
        assert file == tmp_path / FILE
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [each.name for each in file.parent.iterdir()] == ["quality.html"]
