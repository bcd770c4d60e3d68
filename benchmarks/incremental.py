"""What a daily run costs against a full refresh of the same day: bytes and seconds, per model, in one run.

    python benchmarks/incremental.py --customers 1000000 [--folder DIR]

Makes a sample shop of two years, loads and builds it as of one day, loads the next day, and builds that day twice: as a
daily run does it, and whole (`c360 run --full`). Bytes are what `c360 plan` says: compressed bytes of the columns
that are read, in the files that may hold the rows. Audits are left out of both.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

DAY = date(2024, 6, 29)


@contextmanager
def opened(day: date, *, full: bool) -> Iterator:  # type: ignore[type-arg]
    from customer360.cli.session import session

    with session(day) as build:
        build.ensure()
        yield replace(build, full=full)


def load(day: date) -> float:
    from customer360.orchestration.connections import airflow_connection
    from customer360.sources import load_bindings, load_table

    began = time.perf_counter()
    with opened(day, full=False) as build:
        for system in load_bindings(build.settings.sources, build.project).values():
            for binding in system.tables.values():
                load_table(
                    binding, build.project.contracts[binding.contract], run=build.run, warehouse=build.warehouse,
                    settings=build.settings, connections=airflow_connection,
                )  # fmt: skip
    return time.perf_counter() - began


def build_day(day: date, *, full: bool) -> dict[str, tuple[int, float, str]]:
    """Bytes read, seconds, and what was rebuilt, per model."""
    found: dict[str, tuple[int, float, str]] = {}
    with opened(day, full=full) as build:
        for names in build.project.graph.layers().values():
            for name in build.project.graph.steps(names):
                model = build.project.models[name]
                size, what = 0, ""
                if not model.built_by:
                    planned = build.plan(model)
                    what = str(planned) if model.incremental else ""
                    known = all(build.warehouse.columns(reference.name) for reference in model.references)
                    if known and planned.partitions != ():
                        values = {key: build.parameters[key] for key in model.parameters}
                        if model.materialized == "table":
                            size = build.warehouse.estimate(planned.sql, parameters=values).bytes_processed
                began = time.perf_counter()
                build.write(name)
                found[str(name)] = size, time.perf_counter() - began, what
            began = time.perf_counter()
            build.publish(names)
            found[f"publish {names[0].dataset}"] = 0, time.perf_counter() - began, ""
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="c360_incremental_"))
    os.environ["C360_DATA"] = str(folder)
    from customer360.sample import generate

    generate(
        folder / "shop", customers=options.customers, days=731, seed=7, until=DAY + timedelta(days=1), daily_files=30
    )
    print(f"loaded {DAY} in {load(DAY):.1f} s", flush=True)
    build_day(DAY, full=False)
    print(f"loaded {DAY + timedelta(days=1)} in {load(DAY + timedelta(days=1)):.1f} s", flush=True)
    daily = build_day(DAY + timedelta(days=1), full=False)
    whole = build_day(DAY + timedelta(days=1), full=True)
    print(f"{'model':52} {'MB full':>9} {'MB run':>9} {'s full':>8} {'s run':>8}  rebuilt")
    for name, (size, seconds, _) in sorted(whole.items(), key=lambda item: -item[1][1]):
        part, spent, what = daily[name]
        print(f"{name:52} {size / 1e6:9.1f} {part / 1e6:9.1f} {seconds:8.2f} {spent:8.2f}  {what[:90]}")
    sums = [sum(values[i] for values in figures.values()) for figures in (whole, daily) for i in (0, 1)]  # type: ignore[misc]
    print(
        f"in all: {sums[2] / 1e6:,.0f} of {sums[0] / 1e6:,.0f} MB ({sums[2] / sums[0]:.1%}, wanted 5 %),"
        f" {sums[3]:.0f} of {sums[1]:.0f} s ({sums[3] / sums[1]:.1%}, wanted 15 %)"
    )


if __name__ == "__main__":
    main()
