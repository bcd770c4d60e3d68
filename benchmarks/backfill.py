"""Days per minute: Airflow's own backfill, daily runs of the command line, and one bulk rebuild, in one run.

    python benchmarks/backfill.py --customers 200 --days 5
    python benchmarks/backfill.py --customers 100000 --days 3 --folder /tmp/backfill     keep what it writes
    python benchmarks/backfill.py --days 60 --only rebuild                               one of the three

Makes a sample shop and runs the same days of it three times, each time into a data folder of its own:

    airflow   a real scheduler, headless, is given a backfill through its REST API, as the UI does it; timed from the
              request to the end of the last day, so that starting Airflow (about 20 s) is left out
    run       `c360 load` and `c360 run` for each day, as commands
    rebuild   `c360 rebuild` from the first day to the last: loads day by day, builds once

All three audit what they publish. CPU is that of all processes, Airflow's own included.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

LAST = date(2024, 6, 30)
C360 = Path(sys.executable).parent / "c360"


class Spent(NamedTuple):
    """Seconds on the clock, and seconds of computing."""

    seconds: float
    cpu: float


def command(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "C360_DATA": str(folder)}
    done = subprocess.run([C360, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"c360 {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def daily_runs(folder: Path, days: list[date]) -> None:
    for day in days:
        command(folder, "load", "--date", str(day))
        command(folder, "run", "--date", str(day))


def bulk_rebuild(folder: Path, days: list[date]) -> None:
    command(folder, "rebuild", "--from", str(days[0]), "--to", str(days[-1]))


def airflow_backfill(folder: Path, days: list[date]) -> float:
    """Seconds from the request to the end of the last day."""
    from rich.console import Console

    from customer360.orchestration.components import free_port
    from customer360.orchestration.headless import DAG_ID, running
    from customer360.orchestration.local_airflow import LocalAirflow
    from customer360.settings import load_settings

    settings = load_settings({**os.environ, "C360_DATA": str(folder)})
    with running(LocalAirflow(settings, port=free_port()), console=Console(quiet=True)) as (api, components):
        began = time.perf_counter()
        window = {"from_date": f"{days[0]}T00:00:00Z", "to_date": f"{days[-1] + timedelta(days=1)}T00:00:00Z"}
        api.call("POST", "/backfills", json={"dag_id": DAG_ID, **window, "max_active_runs": 1})
        ended = 0
        while ended < len(days):
            components.check()
            runs = {
                state: api.call("GET", f"/dags/{DAG_ID}/dagRuns", params={"state": state, "limit": 1})["total_entries"]
                for state in ("success", "failed")
            }
            if runs["failed"]:
                sys.exit(f"{runs['failed']} day(s) failed; the logs are in {folder / 'logs'}")
            if runs["success"] > ended:
                ended = runs["success"]
                print(f"  {ended} of {len(days)} days after {time.perf_counter() - began:.0f} s", flush=True)
            time.sleep(2)
        return time.perf_counter() - began


WAYS: dict[str, Callable[[Path, list[date]], float | None]] = {
    "airflow": airflow_backfill,
    "run": daily_runs,
    "rebuild": bulk_rebuild,
}


def computing() -> float:
    """Seconds of computing of this process and of all that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measure(way: str, folder: Path, days: list[date]) -> Spent:
    print(f"{way}: {days[0]} to {days[-1]}", flush=True)
    before, began = computing(), time.perf_counter()
    seconds = WAYS[way](folder, days)
    return Spent(time.perf_counter() - began if seconds is None else seconds, computing() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200, help="people of the sample shop (default 200)")
    parser.add_argument("--days", type=int, default=5, help="so many days, the last one 2024-06-30 (default 5)")
    parser.add_argument("--only", choices=list(WAYS), action="append", help="one way of the three; repeatable")
    parser.add_argument("--folder", type=Path, help="keep shop and lakes here; lakes of an earlier run are replaced")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="c360-backfill-"))
    os.environ["C360_SHOP"] = str(folder / "shop")
    from customer360.sample import generate

    if not (folder / "shop").exists():
        generate(folder / "shop", customers=options.customers, days=730, seed=7, until=LAST)
    days = [LAST - timedelta(days=options.days - 1 - n) for n in range(options.days)]
    spent = {}
    for way in options.only or WAYS:
        shutil.rmtree(folder / way, ignore_errors=True)
        spent[way] = measure(way, folder / way, days)
    print(f"\n{'way':10}{'days':>6}{'seconds':>10}{'days/min':>10}{'s/day':>8}{'CPU s/day':>11}")
    for way, (seconds, cpu) in spent.items():
        rate = 60 * len(days) / seconds
        print(f"{way:10}{len(days):>6}{seconds:>10.0f}{rate:>10.2f}{seconds / len(days):>8.1f}{cpu / len(days):>11.1f}")
    if not options.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
