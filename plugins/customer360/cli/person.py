"""A person on a terminal, in at most 100 columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from customer360.cli.profile import profile_lines
from customer360.customers import Match, Person, Shown
from customer360.customers.records import Identifier, SourceCustomer, TimelineEvent
from customer360.customers.wording import decision_sentence, type_name, value_text
from customer360.terminal import plain

_NOTHING = "–"


def show(person: Person, match: Match, *, console: Console, currency: str) -> None:
    """Print all of a person; `match` says how they were found."""
    _Page(person, console, currency).print(match)


def show_matches(found: Shown[Match], *, console: Console) -> None:
    """Print the people whom a text may mean."""
    table = _grid()
    for match in found.shown:
        known_by = f"{type_name(match.matched)} {match.matched_value}"
        name = " ".join(filter(None, (match.full_name, match.primary_email)))
        table.add_row(
            match.customer360_id,
            _text(name or _NOTHING),
            _text(known_by),
            f"seen {_day(match.last_seen_at)}" if match.last_seen_at else "never seen",
        )
    console.print(table)
    _more(console, found)


class _Page:
    """One person being printed."""

    def __init__(self, person: Person, console: Console, currency: str) -> None:
        self.person, self.console, self.currency = person, console, currency
        self.row: dict[str, Any] = dict(person.profile or {})

    def print(self, match: Match) -> None:
        person = self.person
        self.header(match)
        self.profile()
        self.members()
        self.identifiers()
        self.sentences("Joins nobody", person.blocked, [each.sentence for each in person.blocked.shown])
        self.sentences("Decided", person.decisions, [decision_sentence(each) for each in person.decisions.shown])
        self.changes()
        if person.on_day:
            self.then(person.on_day)
        self.consents()
        self.scores()
        self.timeline()
        if person.not_built:
            self.console.print(_text(f"\nNot built yet, so not shown: {', '.join(person.not_built)}"))

    def header(self, match: Match) -> None:
        person = self.person
        name = plain(self.row.get("full_name") or "No name")
        verified = ", verified" if self.row.get("is_verified") else ""
        as_of = f"as of {person.run_date}" if person.run_date else ""
        self.console.print(Text.assemble((name, "bold"), verified, "  ", person.customer360_id, "  ", (as_of, "dim")))
        if match.matched == "customer360_id" and match.matched_value != person.customer360_id:
            self.console.print(_text(f"{match.matched_value} stands for this person now: see What changed"))
        if not person.source_customers.total:
            self.console.print("No source names this person any longer.")
        elif person.profile is None:
            self.console.print(
                "marts.customer_360 does not know this person: it was built before identity, or not yet."
            )

    def profile(self) -> None:
        table = _grid(8)
        for label, text in profile_lines(self.row, self.person.profile_cut, self.currency):
            table.add_row(Text(label, "dim"), _text(text))
        self.console.print(table)

    def members(self) -> None:
        found = self.person.source_customers
        first = found.shown[0] if found.shown else None
        lines = [_member(each, is_first=each is first) for each in found.shown]
        many = "one source customer" if found.total == 1 else f"{found.total:,} source customers"
        self.sentences(f"Who this is: {many}", found, lines)

    def identifiers(self) -> None:
        found = self.person.identifiers
        if not found.total:
            return
        self.title("Identifiers")
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(max_width=20)
        for each in found.shown:
            table.add_row(Text(type_name(each.identity_type), "dim"), _text(_value(each)), _text(_holders(each)))
        self.console.print(Padding(table, (0, 0, 0, 2)))
        _more(self.console, found)

    def changes(self) -> None:
        """A merge is told once: by the source customers that moved where there are any, else by the ids."""
        found = self.person.changes
        moved = {(each.changed_on, each.why) for each in found.shown if each.change == "moved"}
        here = self.person.customer360_id
        lines = [
            f"{each.changed_on}  {each.sentence.replace(here, 'this person')}"
            for each in found.shown
            if each.change == "moved" or each.cause == "created" or (each.changed_on, each.why) not in moved
        ]
        self.sentences("What changed", found, lines)

    def then(self, day: date) -> None:
        found = self.person.then
        here = self.person.customer360_id
        lines = []
        for each in found.shown:
            was = each.customer360_id_then or "nobody: not known yet"
            now = each.customer360_id_now or "nobody: no source names it any longer"
            same = "as now" if was == now else f"now {'this person' if now == here else now}"
            lines.append(f"{each.source_customer} was {'this person' if was == here else was}, {same}")
        self.sentences(f"On {day}", found, lines)

    def consents(self) -> None:
        found = self.person.consents
        if not found:
            return
        self.title(f"Consents: {self.row.get('opt_in_status') or 'unknown'}")
        table = _grid(12)
        for each in found:
            counts = (("granted", each.grants), ("refused", each.refusals))
            said = [f"{word} by {number:,}" for word, number in counts[:: 1 if each.is_granted else -1] if number]
            words = ", ".join(said) + (f", lastly on {_day(each.last_recorded_at)}" if each.last_recorded_at else "")
            table.add_row(Text(each.consent_type, "dim"), _text(words))
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def scores(self) -> None:
        if self.person.refuses_profiling:
            self.title("Scores: none, because this person refuses PROFILING")
            return
        from customer360.cli.scores import score_lines

        lines = list(score_lines(self.person.scores, self.row, self.currency))
        if lines:
            self.title("Scores, and what they are made from")
            table = _grid(12)
            for label, text in lines:
                table.add_row(Text(label, "dim"), _text(text))
            self.console.print(Padding(table, (0, 0, 0, 2)))

    def timeline(self) -> None:
        found = self.person.timeline
        if not found.total:
            return
        self.title(f"The last {len(found.shown):,} of {found.total:,} events" if found.more else "All events")
        table = _grid()
        for each in found.shown:
            what = _text(_event(each, self.currency))
            table.add_row(
                f"{each.happened_at:%Y-%m-%d %H:%M}", Text(each.kind, "dim"), what, _text(each.source_customer)
            )
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def sentences(self, title: str, found: Shown[Any], lines: Iterable[str]) -> None:
        """A list of sentences, each hanging under its beginning."""
        if not found.total:
            return
        self.title(title)
        for line in lines:
            table = _grid(0)
            table.add_row("·", _text(line))
            self.console.print(Padding(table, (0, 0, 0, 2)))
        _more(self.console, found)

    def title(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}[/]")


def _member(each: SourceCustomer, *, is_first: bool) -> str:
    if each.link:
        return each.link.sentence
    key = f"{each.source_system}:{each.source_customer_id}"
    return f"{key}, first loaded {each.first_loaded_date}" + ("" if is_first else "; the evidence was too much to read")


def _value(each: Identifier) -> str:
    return value_text(each.identity_type, each.identity_value)


def _holders(each: Identifier) -> str:
    more = each.own_customers - len(each.source_customers)
    text = ", ".join(each.source_customers) + (f" and {more:,} more" if more else "")
    if each.state == "kept_apart":
        others = each.all_customers - each.own_customers
        text += f"; and {others:,} kept apart by a decision" if others else "; does not count, by a decision"
    return text


def _event(each: TimelineEvent, currency: str) -> str:
    """What happened, in a few words."""
    amount = f"{each.amount:,.2f} {currency}" if each.amount is not None else None
    unit = {"order": "item", "refund": "line", "session": "page"}.get(each.kind, "")
    quantity = f"{each.quantity:,} {unit}{'' if each.quantity == 1 else 's'}" if each.quantity is not None else None
    rating = f"rated {each.rating:.0f}" if each.rating is not None else None
    words = [each.what, amount, quantity, each.channel, each.about, each.outcome, rating, each.reference]
    return ", ".join(str(word) for word in words if word)


def _more(console: Console, found: Shown[Any]) -> None:
    if found.more > 0:
        console.print(f"  … and {found.more:,} more (--most shows more)")


def _day(moment: date) -> str:
    return f"{moment:%Y-%m-%d}"


def _grid(label: int | None = None) -> Table:
    """Columns side by side that fold rather than cut; `label` is the least width of the first."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=label)
    return table


def _text(value: str) -> Text:
    return Text(plain(value), overflow="fold")
