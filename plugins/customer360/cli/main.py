"""`c360`: the group. Commands are imported when they are used, so that `--help` is quick."""

from __future__ import annotations

import importlib
import logging
import sys

import click

from customer360 import __version__
from customer360.errors import Customer360Error
from customer360.settings import keep_private
from customer360.terminal import SafeFormatter, plain

# Command → the module and attribute that hold it, and the line shown by `c360 --help`.
_COMMANDS = {
    "demo": ("customer360.orchestration.commands:demo", "Sample shop → Airflow → dashboards, from nothing."),
    "up": ("customer360.orchestration.commands:up", "Start Airflow with its UI on this machine."),
    "airflow": ("customer360.orchestration.commands:airflow", "Airflow's own commands, on that Airflow."),
    "down": ("customer360.orchestration.commands:down", "Stop what `up` started."),
    "sample": ("customer360.sample.cli:sample", "Generate the sample shop's nine source systems."),
    "load": ("customer360.cli.pipeline:load", "Load sources into raw tables for one day."),
    "quarantine": ("customer360.cli.quarantine:quarantine", "Refused rows: list, show, export, judge them again."),
    "plan": ("customer360.cli.plan:plan", "Show what would run, what it would read, and which tables it would change."),
    "run": ("customer360.cli.pipeline:run", "Build models without Airflow: write, audit, publish."),
    "rebuild": ("customer360.cli.rebuild:rebuild", "Many days at once: load what is missing, build everything whole."),
    "test": ("customer360.cli.inspect:test", "Run the given/expect cases of models."),
    "customer": ("customer360.cli.customer:customer", "One person: who they are and why, what they did, their scores."),
    "at": ("customer360.cli.days:at", "The customer 360 as it was published for a past day."),
    "diff": ("customer360.cli.days:diff", "What changed in the customer 360 between two days."),
    "sql": ("customer360.cli.inspect:sql", "Ask the warehouse a GoogleSQL question."),
    "train-matches": ("customer360.cli.matching:train_matches", "Fit a Splink model to the source customers."),
    "lineage": ("customer360.cli.lineage:lineage", "Where a column comes from, and what is made of it."),
    "doctor": ("customer360.cli.doctor:doctor", "Check this deployment, and say what to do about what fails."),
    "quality": ("customer360.cli.quality:quality", "Write the page of a day's data quality."),
    "maintain": ("customer360.cli.maintain:maintain", "Remove what nobody needs any longer, and tidy what stays."),
    "status": ("customer360.cli.inspect:status", "Tables, loads, refused rows and data quality at a glance."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="c360")
@click.option("-v", "--verbose", is_flag=True, help="Show what each step does.")
def cli(verbose: bool) -> None:
    """Customer 360: one row per customer, from your sources to your dashboards.

    \b
    A first tour:
      c360 demo                                   everything once, through Airflow
      c360 sample --customers 5000                just the sample source systems
      c360 load --date 2024-06-30                 sources → raw tables
      c360 run --date 2024-06-30                  raw → staging → … → dashboards
      c360 run --date 2024-06-30 -s core.fct_orders+    one model and what reads it
      c360 sql "SELECT value_segment, COUNT(*) AS people FROM marts.customer_360 GROUP BY 1"
      c360 customer ann@example.com               one person, with the reasons
      c360 status

    Settings are environment variables (C360_DATA, C360_SOURCES, C360_WAREHOUSE …); docs/settings.md lists them.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter("%(asctime)s %(message)s"))
    logging.basicConfig(handlers=[handler])
    # On our own logger: importing Airflow sets up the root logger anew.
    logging.getLogger("customer360").setLevel(logging.INFO if verbose else logging.WARNING)


def main() -> None:
    """Entry point: errors raised on purpose are one sentence on stderr and exit code 1, never a traceback."""
    try:
        keep_private()
        cli(prog_name="c360")
    except Customer360Error as error:
        click.echo(f"c360: {plain(str(error))}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
