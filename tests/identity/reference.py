"""What people are, edge by edge and in plain Python: what the set-based rounds must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx

from customer360.identity import IdentityConfig
from identity.shared import day, key

Node = tuple[str, ...]


def graph_of(
    rows: Sequence[dict[str, Any]], decisions: Sequence[dict[str, Any]], n: int, config: IdentityConfig
) -> nx.Graph:
    """Source customers and what is known of them on day n, over-shared values left out; edges with their strength."""
    types = ["OVERRIDE", *config.identifiers]
    known = [row for row in rows if row["first_loaded_date"] <= day(n)]
    age: dict[str, Any] = {}
    evidence: dict[tuple[str, str, str], Any] = {}
    for row in known:
        customer = key(row)
        age[customer] = min(age.get(customer, row["first_loaded_date"]), row["first_loaded_date"])
        if row["identity_value"]:
            edge = customer, row["identity_type"], row["identity_value"]
            evidence[edge] = min(evidence.get(edge, row["first_loaded_date"]), row["first_loaded_date"])
    graph = nx.Graph()
    graph.add_nodes_from((customer,) for customer in age)
    holders: dict[tuple[str, str], list[str]] = {}
    for customer, type_, value in evidence:
        holders.setdefault((type_, value), []).append(customer)
    for (type_, value), customers in holders.items():
        if len(customers) <= config.identifiers[type_]:
            for customer in customers:
                loaded = evidence[customer, type_, value]
                strength = types.index(type_), 0, loaded, type_, value, str(age[customer]), _source_key(customer)
                graph.add_edge((customer,), (type_, value), strength=strength, at=None)
    for decision in effective(decisions, n).values():
        for side in sides(decision):
            if decision["action"] == "merge" and all((each,) in graph for each in sides(decision)):
                at = decision["decided_at"]
                strength = (
                    0,
                    -at.timestamp(),
                    at.date(),
                    "OVERRIDE",
                    decision["override_id"],
                    str(age[side]),
                    _source_key(side),
                )
                graph.add_edge((side,), ("OVERRIDE", decision["override_id"]), strength=strength, at=at)
    return graph


def people_of(graph: nx.Graph, decisions: Sequence[dict[str, Any]], n: int) -> set[frozenset[str]]:
    """networkx's components; where a decision to split is, edges from the strongest, unless one keeps them apart."""
    splits = [
        (*sides(each), each["decided_at"])
        for each in effective(decisions, n).values()
        if each["action"] == "split" and all((side,) in graph for side in sides(each))
    ]
    people = set()
    for component in nx.connected_components(graph):
        inside = [(a, b, at) for a, b, at in splits if (a,) in component and (b,) in component]
        for part in _taken_apart(graph.subgraph(component), inside) if inside else [component]:
            people.add(frozenset(node[0] for node in part if len(node) == 1))
    return people - {frozenset()}


def _taken_apart(graph: nx.Graph, splits: list[tuple[str, str, Any]]) -> list[set[Node]]:
    part: dict[Node, set[Node]] = {node: {node} for node in graph}
    for u, v, edge in sorted(graph.edges(data=True), key=lambda each: each[2]["strength"]):
        a, b = part[u], part[v]
        if a is b:
            continue
        apart = [at for x, y, at in splits if ((x,) in a and (y,) in b) or ((x,) in b and (y,) in a)]
        if apart and not (edge["at"] and edge["at"] > max(apart)):
            continue
        a |= b
        for node in b:
            part[node] = a
    return list({id(each): each for each in part.values()}.values())


def effective(decisions: Sequence[dict[str, Any]], n: int) -> dict[frozenset[str], dict[str, Any]]:
    """The latest decision of each pair."""
    known = [each for each in decisions if each["decided_at"].date() <= day(n)]
    return {
        frozenset(sides(each)): each
        for each in sorted(known, key=lambda each: (each["decided_at"], each["override_id"]))
    }


def sides(decision: dict[str, Any]) -> tuple[str, str]:
    left, right = (
        key({name: decision[f"{side}_{name}"] for name in ("source_system", "source_customer_id")})
        for side in ("left", "right")
    )
    return left, right


def _source_key(customer: str) -> str:
    return customer if ":" in customer else f"crm:{customer}"
