"""Connected components by set-based rounds.

Randomised contraction (Bögeholz, Brand and Todor, In-database connected component analysis, 2020): in each round every
node takes the first of its neighbours and itself, in an order that is shuffled anew, as its representative; nodes with
one representative become one node; edges within a node vanish. On any graph at least a quarter of the nodes vanishes in
a round, on average: the rounds are logarithmic in the nodes, whatever the diameter, and each is smaller than the last.
"""

from __future__ import annotations

import logging

from customer360.errors import WarehouseError
from customer360.identity.steps import Steps
from customer360.project.names import TableName
from customer360.settings import Parameter

log = logging.getLogger(__name__)

# Shuffles are x → (a·x + b) mod p, one to one below p. Neither step leaves INT64: a, b and x are below 2^31.
PRIME = 2**31 - 1
_MOST_ROUNDS = 500
_EDGES = "u INT64, v INT64"
_LABELS = "node INT64, component INT64"


def connected_components(steps: Steps, edges: TableName, labels: str) -> int:
    """Write scratch table `labels`: (node, component), one row per node with an edge; component is one of its nodes.

    `edges`: (u INT64, v INT64), any order, no loops, |node| < 2^31 − 1. Returns the rounds. Raises WarehouseError when
    it does not end, which only nodes out of range can cause.
    """
    representatives: list[TableName] = []
    remaining = edges
    left = 1
    while left:
        n = len(representatives) + 1
        if n > _MOST_ROUNDS:
            raise WarehouseError(f"components of {edges}: no end after {_MOST_ROUNDS} rounds; are nodes out of range?")
        shuffle = _shuffle(n)
        nodes = steps.write(
            f"rounds_{labels}_representatives_{n}",
            "node INT64, representative INT64",
            sql="round_representatives",
            reads={"remaining": remaining},
            parameters=shuffle,
        )
        if nodes == 0 and n == 1:
            return steps.write_empty(labels, _LABELS)
        representatives.append(steps.scratch(f"rounds_{labels}_representatives_{n}"))
        left = steps.write(
            f"rounds_{labels}_{n}",
            _EDGES,
            sql="round_edges",
            reads={"remaining": remaining, "representatives": representatives[-1]},
        )
        log.info("%s, round %d: %s nodes, %s edges left", labels, n, f"{nodes:,}", f"{left:,}")
        remaining = steps.scratch(f"rounds_{labels}_{n}")
    steps.write_text(labels, _LABELS, _followed(representatives))
    steps.warehouse.drop(
        name for n, each in enumerate(representatives, 1) for name in (each, steps.scratch(f"rounds_{labels}_{n}"))
    )
    return len(representatives)


def _shuffle(n: int) -> dict[str, Parameter]:
    """The order of round n. Fixed, so that a run gives the same again; powers of primitive roots look like chance."""
    return {
        "multiplier": Parameter("INT64", pow(16807, 3 * n, PRIME)),
        "increment": Parameter("INT64", pow(48271, 5 * n, PRIME)),
        "prime": Parameter("INT64", PRIME),
    }


def _followed(representatives: list[TableName]) -> str:
    """Each node's representative's representative, and so on to the last."""
    part = [f"scratch.{name.table.removeprefix('__').rsplit('_', 1)[0]}" for name in representatives]
    last = ", ".join(f"r{n}.representative" for n in range(len(part), 0, -1))
    joins = "".join(
        f"\nLEFT JOIN {name} AS r{n + 1} ON r{n + 1}.node = r{n}.representative" for n, name in enumerate(part[1:], 1)
    )
    component = f"COALESCE({last})" if len(part) > 1 else last
    return f"SELECT r1.node, {component} AS component\nFROM {part[0]} AS r1{joins}"
