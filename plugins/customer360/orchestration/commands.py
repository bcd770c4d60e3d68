"""`c360 demo`, `up`, `down` and `airflow`: the local Airflow from the command line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import click

from customer360.orchestration.components import (
    WITH_UI,
    Components,
    free_port,
    only_one,
    recorded,
    stop_recorded,
)
from customer360.orchestration.example import settings_of
from customer360.orchestration.local_airflow import USER, LocalAirflow
from customer360.settings import Settings
from customer360.terminal import SafeConsole

_SOURCES = click.option(
    "--sources", metavar="FOLDER", help="Folder of bindings. [default: C360_SOURCES, else examples/sample_shop]"
)
# What a run writes; --fresh removes these and nothing else.
_WRITTEN = ("airflow", "lake", "landing", "logs", "openlineage", "reports", "shop")


@click.command()
@click.option("--customers", default=2000, show_default=True, help="People of the sample shop.")
@click.option("--run-date", type=click.DateTime(["%Y-%m-%d"]), help="The day D. [default: the example's]")
@_SOURCES
@click.option("--keep/--fresh", default=True, show_default=True, help="Keep what earlier runs loaded, or start empty.")
def demo(customers: int, run_date: datetime | None, sources: str | None, keep: bool) -> None:
    """Everything once, for one day: sources → Airflow → tables → figures.

    \b
    c360 demo                                     the sample shop, 2,000 customers
    c360 demo --customers 50000
    c360 demo --sources examples/online_retail    other people's data, bound to the same contracts

    The Dag is the real one, run by a real scheduler that this command starts and stops. Running it again runs the same
    day again. Exit code 1, with the failing task's own message, when a task fails.
    """
    from customer360.orchestration import summary
    from customer360.orchestration.headless import run_day

    settings, example = settings_of(sources)
    example.check(settings)
    console = _console()
    day = run_date.date() if run_date else example.run_date or datetime.now(UTC).date() - timedelta(days=1)
    airflow = LocalAirflow(settings, port=free_port())
    _stop_in_order()
    started = time.monotonic()
    settings.make_data_folder()
    with only_one(airflow.home):
        if not keep:
            _start_empty(airflow)
        sources_first = partial(_generate, settings, customers, day, console) if example.sample else _nothing
        outcome = run_day(airflow, day, console=console, meanwhile=sources_first)
        summary.show(settings, outcome, console)
    console.print(f"Done: {outcome.tasks} tasks in {outcome.seconds:.0f} s, {time.monotonic() - started:.0f} s in all.")


def _nothing() -> None:
    """Sources that are there already need no preparation."""


def _generate(settings: Settings, customers: int, day: date, console: SafeConsole) -> None:
    """The sample shop's source systems, as they are on the evening of the day."""
    from customer360.sample import generate

    folder = Path(settings.expand("${C360_SHOP}"))
    with console.status("Writing the sample shop") as status:
        generate(
            folder,
            customers=customers,
            days=730,
            seed=7,
            until=day,
            on_step=lambda step: status.update(f"Writing the sample shop: {step}"),
        )
    console.print(
        f"  [green]✓[/green] sample shop of {customers:,} customers until {day}, in {os.path.relpath(folder)}"
    )


def _start_empty(airflow: LocalAirflow) -> None:
    lock = airflow.home / "command.lock"
    for name in _WRITTEN:
        for path in (airflow.settings.data / name).glob("*"):
            if path == lock:
                continue
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _console() -> SafeConsole:
    """Wide where nobody's window says how wide: a log, a pipe."""
    console = SafeConsole(highlight=False)
    return console if console.is_terminal else SafeConsole(highlight=False, width=140)


def _stop_in_order() -> None:
    """SIGTERM as Ctrl-C, and Ctrl-C also where a shell started this in the background with it ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@click.command()
@click.option("--port", default=8080, show_default=True, help="Where the UI listens; another if that is taken.")
@_SOURCES
@click.option("--schedule", is_flag=True, help="Also start a run every night at 02:00 UTC, as in production.")
@click.option("--foreground", is_flag=True, help="Stay until Ctrl-C (for containers).")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; others than loopback let the network in.",
)
def up(port: int, sources: str | None, schedule: bool, foreground: bool, host: str) -> None:
    """Airflow with its UI on this machine: scheduler, API server, Dag processor, triggerer.

    Listens on loopback only; the login is generated once per data folder. The daily Dag is unpaused: Trigger runs it
    for the last complete day, Backfill for any other. `c360 down` stops it.
    """
    from customer360.orchestration.api import AirflowApi
    from customer360.orchestration.headless import prepare_dag

    settings, example = settings_of(sources)
    example.check(settings)
    console = _console()
    airflow = LocalAirflow(settings, port=free_port(port), host=host, schedule=schedule)
    _stop_in_order()
    settings.make_data_folder()
    with only_one(airflow.home):
        components = Components(airflow, "up")
        parsed_after = datetime.now(UTC)
        try:
            if example.sample and example.run_date and not Path(settings.expand("${C360_SHOP}")).exists():
                _generate(settings, 2000, example.run_date, console)
            with console.status("Starting Airflow"), AirflowApi(airflow) as api:
                airflow.prepare()
                components.start(WITH_UI)
                prepare_dag(api, settings, components, parsed_after=parsed_after)
        except BaseException:
            components.stop(patience=5)
            raise
        console.print(
            f"Airflow is up: [bold]{airflow.url}[/bold]\n"
            f"  user {USER}, password {airflow.secrets['password']}\n"
            f"  logs in {os.path.relpath(airflow.logs)}; `c360 down` stops it"
        )
        if not foreground:
            return
        try:
            while True:
                components.check()
                time.sleep(1)
        except KeyboardInterrupt:
            pass
        finally:
            components.stop()


@click.command()
@_SOURCES
def down(sources: str | None) -> None:
    """Stop the Airflow that `c360 up` started in this data folder. Tasks that run are given 20 seconds to end."""
    home = LocalAirflow(settings_of(sources)[0], port=0).home
    console = _console()
    command = recorded(home).get("command")
    with console.status("Stopping Airflow"), only_one(home) if command != "up" else nullcontext():
        stopped = stop_recorded(home)
    console.print(f"Airflow is down ({stopped} processes)." if stopped else "Airflow was not up.")


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def airflow(arguments: tuple[str, ...]) -> None:
    """Airflow's own command line, on the local Airflow of this data folder.

    \b
    c360 airflow dags list
    c360 airflow tasks clear customer_360_daily --task-regex write_customer_360 --downstream --yes
    """
    local = LocalAirflow(settings_of()[0], port=8080)
    local.prepare()
    done = subprocess.run([sys.executable, "-m", "airflow", *arguments], env=local.environment(), check=False)
    sys.exit(done.returncode)
