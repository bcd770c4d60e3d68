"""Decisions to split: components that hold both sides of one are taken apart along their weakest evidence.

What is left is exactly what this gives: take a component's edges from the strongest to the weakest, and join two parts
by each unless a decision keeps them apart. An edge is a source customer with an identifier; a decision to merge is an
identifier that two customers have. The strongest are decisions to merge, from the latest (which outweigh only earlier
decisions to split), then the types in the configuration's order, within a type the evidence loaded first. Edges that
were passed over are `identity_cuts`.

Done in rounds, not edge by edge: a part's strongest edge that may be used is part of the answer at once if the part is
bound by no decision, or if it is the strongest of both its parts.
"""

from __future__ import annotations

import logging

from customer360.errors import WarehouseError
from customer360.identity.components import connected_components
from customer360.identity.steps import Steps

log = logging.getLogger(__name__)

_PARTS = "node INT64, component INT64"
_MOST_ROUNDS = 500


def take_apart(steps: Steps) -> int:
    """Write scratch table `parts`: (node, component), for the nodes of disputed components; and the cuts.

    Reads the scratch tables `decisions`, `customers` and `labels`. Returns the rounds, 0 where nothing is disputed.
    """
    if not steps.write("disputed", "component INT64"):
        steps.write_empty("parts", _PARTS)
        steps.publishable("cuts", empty=True)
        return 0
    steps.write(
        "disputed_edges",
        "strength INT64, u INT64, v INT64, decided_at TIMESTAMP, identity_type STRING, identity_value STRING",
    )
    steps.write("splits", "u INT64, v INT64, decided_at TIMESTAMP")
    steps.write("parts_0", _PARTS)
    n = 0
    while True:
        now = steps.scratch(f"parts_{n}")
        joins = steps.write(f"joins_{n}", "u INT64, v INT64", sql="joins", reads={"parts_now": now})
        if not joins:
            break
        log.info("disputed components, round %d: %s joins", n + 1, f"{joins:,}")
        connected_components(steps, steps.scratch(f"joins_{n}"), f"joined_{n}")
        joined = steps.scratch(f"joined_{n}")
        n += 1
        if n > _MOST_ROUNDS:
            raise WarehouseError(f"decisions to split: no end after {_MOST_ROUNDS} rounds")
        steps.write(f"parts_{n}", _PARTS, sql="parts_next", reads={"parts_now": now, "joined": joined})
    steps.write_text("parts", _PARTS, f"SELECT node, component FROM scratch.parts_{n}")
    steps.publishable("cuts")
    return n
