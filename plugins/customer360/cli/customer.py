"""`c360 customer`: one person, with the reasons."""

from __future__ import annotations

import json
from datetime import datetime

import click

from customer360.cli.session import console, session
from customer360.errors import UnknownCustomerError
from customer360.terminal import SafeConsole, echo_data


@click.command()
@click.argument("who")
@click.option("--events", type=click.IntRange(min=0), default=10, show_default=True, help="Latest events shown.")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Source customers, identifiers, changes … shown; of all others, how many there are.",
)
@click.option(
    "--on",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Also show who the source customers were on a day, YYYY-MM-DD, by the mapping published then.",
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def customer(who: str, events: int, most: int, on: datetime | None, format_: str) -> None:
    """Show one person: profile, identifiers and why they belong together, the latest events, scores with what they
    were made from, segments.

    \b
    c360 customer ann@example.com            an e-mail address or phone number, however it is spelt
    c360 customer crm:C000123                a source's own id, with or without the system
    c360 customer c360_1b4f0e9851971998e732  an id of a person; one that was merged leads to who it is now
    c360 customer C000123 --on 2024-03-01    and who its source customers were that day
    c360 customer C000123 --format json      all of it, for programs; exact decimals are texts

    Source customers are one person because something both have says so, or because somebody decided it: each is shown
    with its reason, the strongest there is. Values that too many share are listed as joining nobody.

    What is shown is PERSONAL DATA: names, addresses, what somebody bought. Mind who sees the screen and where the
    output goes. The command only reads.
    """
    from customer360.build.computed import IDENTITY_YAML
    from customer360.cli.person import show, show_matches
    from customer360.customers import Customers, to_document
    from customer360.identity import load_identity_config

    with session() as build:
        home = build.settings.home
        config = load_identity_config(home / IDENTITY_YAML)
        customers = Customers(build.warehouse, home / "sql" / "queries", config, most=most)
        found, person = customers.find(who), None
        if found.total == 1:
            person = customers.describe(found.shown[0].customer360_id, events=events, on=on.date() if on else None)
    if format_ == "json":
        echo_data(json.dumps(to_document(person or {"matches": found}), ensure_ascii=False, indent=2))
    elif person:
        show(person, found.shown[0], console=_narrow(), currency=build.settings.reporting_currency)
    else:
        show_matches(found, console=_narrow())
    if person is None:
        raise UnknownCustomerError(f"{found.total:,} people have {who!r}; ask for one of them by customer360_id")


def _narrow() -> SafeConsole:
    """As wide as the terminal, at most 100 columns: sentences longer than that are hard to read."""
    return SafeConsole(width=min(console.width, 100), highlight=False)
