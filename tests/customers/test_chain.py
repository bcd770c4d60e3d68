"""The chain of evidence: it reaches everybody, goes by the strongest, and each step rests on one before it."""

from __future__ import annotations

from datetime import date, timedelta

import networkx as nx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from identity.shared import day

from customer360.customers.chain import Edge, explain

TYPES = ["OVERRIDE", "EMAIL", "PHONE", "COOKIE_ID"]


def edges(*lines: str) -> list[Edge]:
    """`edges("a EMAIL x 3")`: customer a has the e-mail x since day 3."""
    parts = (line.split() for line in lines)
    return [Edge(customer, type_, value, day(int(n))) for customer, type_, value, n in parts]


def test_the_strongest_evidence_explains_even_on_a_longer_way() -> None:
    found = explain(
        "a",
        edges("a COOKIE_ID k 0", "c COOKIE_ID k 0", "a PHONE p 1", "b PHONE p 2", "b EMAIL x 1", "c EMAIL x 4"),
        TYPES,
    )
    assert [(s.customer, s.other, s.identity_type, s.since) for s in found] == [
        ("b", "a", "PHONE", day(2)),
        ("c", "b", "EMAIL", day(4)),
    ]


def test_of_equally_strong_evidence_the_one_nearer_to_the_first_and_then_the_older_explains() -> None:
    near = edges("a EMAIL x 5", "c EMAIL x 5", "a EMAIL y 0", "b EMAIL y 0", "b EMAIL z 0", "c EMAIL z 0")
    assert {s.customer: (s.other, s.identity_value) for s in explain("a", near, TYPES)} == {
        "b": ("a", "y"),
        "c": ("a", "x"),
    }
    older = edges("a EMAIL x 5", "b EMAIL x 5", "a EMAIL y 4", "b EMAIL y 4")
    assert [s.identity_value for s in explain("a", older, TYPES)] == ["y"]


def test_a_type_that_nobody_ranked_is_the_weakest() -> None:
    found = explain("a", edges("a FACE f 0", "b FACE f 0", "a COOKIE_ID k 1", "b COOKIE_ID k 1"), TYPES)
    assert [s.identity_type for s in found] == ["COOKIE_ID"]


def test_a_chain_of_ten_thousand_is_explained_link_by_link() -> None:
    chain = [Edge(f"c{n + i}", "EMAIL", f"x{n}", date.min + timedelta(n)) for n in range(10_000) for i in (0, 1)]
    found = explain("c0", chain, TYPES)
    assert [(s.customer, s.other) for s in found] == [(f"c{n + 1}", f"c{n}") for n in range(10_000)]


@example([(0, "EMAIL", 0), (1, "OVERRIDE", 0), (1, "EMAIL", 0), (2, "OVERRIDE", 0), (2, "EMAIL", 0)])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from(TYPES), st.integers(0, 3)), max_size=30))
def test_it_is_a_spanning_tree_by_the_strongest(drawn: list[tuple[int, str, int]]) -> None:
    given_edges = [Edge(f"c{customer}", type_, f"{type_}{value}", day(0)) for customer, type_, value in drawn]
    found = explain("c0", given_edges, TYPES)
    pairs = nx.Graph()
    pairs.add_node("c0")
    has = {(e.customer, e.identity_type, e.identity_value) for e in given_edges}
    for customer, type_, value in has:
        for other, other_type, other_value in has:
            if (type_, value) == (other_type, other_value) and customer < other:
                weight = min(TYPES.index(type_), pairs.get_edge_data(customer, other, {"weight": 9})["weight"])
                pairs.add_edge(customer, other, weight=weight)
    component = pairs.subgraph(nx.node_connected_component(pairs, "c0"))
    explained = {"c0"}
    for step in found:
        assert step.other in explained and step.customer not in explained
        assert {(c, step.identity_type, step.identity_value) for c in (step.customer, step.other)} <= has
        explained.add(step.customer)
    assert explained == set(component)
    strength = nx.minimum_spanning_tree(component).size(weight="weight")
    assert sum(TYPES.index(step.identity_type) for step in found) == strength
