"""One person: profile, identifiers and why they belong together, timeline, scores and their inputs, consents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any, TypeVar

from customer360.customers.chain import Edge, Step, explain
from customer360.customers.queries import Queries
from customer360.customers.records import (
    Blocked,
    Change,
    Components,
    Consent,
    Decision,
    Engagement,
    Identifier,
    Link,
    Person,
    Predictions,
    Purchases,
    Rfm,
    Scores,
    Shown,
    SourceCustomer,
    Then,
    TimelineEvent,
)
from customer360.customers.wording import OVERRIDE, PROBABILISTIC, blocked_sentence, change_sentence, link_sentence
from customer360.errors import SettingsError, UnknownCustomerError
from customer360.identity import IdentityConfig
from customer360.settings import Parameter

T = TypeVar("T")
Row = Mapping[str, Any]

# Of a person with more, the evidence is not read to its end.
MOST_EDGES = 20_000
PROFILING = "PROFILING"
_HOLDERS = 3


def describe(
    queries: Queries, customer360_id: str, config: IdentityConfig, *, most: int, events: int, on: date | None
) -> Person:
    """All that is known of the person of an id in use (see `find`).

    most: source customers, identifiers, changes … told one by one, and length of lists · events: latest ones told
    on: the day for `then`, who the source customers were; not after the day of the mapping

    Raises UnknownCustomerError for an id that was never given, or stands for another now.
    """
    return _Describing(queries, customer360_id, config, most).person(events, on)


class _Describing:
    """One description under way."""

    def __init__(self, queries: Queries, customer360_id: str, config: IdentityConfig, most: int) -> None:
        self.queries, self.config, self.most = queries, config, most
        self.id = customer360_id
        self.not_built: set[str] = set()

    def person(self, events: int, on: date | None) -> Person:
        rows = self.optional("customer_profile")
        profile = dict(rows[0]) if rows else None
        first = (profile.pop("source_ids") or [{}])[0] if profile else {}
        members = self.rows(
            "customer_members",
            most=MOST_EDGES,
            primary_system=first.get("source_system", ""),
            primary_customer_id=first.get("source_customer_id", ""),
        )
        changes = self.rows("customer_history")
        if not members and not changes:
            raise UnknownCustomerError(
                f"{self.id!r} is no person's customer360_id now; `find` says who an id stands for"
            )
        mapped_on = members[0]["run_date"] if members else None
        run_date: date | None = profile["run_date"] if profile else mapped_on
        edges = self.rows("customer_edges", most=MOST_EDGES) if members else []
        decisions = self.optional("customer_decisions", run_date=run_date) if members else []
        decided = _shown([_decision(row) for row in decisions], decisions)
        consents = tuple(Consent(**row) for row in self.optional("customer_consents"))
        refuses = any(each.consent_type == PROFILING and not each.is_granted for each in consents)
        is_scored = bool(members) and not refuses
        return Person(
            customer360_id=self.id,
            run_date=mapped_on,
            profile=_cut(profile, self.most),
            profile_cut=_lengths(profile, self.most),
            source_customers=self.source_customers(members, edges, decided.shown),
            identifiers=self.identifiers(edges),
            blocked=self.blocked() if members else Shown((), 0),
            decisions=decided,
            changes=_shown([_change(row) for row in changes], changes),
            consents=consents,
            refuses_profiling=refuses,
            scores=self.scores(run_date) if run_date and is_scored else Scores(None, None, None, None, None),
            segments=tuple((profile or {}).get("segments") or ()),
            timeline=self.timeline(run_date, events) if run_date and members else Shown((), 0),
            on_day=on,
            then=self.then(on, mapped_on),
            not_built=tuple(sorted(self.not_built)),
        )

    def source_customers(
        self, members: Sequence[Row], edges: Sequence[Row], decisions: Sequence[Decision]
    ) -> Shown[SourceCustomer]:
        """In the order of the explanation, so that each names one before it."""
        by_key = {_key(row): row for row in members}
        if not by_key:
            return Shown((), 0)
        evidence = [
            Edge(_key(row), row["identity_type"], row["identity_value"], row["first_loaded_date"])
            for row in edges
            if not row["is_cut"] and row["own_customers"] > 1 and _key(row) in by_key
        ]
        first = next(iter(by_key))
        steps = explain(first, evidence, self.config.parameters["identity_types"].value)
        known = {decision.override_id: decision for decision in decisions}
        probable = self.probabilities(steps[: self.most])
        links = {step.customer: _link(step, known, probable) for step in steps[: self.most]}
        order = [first, *links, *(key for key in by_key if key != first and key not in links)]
        shown = tuple(_source_customer(by_key[key], links.get(key)) for key in order[: self.most])
        return Shown(shown, members[0]["total"])

    def probabilities(self, steps: Sequence[Step]) -> dict[str, float]:
        """How probable the matches among these are."""
        matches = [step.identity_value for step in steps if step.identity_type == PROBABILISTIC]
        rows = self.optional("customer_matches", match_ids=matches) if matches else []
        return {row["match_id"]: float(row["match_probability"]) for row in rows}

    def identifiers(self, edges: Sequence[Row]) -> Shown[Identifier]:
        """Strongest first; decisions and matches are no identifiers."""
        nodes: dict[tuple[str, str], list[Row]] = {}
        decided = set()
        for row in edges:
            node = row["identity_type"], row["identity_value"]
            if node[0] in (OVERRIDE, PROBABILISTIC):
                decided.add(node)
            else:
                nodes.setdefault(node, []).append(row)
        strength = {type_: rank for rank, type_ in enumerate(self.config.parameters["identity_types"].value)}
        order = sorted(nodes, key=lambda node: (strength.get(node[0], len(strength)), -len(nodes[node]), node))
        total = edges[0]["identifiers"] - len(decided) if edges else 0
        return Shown(tuple(_identifier(node, nodes[node]) for node in order[: self.most]), total)

    def blocked(self) -> Shown[Blocked]:
        rows = self.rows("customer_blocked")
        found = [
            Blocked(
                identity_type=row["identity_type"],
                identity_value=row["identity_value"],
                reason=row["reason"],
                own_customers=row["own_customers"],
                all_customers=row["source_customers"],
                example=row["example"],
                sentence=blocked_sentence(row),
            )
            for row in rows
        ]
        return _shown(found, rows)

    def timeline(self, run_date: date, events: int) -> Shown[TimelineEvent]:
        rows = self.optional("customer_timeline", run_date=run_date, most=events)
        names = [field.name for field in fields(TimelineEvent) if field.name != "source_customer"]
        return _shown([TimelineEvent(**{n: row[n] for n in names}, source_customer=_key(row)) for row in rows], rows)

    def scores(self, run_date: date) -> Scores:
        scores = self.optional("customer_scores")
        purchases = self.optional("customer_purchases", run_date=run_date)
        predictions = self.optional("customer_predictions")
        buys = bool(scores) and bool(scores[0]["orders_count"])
        return Scores(
            rfm=_taken(Rfm, scores) if buys else None,
            engagement=_taken(Engagement, scores),
            components=_taken(Components, scores),
            purchases=_taken(Purchases, purchases),
            predictions=_taken(Predictions, predictions),
        )

    def then(self, on: date | None, mapped_on: date | None) -> Shown[Then]:
        if on is None:
            return Shown((), 0)
        if mapped_on and on > mapped_on:
            raise SettingsError(f"who was who on {on} is not known yet: the mapping is as of {mapped_on}")
        rows = self.rows("customer_on", day=on)
        return _shown([Then(_key(row), row["customer360_id_then"], row["customer360_id_now"]) for row in rows], rows)

    def rows(self, file: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a query about this person."""
        types: dict[type, str] = {int: "INT64", date: "DATE", str: "STRING", list: "ARRAY<STRING>"}
        given = {"customer360_id": self.id, "most": self.most, **values}
        return self.queries.ask(file, **{n: Parameter(types[type(value)], value) for n, value in given.items()})

    def optional(self, file: str, **values: Any) -> list[dict[str, Any]]:
        """The same; none where a table is not built yet, which is noted."""
        if missing := self.queries.missing(file):
            self.not_built.update(map(str, missing))
            return []
        return self.rows(file, **values)


