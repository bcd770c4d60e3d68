"""Short stories of who is who. All are told in one warehouse, day by day, each among customers and values of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from identity.shared import decided, groups, seen

People = set[frozenset[str]]


@dataclass(frozen=True)
class Day:
    """What arrives, as `customer type value`, what is decided, as `action left right`, and who is who then."""

    people: People
    observed: Sequence[str] = ()
    decided: Sequence[str] = ()


@dataclass(frozen=True)
class Story:
    number: int
    days: Sequence[Day]

    def own(self, name: str) -> str:
        """A customer's or value's name in the warehouse."""
        return f"s{self.number:02}{name}"

    def id_of(self, customer: str) -> str:
        """The id that a customer gives to a person whose first it is."""
        return "c360_" + hashlib.sha256(f"crm:{self.own(customer)}".encode()).hexdigest()[:24]

    def observations(self, n: int) -> list[dict[str, Any]]:
        lines = (line.split(" ") for line in (self.days[n].observed if n < len(self.days) else ()))
        return [
            seen(self.own(line[0]), *(line[1:2] or [None]), self.own(line[2]) if line[2:] else None, n)
            for line in lines
        ]

    def decisions(self, n: int) -> list[dict[str, Any]]:
        lines = (line.split(" ") for line in (self.days[n].decided if n < len(self.days) else ()))
        return [decided(self.own(f"o{n}{i}"), a, self.own(l), self.own(r), n) for i, (a, l, r) in enumerate(lines)]  # noqa: E741

    def expected(self, n: int) -> People:
        return {frozenset(map(self.own, group)) for group in self.days[min(n, len(self.days) - 1)].people}


_STORIES: dict[str, list[Day]] = {
    "who shares an e-mail or a phone is one person, whoever came first": [
        Day(groups("a b", "c", "d"), ["a EMAIL x", "b EMAIL x", "c PHONE p", "d"]),
        Day(groups("a b c", "d"), ["b PHONE p"]),
    ],
    "the id first given stays, though a later one sorts first and has more customers": [
        Day(groups("z"), ["z"]),
        Day(groups("z", "a b"), ["a EMAIL x", "b EMAIL x"]),
        Day(groups("z a b"), ["z EMAIL x"]),
    ],
    "merged ids follow when they are merged again": [
        Day(groups("a", "b"), ["a", "b"]),
        Day(groups("a", "b", "c"), ["c"]),
        Day(groups("a", "b c"), ["b EMAIL x", "c EMAIL x"]),
        Day(groups("a b c"), ["a PHONE p", "b PHONE p"]),
    ],
    "the founder leaves and gets an id that nobody had": [
        Day(groups("a b c"), ["a EMAIL x", "b EMAIL x", "c EMAIL x", "b PHONE p", "c PHONE p"]),
        Day(groups("a", "b c"), decided=["split a b", "split a c"]),
    ],
    "a value that becomes over-shared stops joining": [
        Day(groups("a b c d e"), [f"{c} COOKIE_ID k" for c in "abcde"]),
        Day(groups(*"abcdef"), ["f COOKIE_ID k"]),
    ],
    "a value seen often at one customer is not shared": [
        Day(groups("a b"), ["b EMAIL x", *["a EMAIL x"] * 20]),
    ],
    "addresses and sessions never join": [
        Day(groups("a", "b"), ["a IP_ADDRESS i", "b IP_ADDRESS i", "a SESSION_ID s", "b SESSION_ID s"]),
    ],
    "a combination needs every attribute, whatever its case": [
        Day(
            groups("a b", "c", "d"),
            [
                "a LAST_NAME Núñez",
                "b LAST_NAME NÚÑEZ",
                "c LAST_NAME Núñez",
                "d LAST_NAME Núñez",
                "a DATE_OF_BIRTH 1",
                "b DATE_OF_BIRTH 1",
                "d DATE_OF_BIRTH 2",
            ],
        ),
    ],
    "a combination is of the latest attributes": [
        Day(groups("a b"), ["a LAST_NAME n", "b LAST_NAME n", "a DATE_OF_BIRTH 1", "b DATE_OF_BIRTH 1"]),
        Day(groups("a", "b"), ["b LAST_NAME m"]),
    ],
    "a decision to merge needs no evidence, and waits for both sides": [
        Day(groups("a b"), ["a", "b"], ["merge a b", "merge a late", "verify a b"]),
        Day(groups("a b late"), ["late EMAIL x"]),
    ],
    "the latest decision about a pair holds": [
        Day(groups("a b"), ["a EMAIL x", "b EMAIL x"], ["merge a b"]),
        Day(groups("a", "b"), decided=["split b a"]),
        Day(groups("a b"), decided=["merge a b"]),
        Day(groups("a", "b"), decided=["split a b"]),
    ],
    "a split yields to later merges only": [
        Day(groups("a b", "c"), ["a", "b", "c"], ["merge a b"]),
        Day(groups("a b", "c"), decided=["split a c"]),
        Day(groups("b c", "a"), decided=["merge b c"]),
        Day(groups("a b c"), decided=["merge a b"]),
    ],
    "the weakest evidence is cut, and stays cut whatever comes later": [
        Day(groups("a m", "b"), ["m EMAIL x", "a EMAIL x", "m COOKIE_ID k", "b COOKIE_ID k"], ["split a b"]),
        Day(groups("a m", "b n"), ["n COOKIE_ID j", "b COOKIE_ID j", "n PHONE p"]),
        Day(groups("a m", "b n"), ["a COOKIE_ID j"]),
    ],
    "anonymous activity joins from the moment an identifier links it": [
        Day(groups("web", "a"), ["web COOKIE_ID k", "a EMAIL x"]),
        Day(groups("web", "a"), ["web PHONE p"]),
        Day(groups("web a"), ["web EMAIL x"]),
    ],
}
STORIES = {name: Story(number, days) for number, (name, days) in enumerate(_STORIES.items())}
DAYS = max(len(story.days) for story in STORIES.values())
