"""What to show of a project's lineage: nodes and arrows, as data; and the same as a text tree and as Mermaid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from customer360.lineage.graph import Lineage
from customer360.lineage.nodes import Kind, Node, Sources


@dataclass(frozen=True)
class Arrow:
    """`origin` goes into `target`, in these ways."""

    origin: Node
    target: Node
    kinds: tuple[Kind, ...]

    @property
    def is_direct(self) -> bool:
        """Whether the value itself goes along; else it only decides."""
        return any(kind.is_direct or kind is Kind.READ for kind in self.kinds)


@dataclass(frozen=True)
class Picture:
    """Arrows between nodes, seen from `starts`: what they come from, or, downstream, what is made of them."""

    starts: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    downstream: bool = False

    @property
    def nodes(self) -> list[Node]:
        ends = (node for arrow in self.arrows for node in (arrow.origin, arrow.target))
        return list(dict.fromkeys([*self.starts, *ends]))


def draw(lineage: Lineage, starts: Sequence[Node], *, downstream: bool = False, steps: int | None = None) -> Picture:
    """All that is `steps` away, None for to the end.

    Where every column may go into every other, no arrow is drawn, because they would hide the rest: back from a
    computed table beyond what it reads, and ahead from the rows of a table, or from a table that is read as a whole.
    """
    step = lineage.value_users if downstream else lineage.values
    arrows: list[Arrow] = []
    reached, frontier = set(starts), list(dict.fromkeys(starts))
    while frontier and steps != 0:
        steps = None if steps is None else steps - 1
        following: list[Node] = []
        for node in frontier:
            for other, kinds in _by_node(step(node)):
                origin, target = (node, other) if downstream else (other, node)
                arrows.append(Arrow(origin, target, kinds))
                if other not in reached:
                    reached.add(other)
                    following.append(other)
        frontier = [node for node in following if not node.is_anything and not (downstream and node.is_rows)]
    return Picture(tuple(starts), tuple(arrows), downstream)


def to_the_ends(lineage: Lineage, starts: Sequence[Node]) -> Picture:
    """Only raw columns, parameters and constants, and what comes of them."""
    return Picture(
        tuple(starts),
        tuple(
            Arrow(end, start, (Kind.TRANSFORMATION,)) for start in starts for end in lineage.ends(start) if end != start
        ),
    )


def _by_node(sources: Sources) -> list[tuple[Node, tuple[Kind, ...]]]:
    kinds: defaultdict[Node, list[Kind]] = defaultdict(list)
    for source in sorted(sources):
        kinds[source.node].append(source.kind)
    return [(node, tuple(sorted(found, key=list(Kind).index))) for node, found in kinds.items()]


def tree(picture: Picture, about: Callable[[Node], str]) -> Iterator[str]:
    """Lines of text. What is shown already is not followed again. `about` says what is to be known of a node."""
    following: defaultdict[Node, list[Arrow]] = defaultdict(list)
    for arrow in picture.arrows:
        following[arrow.origin if picture.downstream else arrow.target].append(arrow)
    shown: set[Node] = set()

    def below(node: Node, margin: str) -> Iterator[str]:
        arrows = following[node]
        for arrow in arrows:
            other = arrow.target if picture.downstream else arrow.origin
            last = arrow is arrows[-1]
            again = other in shown and bool(following[other])
            words = ", ".join(kind.words for kind in arrow.kinds)
            note = "(above)" if again else about(other)
            yield f"{margin}{'└─' if last else '├─'} {other}  {words}{f'; {note}' if note else ''}"
            if other not in shown:
                shown.add(other)
                yield from below(other, margin + ("   " if last else "│  "))

    for start in picture.starts:
        shown.add(start)
        yield f"{start}{f'  {note}' if (note := about(start)) else ''}"
        yield from below(start, "")


def mermaid(picture: Picture) -> Iterator[str]:
    """A flowchart, a box for each table; dotted arrows only decide."""
    names = {node: f"n{number}" for number, node in enumerate(picture.nodes)}
    yield "flowchart LR"
    for number, (table, nodes) in enumerate(_by_table(picture.nodes)):
        if table:
            yield f'  subgraph t{number}["{table}"]'
        for node in nodes:
            yield f'    {names[node]}["{label(node)}"]'
        if table:
            yield "  end"
    for arrow in picture.arrows:
        yield f"  {names[arrow.origin]} {'-->' if arrow.is_direct else '-.->'} {names[arrow.target]}"
    yield "  classDef asked stroke-width:3px"
    yield f"  class {','.join(names[start] for start in picture.starts)} asked"


def label(node: Node) -> str:
    """A node's name within its table."""
    return "any column" if node.is_anything else "rows" if node.is_rows else node.column


def _by_table(nodes: Iterable[Node]) -> list[tuple[str, list[Node]]]:
    tables: defaultdict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        tables[node.table].append(node)
    return list(tables.items())
