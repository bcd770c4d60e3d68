"""A picture as one SVG file that needs nothing else: columns of boxes from left to right, light or dark as the reader.

Boxes stand in the column that is one right of all they come from; within a column, near what they are joined to, found
by a few sweeps of averages: crossings get few, not fewest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape

from customer360.lineage.nodes import Node
from customer360.lineage.picture import Picture, label

_HEIGHT, _GAP, _SPACE, _MARGIN = 40, 12, 90, 20
_LETTER, _PADDING = 6.7, 12
_SWEEPS = 4
_STYLE = (
    "svg{background:#fff;font:12px system-ui,sans-serif}rect{fill:#f4f7fb;stroke:#7a8ca5}"
    "text{fill:#1d2733}.table{fill:#5b6b80;font-size:10px}path{fill:none;stroke:#7a8ca5}"
    ".decides{stroke-dasharray:4 3}.asked{stroke:#c2410c;stroke-width:2.5}"
    "@media(prefers-color-scheme:dark){svg{background:#161b22}rect{fill:#21262d;stroke:#768390}"
    "text{fill:#e6edf3}.table{fill:#9aa7b4}.asked{stroke:#f0883e}}"
)
_Places = Mapping[Node, tuple[float, float]]


def svg(picture: Picture) -> str:
    """The whole file."""
    columns = _columns(picture)
    widths = [max(_width(node) for node in column) for column in columns]
    places = _places(columns, widths)
    width = sum(widths) + _SPACE * (len(widths) - 1) + 2 * _MARGIN
    height = max(len(column) for column in columns) * (_HEIGHT + _GAP) - _GAP + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}" role="img">',
        f"<title>{escape(_title(picture))}</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8"/></marker></defs>',
        *_arrows(picture, places),
        *(_box(node, places[node], node in picture.starts) for node in picture.nodes),
        "</svg>",
    ]
    return "\n".join(parts)


def _title(picture: Picture) -> str:
    names = ", ".join(map(str, picture.starts[:3])) + (" …" if len(picture.starts) > 3 else "")
    return f"What is made of {names}" if picture.downstream else f"What {names} comes from"


def _width(node: Node) -> float:
    return max(len(label(node)) * _LETTER, len(node.table) * _LETTER * 0.85) + 2 * _PADDING


def _columns(picture: Picture) -> list[list[Node]]:
    """Boxes by column, each column in its order from above."""
    origins: defaultdict[Node, list[Node]] = defaultdict(list)
    targets: defaultdict[Node, list[Node]] = defaultdict(list)
    for arrow in picture.arrows:
        origins[arrow.target].append(arrow.origin)
        targets[arrow.origin].append(arrow.target)
    rank = _ranks(picture.nodes, origins if picture.downstream else targets)
    deepest = max(rank.values())
    columns: list[list[Node]] = [[] for _ in range(deepest + 1)]
    for node in sorted(picture.nodes):
        columns[rank[node] if picture.downstream else deepest - rank[node]].append(node)
    for sweep in range(_SWEEPS):
        neighbours = origins if sweep % 2 == 0 else targets
        position = {node: place / len(column) for column in columns for place, node in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda node: _mean([position[n] for n in neighbours[node]], position[node]))
            position.update({node: place / len(column) for place, node in enumerate(column)})
    return columns


def _ranks(nodes: list[Node], before: Mapping[Node, list[Node]]) -> dict[Node, int]:
    """The longest way from where the picture starts. There are no circles: tables are built in an order."""
    rank: dict[Node, int] = {}

    def of(node: Node) -> int:
        if node not in rank:
            rank[node] = 1 + max((of(other) for other in before.get(node, ())), default=-1)
        return rank[node]

    for node in nodes:
        of(node)
    return rank


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _places(columns: list[list[Node]], widths: list[float]) -> _Places:
    tallest = max(len(column) for column in columns)
    places: dict[Node, tuple[float, float]] = {}
    left = float(_MARGIN)
    for column, width in zip(columns, widths, strict=True):
        top = _MARGIN + (tallest - len(column)) * (_HEIGHT + _GAP) / 2
        for number, node in enumerate(column):
            places[node] = (left, top + number * (_HEIGHT + _GAP))
        left += width + _SPACE
    return places


def _arrows(picture: Picture, places: _Places) -> Iterator[str]:
    for arrow in picture.arrows:
        (x, y), (to_x, to_y) = places[arrow.origin], places[arrow.target]
        x, y, to_y = x + _width(arrow.origin), y + _HEIGHT / 2, to_y + _HEIGHT / 2
        middle = (x + to_x) / 2
        decides = "" if arrow.is_direct else ' class="decides"'
        curve = f"M{x:.0f} {y:.0f}C{middle:.0f} {y:.0f} {middle:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"
        words = escape(", ".join(kind.words for kind in arrow.kinds))
        yield f'<path d="{curve}"{decides} marker-end="url(#tip)"><title>{words}</title></path>'


def _box(node: Node, place: tuple[float, float], asked: bool) -> str:
    (x, y), width, middle = place, _width(node), place[0] + _PADDING
    mark = ' class="asked"' if asked else ""
    lines = [f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{_HEIGHT}" rx="6"{mark}/>']
    if node.table:
        lines.append(f'<text class="table" x="{middle:.0f}" y="{y + 15:.0f}">{escape(node.table)}</text>')
    lines.append(f'<text x="{middle:.0f}" y="{y + (30 if node.table else 24):.0f}">{escape(label(node))}</text>')
    return "".join(lines)
