"""Why source customers belong together: a tree of evidence over one person, from the strongest.

Source customers and identifiers are the two sides of a graph. From the first customer on, the strongest identifier that
any explained customer has explains whoever else has it; so every customer is explained by one before it, and weaker
evidence is used only where there is no stronger. Of equally strong, the one nearer to the first customer.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Edge:
    """A source customer (`system:id`) has an identifier since a day."""

    customer: str
    identity_type: str
    identity_value: str
    since: date | None


@dataclass(frozen=True)
class Step:
    """`customer` is the same person as `other`, because both have the identifier, since the later of their days."""

    customer: str
    other: str
    identity_type: str
    identity_value: str
    since: date | None


def explain(first: str, edges: Iterable[Edge], types: Sequence[str]) -> list[Step]:
    """The steps from `first` to every customer that evidence reaches, each after the one that it names as `other`.

    types: identity types, stronger evidence first; others are weaker than all of these
    """
    strength = {type_: rank for rank, type_ in enumerate(types)}
    holders: dict[tuple[str, str], dict[str, date | None]] = {}
    held: dict[str, list[tuple[str, str]]] = {}
    for edge in edges:
        node = edge.identity_type, edge.identity_value
        holders.setdefault(node, {})[edge.customer] = edge.since
        held.setdefault(edge.customer, []).append(node)

    steps: list[Step] = []
    depth = {first: 0}
    offered: list[tuple[int, int, date, tuple[str, str], int, str]] = []

    def offer(customer: str) -> None:
        for node in held.get(customer, ()):
            since = holders[node][customer] or date.min
            order = strength.get(node[0], len(types)), depth[customer], since
            heapq.heappush(offered, (*order, node, len(depth), customer))

    offer(first)
    while offered:
        *_, node, _, other = heapq.heappop(offered)
        if not (left := holders[node].keys() - depth.keys()):
            continue
        customer = min(left)
        depth[customer] = depth[other] + 1
        steps.append(Step(customer, other, *node, _later(holders[node][customer], holders[node][other])))
        # One at a time: who is explained now may explain the others by something stronger.
        offer(customer)
        since = holders[node][other] or date.min
        heapq.heappush(offered, (strength.get(node[0], len(types)), depth[other], since, node, len(depth), other))
    return steps


def _later(a: date | None, b: date | None) -> date | None:
    return max(a, b) if a and b else a or b
