"""Keeping house removes what nobody needs, and nothing else: not what a run, a reader or a person may still want."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from customer360.build import Build
from customer360.build.maintenance import Maintained, maintain
from customer360.errors import WarehouseError
from customer360.project import TableName
from customer360.sources.landing import FolderLanding
from customer360.warehouse.local import LocalWarehouse

ORDERS = TableName("raw_x", "orders")
NOW = datetime.now(UTC)
Start = Callable[..., Build]
LoadRaw = Callable[..., None]


def build_days(start: Start, load_raw: LoadRaw, *days: int) -> Build:
    for day in days:
        build = start(day)
        load_raw(build, [str(day)])
        for names in build.project.graph.layers().values():
            for name in names:
                build.write(name)
            build.publish(names)
    return build


def keep(build: Build, *, later: float, dry_run: bool = False, **days: int | None) -> Maintained:
    """Maintenance as it would be so many days later."""
    settings = replace(build.settings, retention_days={**build.settings.retention_days, **days})
    landing = FolderLanding(build.settings.data / "landing")
    return maintain(replace(build, settings=settings), landing, now=NOW + timedelta(days=later), dry_run=dry_run)


def said(build: Build) -> list[object]:
    """All that can be read."""
    tables = [n for d in ("raw_x", "core", "marts", "ops") for n in build.warehouse.tables(d) if n.table != "runs"]
    return [(str(n), build.warehouse.query(f"SELECT * FROM {n}").num_rows) for n in tables] + [
        build.warehouse.query("SELECT total, day FROM marts.c").to_pylist()
    ]


def data_files(build: Build) -> int:
    return len([*(build.settings.lake / "data").rglob("*.parquet")])


def live_files(build: Build) -> int:
    with LocalWarehouse(build.settings.lake).connection as connection:
        return int(connection.execute("SELECT SUM(file_count) FROM ducklake_table_info('lake')").fetchall()[0][0])


def test_what_was_replaced_goes_and_what_is_read_stays(start: Start, load_raw: LoadRaw) -> None:
    build = build_days(start, load_raw, 1, 2, 3)
    before, files = said(build), data_files(build)
    told = keep(build, later=2, dry_run=True).warehouse
    assert told.snapshots > 20 and (said(build), data_files(build)) == (before, files)
    done = keep(build, later=2).warehouse
    assert done.snapshots == told.snapshots and done.merged > 0 and done.removed > 0
    assert done.files_after and done.files_before and done.files_after < done.files_before
    keep(build, later=3)  # what was merged is removed when its readers are gone
    assert data_files(build) == live_files(build)
    assert said(build) == before
    again = keep(build, later=4).warehouse
    assert (again.removed, again.merged, again.orphans) == (0, 0, 0)
    build_days(start, load_raw, 4)


def test_a_file_with_two_names_is_one(start: Start, load_raw: LoadRaw) -> None:
    """As a run links partitions that it leaves as they are."""
    build = build_days(start, load_raw, 1)
    told = keep(build, later=0, dry_run=True).warehouse
    file = next((build.settings.lake / "data").rglob("*.parquet"))
    os.link(file, file.with_name("linked.parquet"))
    again = keep(build, later=0, dry_run=True).warehouse
    assert (again.files_before, again.bytes_before) == (told.files_before, told.bytes_before)
    file.with_name("copied.parquet").write_bytes(file.read_bytes())
    more = keep(build, later=0, dry_run=True).warehouse
    assert more.files_before == (told.files_before or 0) + 1
    assert more.bytes_before == (told.bytes_before or 0) + file.stat().st_size


def test_nothing_young_is_touched_whatever_the_settings_say(start: Start, load_raw: LoadRaw) -> None:
    build = build_days(start, load_raw, 1, 2)
    build.write(TableName("core", "fct_a"))  # a run that is under way
    done = keep(build, later=0.4, snapshots=0, candidates=0, orphans=0, landing=0).warehouse
    assert (done.tables, done.snapshots, done.removed, done.orphans) == ((), 0, 0, 0)
    assert build.warehouse.query("SELECT day FROM marts.c", as_of="run_1")["day"].to_pylist() == [date(2024, 1, 1)]
    keep(build, later=2, snapshots=3)
    assert build.warehouse.query("SELECT day FROM marts.c", as_of="run_1")["day"].to_pylist() == [date(2024, 1, 1)]
    keep(build, later=4, snapshots=3)
    with pytest.raises(WarehouseError, match="no such run, or its snapshot has expired"):
        build.warehouse.query("SELECT day FROM marts.c", as_of="run_1")


def test_candidates_scratch_tables_and_files_of_dead_runs_go_after_their_time(
    start: Start, load_raw: LoadRaw, tmp_path: Path
) -> None:
    build = build_days(start, load_raw, 1)
    build.write(TableName("core", "fct_a"))
    spec = build.project.spec(TableName("core", "fct_a"))
    scratch = TableName("core", "__fct_a_20240101_1a2b3c4d")
    build.warehouse.write(spec, "SELECT 'x' AS id, CAST(1 AS NUMERIC) AS amount", target=scratch)
    orphan = tmp_path / "lake" / "data" / "core" / "nobodys.parquet"
    orphan.write_bytes(b"x")
    killed = tmp_path / "tmp" / "load_orders_x1"
    (killed / "deep").mkdir(parents=True)
    (tmp_path / "tmp" / "other").mkdir()
    stale = {scratch, TableName("core", "fct_a").candidate(date(2024, 1, 1))}
    assert keep(build, later=6).warehouse.tables == () and stale <= set(build.warehouse.tables("core"))
    assert orphan.exists() and not killed.exists() and (tmp_path / "tmp" / "other").exists()
    assert set(keep(build, later=8).warehouse.tables) == stale
    assert not stale & set(build.warehouse.tables("core")) and not orphan.exists()
    assert keep(build, later=99, candidates=None).warehouse.tables == ()


def test_days_of_raw_tables_go_only_where_the_settings_name_them(start: Start, load_raw: LoadRaw) -> None:
    build = build_days(start, load_raw, 1, 2, 3)
    days = "SELECT DISTINCT _loaded_date AS day FROM raw_x.orders ORDER BY day"
    keep(build, later=9999)
    assert build.warehouse.query(days).num_rows == 3
    kept = (NOW.date() - date(2024, 1, 3)).days
    done = keep(build, later=0, raw_x=kept).warehouse
    assert dict(done.partitions) == {ORDERS: 2}
    assert build.warehouse.query(days)["day"].to_pylist() == [date(2024, 1, 3)]


def test_landed_files_go_by_their_age_and_others_files_stay(start: Start, tmp_path: Path) -> None:
    build = start(1)
    folder = tmp_path / "landing" / "raw_x" / "orders" / "_loaded_date=2024-01-01"
    folder.mkdir(parents=True)
    other = tmp_path / "landing" / "raw_x" / "orders" / "readme.parquet"
    for file, age in ((folder / "old.parquet", 31), (folder / "new.parquet", 29), (other, 99)):
        file.write_bytes(b"123")
        os.utime(file, (NOW.timestamp() - age * 86400,) * 2)
    assert keep(build, later=0, dry_run=True).landing_files == 1 and (folder / "old.parquet").exists()
    done = keep(build, later=0)
    assert (done.landing_files, done.landing_bytes) == (1, 3)
    assert [file.name for file in folder.iterdir()] == ["new.parquet"] and other.exists()
    keep(build, later=2)
    assert not folder.exists() and other.exists()


_DYING = """
import os, sys
from datetime import datetime, timedelta
from pathlib import Path
from customer360.warehouse.lake_upkeep import LakeUpkeep
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.upkeep import Upkeep
step, calls, folder, now = sys.argv[1], int(sys.argv[2]), sys.argv[3], datetime.fromisoformat(sys.argv[4])
real, made = getattr(LakeUpkeep, step), []
def dies(*arguments):
    made.append(1)
    if len(made) > calls:
        os._exit(9)
    return real(*arguments)
setattr(LakeUpkeep, step, dies)
day = timedelta(days=1)
LocalWarehouse(Path(folder)).maintain(Upkeep(now, ("core",), candidates=day, orphans=day, snapshots=day))
"""


def test_killed_anywhere_it_leaves_a_whole_lake_and_the_next_time_does_the_rest(
    start: Start, load_raw: LoadRaw
) -> None:
    build = build_days(start, load_raw, 1, 2)
    before = said(build)
    build.warehouse.close()
    # Before anything is dropped; between expiry and deletion; before files are merged; with all but the catalog done.
    for step, calls in (("_drop_stale", 0), ("_delete", 1), ("_merge", 0), ("_compact_catalog", 0)):
        arguments = [step, str(calls), str(build.settings.lake), (NOW + timedelta(days=2)).isoformat()]
        died = subprocess.run([sys.executable, "-c", _DYING, *arguments], check=False, capture_output=True, text=True)
        assert died.returncode == 9, died.stderr
        assert said(build) == before
        build.warehouse.close()
    keep(build, later=2)
    keep(build, later=3)
    assert data_files(build) == live_files(build)
    assert said(build) == before
