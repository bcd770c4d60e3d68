"""How long building takes, against the same SQL as one plain DuckDB script, in one run.

    python benchmarks/build.py --customers 1000000 [--folder DIR]

Makes a sample shop, loads it, then builds staging → dashboards twice, each in a process of its own: with `c360`'s build
(write and publish; audits are measured apart), and as `CREATE TABLE … AS` statements in a DuckDB database file that
reads the same raw tables. Prints seconds and peak memory of both, and per model.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

RUN_DATE = date(2024, 6, 30)


def environment(folder: Path) -> None:
    os.environ["C360_DATA"] = str(folder)


def session():  # type: ignore[no-untyped-def]
    from customer360.cli.session import session

    return session(RUN_DATE)


def prepare(folder: Path, customers: int) -> dict[str, float]:
    from customer360.orchestration.connections import airflow_connection
    from customer360.sample import generate
    from customer360.sources import load_bindings, load_table

    started = time.perf_counter()
    generate(folder / "shop", customers=customers, days=730, seed=7, until=RUN_DATE)
    generated = time.perf_counter()
    with session() as build:
        build.ensure()
        for system in load_bindings(build.settings.sources, build.project).values():
            for binding in system.tables.values():
                load_table(
                    binding,
                    build.project.contracts[binding.contract],
                    run=build.run,
                    warehouse=build.warehouse,
                    settings=build.settings,
                    connections=airflow_connection,
                )
    return {"generate": generated - started, "load": time.perf_counter() - generated}


def ours() -> dict[str, float]:
    timings: dict[str, float] = {}
    with session() as build:
        build.ensure()
        for names in build.project.graph.layers().values():
            for name in build.project.graph.steps(names):
                started = time.perf_counter()
                build.write(name)
                timings[str(name)] = time.perf_counter() - started
            started = time.perf_counter()
            build.publish(names)
            timings[f"publish {names[0].dataset}"] = time.perf_counter() - started
    return timings


def audits() -> dict[str, float]:
    """The expectations of every published table, as an audit of a layer runs them."""
    from customer360.quality import AuditedTable, audit

    timings: dict[str, float] = {}
    with session() as build:
        for dataset, names in build.project.graph.layers().items():
            started = time.perf_counter()
            tables = [n for n in names if build.project.models[n].materialized == "table"]
            audit(
                [AuditedTable(build.project.spec(name), name) for name in tables],
                warehouse=build.warehouse,
                suites=build.settings.home / "expectations",
                run=build.run,
                parameters=build.parameters,
                renames={},
                schemas=build.project.schemas,
            )
            timings[dataset] = time.perf_counter() - started
    return timings


def plain(folder: Path) -> dict[str, float]:
    from customer360.googlesql.bind import bind_parameters
    from customer360.googlesql.to_duckdb import to_duckdb
    from customer360.identity import IdentityConfig
    from customer360.project import load_project
    from customer360.settings import load_settings
    from customer360.warehouse import lake
    from customer360.warehouse.duckdb_session import connect

    settings = load_settings()
    project = load_project(settings.home)
    connection = connect(*lake.EXTENSIONS, memory_limit=settings.memory_limit, temp_directory=folder / "tmp")
    lake.attach(connection, settings.lake, read_only=True)
    connection.execute(f"ATTACH '{folder / 'plain.duckdb'}' AS plain; USE plain")
    for contract in project.contracts:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {contract.dataset}")
        connection.execute(f"CREATE VIEW {contract} AS FROM lake.{contract}")
    timings: dict[str, float] = {}
    parameters = settings.parameters(RUN_DATE) | IdentityConfig().parameters
    for name in project.graph.order:
        model = project.models[name]
        started = time.perf_counter()
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name.dataset}")
        if model.built_by:  # no SQL makes it: taken from what was built before
            connection.execute(f"CREATE VIEW {name} AS FROM lake.{name}")
            continue
        query = to_duckdb(bind_parameters(model.sql, parameters), schemas=project.schemas, parameters={})
        connection.execute(f"CREATE {model.materialized.upper()} {name} AS {query}")
        timings[str(name)] = time.perf_counter() - started
    connection.close()
    return timings


def child(step: str, folder: Path) -> None:
    environment(folder)
    steps = {"ours": ours, "audits": audits, "plain": lambda: plain(folder)}
    started = time.perf_counter()
    timings = steps[step]()
    total = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"timings": timings, "seconds": total, "peak_mib": peak}))


def measure(step: str, folder: Path) -> dict:  # type: ignore[type-arg]
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="Keep the data here; a folder that holds a shop is used as it is.")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        child(arguments.step, arguments.folder)
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="c360-benchmark-"))
    environment(folder)
    if not (folder / "lake").exists():
        spent = prepare(folder, arguments.customers)
        print(f"prepare: {', '.join(f'{key} {seconds:.1f} s' for key, seconds in spent.items())}")
    (folder / "plain.duckdb").unlink(missing_ok=True)
    results = {step: measure(step, folder) for step in ("ours", "plain", "audits")}
    print(f"{'':42}{'plain s':>10}{'c360 s':>10}")
    for name, seconds in results["ours"]["timings"].items():
        reference = results["plain"]["timings"].get(name)
        print(f"{name:42}{f'{reference:.2f}' if reference is not None else '':>10}{seconds:>10.2f}")
    print(f"{'all':42}{results['plain']['seconds']:>10.2f}{results['ours']['seconds']:>10.2f}")
    print(f"ratio {results['ours']['seconds'] / results['plain']['seconds']:.2f}")
    for step, result in results.items():
        print(f"{step}: {result['seconds']:.1f} s, peak memory {result['peak_mib']:,.0f} MiB")
    if not arguments.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
