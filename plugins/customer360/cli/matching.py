"""`c360 train-matches`: fits a Splink model to the warehouse's own source customers."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from customer360.cli.session import run_date_option, session


@click.command("train-matches")
@click.argument("model", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--to", "output", type=click.Path(path_type=Path, dir_okay=False), help="Write here. [default: MODEL]")
@click.option(
    "--identity",
    "configuration",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration that uses it. [default: identity.yaml beside the models]",
)
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.6,
    show_default=True,
    help="Which share of all pairs of one person the configuration's identifiers and combinations find, as you guess.",
)
@run_date_option
def train_matches(
    model: Path, output: Path | None, configuration: Path | None, recall: float, run_date: datetime | None
) -> None:
    """Estimate the probabilities of a Splink model from who is in the warehouse.

    MODEL says what is compared and how: its comparisons, their levels and its blocking rules stay as they are. Needs
    `pip install customer360[splink]` and a published identity.identity_observations. Train anew when the records have
    grown several times over, and after changing MODEL; the same records give the same file.

    \\b
    Examples:
      c360 train-matches examples/splink/people.json --to sql/matching.json
      c360 train-matches sql/matching.json --recall 0.8
    """
    from customer360.build.computed import IDENTITY_YAML
    from customer360.identity import OBSERVATIONS, load_identity_config
    from customer360.identity.training import certain_rules, read_records, train

    with session(run_date.date() if run_date else None) as build:
        settings = build.settings
        config = load_identity_config(configuration or settings.home / IDENTITY_YAML)
        records = read_records(build.warehouse, OBSERVATIONS, config, build.run)
    certain = certain_rules(config)
    trained = train(records, model, certain=certain, recall=recall, memory_limit=settings.memory_limit)
    (output or model).write_text(json.dumps(trained, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(f"{output or model}: trained on {len(records):,} source customers; certain: {'; '.join(certain)}")
