"""How large the lake is after many daily runs, each tidied after, against a fresh full build of the same loads.

    python benchmarks/lake_size.py --days 60 --customers 500 [--folder DIR]

Each day's loads and build, without Airflow and without audits, then `maintain`. The days pass in minutes, so after
each of them the times in the lake's catalog are set a day back. Then another lake gets the same loads, each tidied
after too, and builds the last day once. Raw tables, quarantine and history grow with every day in both lakes and are
told apart. A file that runs have linked is one file.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from customer360.build import Build
from customer360.build.maintenance import maintain
from customer360.project import load_project
from customer360.sample import DAILY_FILES, generate
from customer360.settings import load_settings
from customer360.sources import Connection, load_bindings, load_table
from customer360.sources.landing import folder_landing
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

LAST = date(2024, 6, 30)
_HISTORY = "'customer_360_history', 'customer_360_daily', 'identity_id_history', 'identity_moves'"
_APART = (
    "SELECT SUM(file_count), SUM(file_size_bytes)"
    " FROM ducklake_table_info('lake') AS i JOIN __ducklake_metadata_lake.ducklake_schema AS s USING (schema_id)"
    " WHERE s.end_snapshot IS NULL"
    f" AND (schema_name LIKE 'raw%' OR schema_name = 'quarantine' OR table_name IN ({_HISTORY}))"
)
_TIMES = {"ducklake_snapshot": "snapshot_time", "ducklake_files_scheduled_for_deletion": "schedule_start"}


class Size(NamedTuple):
    """What is on disk, and how much of it raw tables, quarantine and history are."""

    files: int
    megabytes: float
    files_apart: int
    megabytes_apart: float

    @property
    def rest(self) -> tuple[int, float]:
        return self.files - self.files_apart, self.megabytes - self.megabytes_apart

    def __str__(self) -> str:
        return f"{self.files}\t{self.megabytes:.1f}\t{self.rest[0]}\t{self.rest[1]:.1f}"


def opened(folder: Path, shop: Path, day: date) -> Build:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("C360_")}
    settings = load_settings({**kept, "C360_DATA": str(folder), "C360_SHOP": str(shop), **_retention()})
    project = load_project(settings.home)
    build = Build(project, settings, LocalWarehouse(settings.lake, schemas=project.schemas), RunInfo(f"run_{day}", day))
    build.ensure()
    return build


def load(build: Build, shop: Path) -> None:
    for system in load_bindings(build.settings.sources, build.project).values():
        for binding in system.tables.values():
            load_table(
                binding,
                build.project.contracts[binding.contract],
                run=build.run,
                warehouse=build.warehouse,
                settings=build.settings,
                connections=lambda name: Connection(
                    kind="sqlite", database=str(shop / f"{name.removeprefix('shop_')}.sqlite")
                ),
            )


def build_layers(build: Build) -> None:
    for names in build.project.graph.layers().values():
        for name in build.project.graph.steps(names):
            build.write(name)
        build.publish(names)


def tidied(build: Build) -> Size:
    """Tidy at 18:00 of the day, 15 hours after the run; the size after that."""
    landing = folder_landing(build.settings.landing_zone)
    done = maintain(build, landing, now=datetime.now(UTC) + timedelta(hours=15)).warehouse
    files, size = build.warehouse.connection.execute(_APART).fetchone()  # type: ignore[attr-defined]
    return Size(done.files_after or 0, (done.bytes_after or 0) / 1e6, int(files or 0), int(size or 0) / 1e6)


def _retention() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name == "C360_RETENTION_DAYS"}


def a_day_passes(lake: Path) -> None:
    """Set the catalog's times a day back."""
    with closing(sqlite3.connect(lake / "catalog.sqlite")) as catalog, catalog:
        for table, column in _TIMES.items():
            # DuckDB writes no zeros at a fraction's end and hours only for the zone; SQLite wants its minutes too.
            moment = f"strftime('%Y-%m-%d %H:%M:%f', {column} || ':00', '-1 day') || '+00'"
            catalog.execute(f"UPDATE {table} SET {column} = {moment}")
            left = catalog.execute(f"SELECT COUNT(*) FROM {table} WHERE {column} IS NULL").fetchone()[0]
            assert not left, f"{left} times of {table} are written in another way"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="c360_lake_size_"))
    days = [LAST - timedelta(days=arguments.days - 1 - number) for number in range(arguments.days)]
    shop = folder / "shop"
    generate(
        shop, customers=arguments.customers, days=500, seed=11, until=LAST, daily_files=max(len(days), DAILY_FILES)
    )
    print("day\tseconds\tfiles\tMB\tfiles, history apart\tMB, history apart")
    for day in days:
        began = time.monotonic()
        build = opened(folder / "daily", shop, day)
        load(build, shop)
        build_layers(build)
        daily = tidied(build)
        build.warehouse.close()
        print(f"{day}\t{time.monotonic() - began:.0f}\t{daily}", flush=True)
        a_day_passes(build.settings.lake)
    for day in days:
        build = opened(folder / "fresh", shop, day)
        load(build, shop)
        if day == days[-1]:
            build_layers(build)
        fresh = tidied(build)
        build.warehouse.close()
        a_day_passes(build.settings.lake)
    print(f"fresh\t\t{fresh}")
    files, size = (one / other for one, other in zip(daily.rest, fresh.rest, strict=True))
    print(f"after {len(days)} days, history apart: {files:.2f} times the files, {size:.2f} times the size (at most 2)")


if __name__ == "__main__":
    main()
