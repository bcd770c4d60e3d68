"""How large the lake is after many daily runs with maintenance after each, against what is in it.

    python benchmarks/lake_size.py --days 60 --customers 2000 --folder /tmp/lake_size

Each day's loads and build, without Airflow and without audits, then `maintain`. The days pass in minutes, so after
each of them the times in the lake's catalog are set a day back. `live` is what a fresh build of the last day would
write: the files of the tables as they are now. Raw tables, quarantine and history are kept for ever and told apart.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from customer360.build import Build
from customer360.build.maintenance import maintain
from customer360.project import load_project
from customer360.sample import generate
from customer360.settings import load_settings
from customer360.sources import Connection, load_bindings, load_table
from customer360.sources.landing import folder_landing
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

LAST = date(2024, 6, 30)
_KEPT = "schema_name LIKE 'raw%' OR schema_name = 'quarantine' OR table_name IN ({history})".format(
    history="'customer_360_history', 'customer_360_daily', 'identity_id_history', 'identity_moves'"
)
_LIVE = (
    f"SELECT {_KEPT} AS kept, SUM(file_count) AS files, SUM(file_size_bytes) AS bytes"
    " FROM ducklake_table_info('lake') AS i JOIN __ducklake_metadata_lake.ducklake_schema AS s USING (schema_id)"
    " WHERE s.end_snapshot IS NULL GROUP BY 1 ORDER BY 1"
)
_TIMES = {"ducklake_snapshot": "snapshot_time", "ducklake_files_scheduled_for_deletion": "schedule_start"}


def run_day(folder: Path, day: date) -> Build:
    """Load and build one day."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("C360_")}
    settings = load_settings({**kept, "C360_DATA": str(folder), **_retention()})
    project = load_project(settings.home)
    build = Build(project, settings, LocalWarehouse(settings.lake, schemas=project.schemas), RunInfo(f"run_{day}", day))
    build.ensure()
    for system in load_bindings(settings.sources, project).values():
        for binding in system.tables.values():
            load_table(
                binding,
                project.contracts[binding.contract],
                run=build.run,
                warehouse=build.warehouse,
                settings=settings,
                connections=lambda name: Connection(
                    kind="sqlite", database=str(folder / "shop" / f"{name.removeprefix('shop_')}.sqlite")
                ),
            )
    for names in project.graph.layers().values():
        for name in project.graph.steps(names):
            build.write(name)
        build.publish(names)
    return build


def _retention() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name == "C360_RETENTION_DAYS"}


def a_day_passes(lake: Path) -> None:
    """Set the catalog's times a day back."""
    with closing(sqlite3.connect(lake / "catalog.sqlite")) as catalog, catalog:
        for table, column in _TIMES.items():
            moment = f"strftime('%Y-%m-%d %H:%M:%f000', substr({column}, 1, 23), '-1 day') || '+00'"
            catalog.execute(f"UPDATE {table} SET {column} = {moment}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    if not (arguments.folder / "shop").exists():
        generate(
            arguments.folder / "shop",
            customers=arguments.customers,
            days=500,
            seed=11,
            until=LAST,
            daily_files=max(arguments.days, 4),
        )
    print("day\tseconds\tlake files\tlake MB\tlive files\tlive MB\tkept files\tkept MB")
    for number in range(arguments.days):
        day = LAST - timedelta(days=arguments.days - 1 - number)
        began = time.monotonic()
        build = run_day(arguments.folder, day)
        landing = folder_landing(build.settings.landing_zone)
        # At 18:00 of the day, 15 hours after the run.
        done = maintain(build, landing, now=datetime.now(UTC) + timedelta(hours=15)).warehouse
        sizes = {
            bool(kept): (files, size) for kept, files, size in build.warehouse.connection.execute(_LIVE).fetchall()
        }
        told = [done.files_after or 0, (done.bytes_after or 0) / 1e6]
        for kept in (False, True):
            files, size = sizes.get(kept, (0, 0))
            told += [int(files), int(size) / 1e6]
        shown = "\t".join(f"{each:.1f}" if isinstance(each, float) else str(each) for each in told)
        print(f"{day}\t{time.monotonic() - began:.0f}\t{shown}", flush=True)
        build.warehouse.close()
        a_day_passes(build.settings.lake)


if __name__ == "__main__":
    main()