def _key(row: Row, side: str = "") -> str:
    return f"{row[f'{side}source_system']}:{row[f'{side}source_customer_id']}"


def _shown(found: Sequence[T], rows: Sequence[Row]) -> Shown[T]:
    return Shown(tuple(found), rows[0]["total"] if rows else 0)


def _taken(cls: type[T], rows: Sequence[Row]) -> T | None:
    """The columns of the one row that a record names."""
    return cls(**{field.name: rows[0][field.name] for field in fields(cls)}) if rows else None  # type: ignore[arg-type]


def _cut(profile: Row | None, most: int) -> Row | None:
    return profile and {n: value[:most] if isinstance(value, list) else value for n, value in profile.items()}


def _lengths(profile: Row | None, most: int) -> dict[str, int]:
    lists = {name: value for name, value in (profile or {}).items() if isinstance(value, list)}
    return {name: len(value) - most for name, value in lists.items() if len(value) > most}


def _source_customer(row: Row, link: Link | None) -> SourceCustomer:
    return SourceCustomer(
        row["source_system"], row["source_customer_id"], row["first_loaded_date"], row["valid_from"], link
    )


def _link(step: Step, decisions: Mapping[str, Decision], probable: Mapping[str, float]) -> Link:
    decision = decisions.get(step.identity_value) if step.identity_type == OVERRIDE else None
    probability = probable.get(step.identity_value) if step.identity_type == PROBABILISTIC else None
    sentence = link_sentence(step, decision, probability)
    return Link(step.other, step.identity_type, step.identity_value, step.since, decision, probability, sentence)


def _identifier(node: tuple[str, str], rows: Sequence[Row]) -> Identifier:
    own, everybody = rows[0]["own_customers"], rows[0]["source_customers"]
    kept_apart = everybody > own or any(row["is_cut"] for row in rows)
    loaded = [row["first_loaded_date"] for row in rows if row["first_loaded_date"]]
    seen = [row["last_seen_at"] for row in rows if row["last_seen_at"]]
    return Identifier(
        *node,
        state="kept_apart" if kept_apart else "joins" if own > 1 else "single",
        source_customers=tuple(_key(row) for row in rows[:_HOLDERS]),
        own_customers=own,
        all_customers=everybody,
        first_loaded_date=min(loaded, default=None),
        last_seen_at=max(seen, default=None),
    )


def _decision(row: Row) -> Decision:
    return Decision(
        override_id=row["override_id"],
        action=row["action"],
        left=_key(row, "left_"),
        left_person=row["left_customer360_id"],
        right=_key(row, "right_") if row["right_source_customer_id"] else None,
        right_person=row["right_customer360_id"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
    )


def _change(row: Row) -> Change:
    return Change(
        changed_on=row["changed_on"],
        change=row["change"],
        was=row["customer360_id"],
        became=row["became"],
        cause=row["cause"],
        why=row["why"],
        source_customers=row["source_customers"],
        example=row["example"],
        sentence=change_sentence(row),
    )
