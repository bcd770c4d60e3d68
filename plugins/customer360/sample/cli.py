"""`c360 sample`: writes the sample shop."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from customer360.errors import SettingsError
from customer360.sample import DAILY_FILES, STEPS, Manifest, generate
from customer360.settings import load_settings

DEFAULT_UNTIL = date(2024, 6, 30)  # fixed, so that two machines write the same shop


@click.command()
@click.option("--customers", default=5000, show_default=True, help="How many people; each has about 10 order lines.")
@click.option("--days", default=730, show_default=True, help="How many days of activity.")
@click.option("--seed", default=7, show_default=True, help="Another number, another shop.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    default=DEFAULT_UNTIL.isoformat(),
    show_default=True,
    help="The last day of activity.",
)
@click.option(
    "--daily-files",
    default=DAILY_FILES,
    show_default=True,
    help="Days exported in a file each; older ones in a file a month.",
)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder. [default: C360_SHOP]")
def sample(customers: int, days: int, seed: int, until: datetime, daily_files: int, folder: Path | None) -> None:
    """Write nine source systems of an invented shop: SQLite, CSV, NDJSON and Parquet.

    The same options write the same rows. About 0.2 % of the rows are dirty on purpose; manifest.json in the folder
    counts them, beside figures that the models must arrive at, and truth/people.csv says who is who. An earlier sample
    shop in the folder is replaced.

    \b
    Examples:
      c360 sample                                        5,000 customers, for the bindings in examples/sample_shop
      c360 sample --customers 300 --to /tmp/shop         small, in a second
      c360 sample --until 2024-12-31 --days 365          another year
      c360 sample --daily-files 60                       two months of days to load one after another
      c360 sample --customers 1000000 --to /data/shop    a million customers, in minutes
    """
    folder = folder or Path(load_settings().expand("${C360_SHOP}"))
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=len(STEPS))

        def on_step(step: str) -> None:
            progress.update(task, description=f"writing {step}", completed=STEPS.index(step))

        try:
            result = generate(
                folder,
                customers=customers,
                days=days,
                seed=seed,
                until=until.date(),
                daily_files=daily_files,
                on_step=on_step,
            )
        except SettingsError as error:
            raise click.UsageError(str(error)) from error
    _report(result, folder)


def _report(result: Manifest, folder: Path) -> None:
    for name, facts in result.tables.items():
        refused = sum(facts.rows_refused.values())
        click.echo(f"{name:<32} {facts.rows_written:>12,} rows, {refused:,} of them to be refused")
    click.echo(f"Sample shop of {result.customers:,} customers until {result.until} in {folder}")
