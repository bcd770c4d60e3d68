"""A person on a terminal, in at most 100 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from customer360.customers import Match, Person, Shown
from customer360.customers.records import Identifier, SourceCustomer, TimelineEvent
from customer360.customers.wording import decision_sentence, type_name, value_text

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
            match.customer360_id, _text(name or _NOTHING), _text(known_by), f"seen {_day(match.last_seen_at)}"
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
        self.sentences(
            "What changed", person.changes, [f"{each.changed_on}  {each.sentence}" for each in person.changes.shown]
        )
        if person.on_day:
            self.then(person.on_day)
        self.scores()
        self.timeline()
        if person.not_built:
            self.console.print(_text(f"\nNot built yet, so not shown: {', '.join(person.not_built)}"))

    def header(self, match: Match) -> None:
        person = self.person
        name = _plain(self.row.get("full_name") or "No name")
        self.console.print(Text.assemble((name, "bold"), "  ", person.customer360_id, "  ", f"as of {person.run_date}"))
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
        for label, values in self.lines():
            if kept := [_plain(value) for value in values if value]:
                table.add_row(Text(label, "dim"), Text(" · ".join(kept)))
        if table.row_count:
            self.console.print(table)

    def lines(self) -> Iterable[tuple[str, list[str | None]]]:
        """What the profile says, by theme; what is not known is left out."""
        r, day, money = self.row, _day, self.money
        place = ", ".join(str(r[n]) for n in ("postal_code", "city", "region", "country") if r.get(n))
        verified = {True: "verified", False: "not verified"}.get(r.get("is_verified") or None)
        yield "contact", [self.list("emails", "primary_email"), self.list("phones", "primary_phone"), place, r.get("language"), verified]  # fmt: skip
        age = _say(r, "age", "{} years") or r.get("age_group")
        yield "born", [day(r["date_of_birth"]) if r.get("date_of_birth") else None, age, r.get("gender")]
        yield "status", [r.get("customer_status"), r.get("lifecycle_stage"), r.get("customer_type"), _say(r, "registration_date", "registered {}"), _say(r, "last_seen_at", "last seen {:%Y-%m-%d}"), _say(r, "last_channel_seen", "in {}")]  # fmt: skip
        yield "won by", [r.get("acquisition_channel"), r.get("acquisition_source"), r.get("acquisition_campaign")]
        if r.get("orders_count"):
            yield "bought", [_say(r, "orders_count", "{:,} orders"), money("gross_revenue"), money("refunds_amount", "given back {}"), money("avg_order_value", "{} each"), _say(r, "last_purchase_at", "latest {:%Y-%m-%d}")]  # fmt: skip
        yield "likes", [self.list("interests"), r.get("favorite_brand")]
        yield "visits", [_say(r, "total_sessions", "{:,} sessions"), _say(r, "total_page_views", "{:,} pages"), _say(r, "total_events", "{:,} events"), _say(r, "most_viewed_category", "mostly {}")]  # fmt: skip
        yield "answers", [_say(r, "campaigns_sent", "{:,} campaigns"), _say(r, "campaigns_engaged", "{:,} answered"), _say(r, "preferred_channel", "best by {}")]  # fmt: skip
        yield "support", [_say(r, "support_tickets", "{:,} contacts"), _say(r, "resolved_tickets", "{:,} resolved"), _say(r, "avg_satisfaction_score", "rated {:.1f}")]  # fmt: skip
        yield "loyalty", [r.get("loyalty_tier"), _say(r, "loyalty_points_balance", "{:,.0f} points")]
        yield "tags", [self.list("tags")]
        yield "segments", [*self.person.segments, _say(r, "primary_segment", "primary: {}")]
        yield "consent", [r.get("opt_in_status"), self.list("consent_scopes")]

    def list(self, column: str, fallback: str = "") -> str | None:
        values = self.row.get(column) or [self.row[fallback]] if self.row.get(fallback) else self.row.get(column) or []
        more = self.person.profile_cut.get(column)
        return ", ".join(map(str, values)) + (f" and {more:,} more" if more else "") or None

    def money(self, column: str, text: str = "{}") -> str | None:
        value = self.row.get(column)
        return None if value is None else text.format(f"{value:,.2f} {self.currency}")

    def members(self) -> None:
        found = self.person.source_customers
        self.sentences(f"Who this is: {found.total:,} source customers", found, map(_member, found.shown))

    def identifiers(self) -> None:
        found = self.person.identifiers
        if not found.total:
            return
        self.title("Identifiers")
        table = _grid()
        for each in found.shown:
            table.add_row(Text(type_name(each.identity_type), "dim"), _text(_value(each)), _text(_holders(each)))
        self.console.print(Padding(table, (0, 0, 0, 2)))
        _more(self.console, found)

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

    def scores(self) -> None:
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
        self.title(f"The last {len(found.shown):,} of {found.total:,} events")
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


def _member(each: SourceCustomer) -> str:
    if each.link:
        return each.link.sentence
    key = f"{each.source_system}:{each.source_customer_id}"
    return f"{key}, first loaded {each.first_loaded_date}"


def _value(each: Identifier) -> str:
    return value_text(each.identity_type, each.identity_value)


def _holders(each: Identifier) -> str:
    more = each.own_customers - len(each.source_customers)
    text = ", ".join(each.source_customers) + (f" and {more:,} more" if more else "")
    if each.state == "kept_apart":
        others = each.all_customers - each.own_customers
        text += f"; {others:,} others, kept apart by a decision" if others else "; does not count, by a decision"
    return text


def _event(each: TimelineEvent, currency: str) -> str:
    """What happened, in a few words."""
    amount = f"{each.amount:,.2f} {currency}" if each.amount is not None else None
    unit = {"order": "items", "refund": "lines", "session": "pages"}.get(each.kind, "")
    quantity = f"{each.quantity:,} {unit}" if each.quantity is not None else None
    rating = f"rated {each.rating:.0f}" if each.rating is not None else None
    words = [each.what, amount, quantity, each.channel, each.about, each.outcome, rating, each.reference]
    return ", ".join(str(word) for word in words if word)


def _say(row: dict[str, Any], column: str, text: str) -> str | None:
    value = row.get(column)
    return None if value is None else text.format(value)


def _more(console: Console, found: Shown[Any]) -> None:
    if found.more > 0:
        console.print(f"  … and {found.more:,} more (--most shows more)")


def _day(moment: date | datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"


def _grid(label: int | None = None) -> Table:
    """Columns side by side that fold rather than cut; `label` is the least width of the first."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=label)
    return table


def _text(value: str) -> Text:
    return Text(_plain(value), overflow="fold")


def _plain(value: str) -> str:
    """What people typed into a form may hold what moves a terminal's cursor: none of it is passed on."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in value)
