"""`c360 lineage`: where a column comes from, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import click

from customer360.lineage import Kind, Lineage, Node
from customer360.lineage.picture import draw, mermaid, to_the_ends, tree

_WIDTH = 108


@click.command()
@click.argument("name")
@click.option("--downstream", is_flag=True, help="What is made of it, instead of what it comes from.")
@click.option("--to-raw", is_flag=True, help="Only where it comes from in the end: raw columns and parameters.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "mermaid", "svg"]),
    default="text",
    show_default=True,
    help="A tree for people, a Mermaid flowchart, or a picture (> lineage.svg).",
)
def lineage(name: str, downstream: bool, to_raw: bool, format_: str) -> None:
    """Where a column comes from, column by column back to raw tables; read from the models' SQL, nothing is run.

    \b
    c360 lineage marts.customer_360.total_revenue
    c360 lineage marts.customer_360.total_revenue --to-raw
    c360 lineage marts.customer_360                                 every column, one step back
    c360 lineage raw_crm.customer_info.email --downstream           what a change of it would change
    c360 lineage marts.customer_360.age --format svg > age.svg

    What a column is made of, and what decides which rows it is made from (filters, joins, groups), are told apart.
    """
    if downstream and to_raw:
        raise click.UsageError("--to-raw looks back and --downstream ahead: give one of them")
    from customer360.orchestration.deployment import lineage as of_deployment

    found = of_deployment()
    nodes = found.find(name)
    whole = len(name.split(".")) == 2
    if format_ == "text":
        click.echo("\n".join(_text(found, nodes, whole=whole, downstream=downstream, to_raw=to_raw)))
        return
    steps = 1 if whole else None
    picture = to_the_ends(found, nodes) if to_raw else draw(found, nodes, downstream=downstream, steps=steps)
    if format_ == "mermaid":
        click.echo("\n".join(mermaid(picture)))
    else:
        from customer360.lineage.svg import svg

        click.echo(svg(picture))


def _text(found: Lineage, nodes: Sequence[Node], *, whole: bool, downstream: bool, to_raw: bool) -> list[str]:
    if downstream:
        return _made_of(found, nodes, whole=whole)
    if to_raw:
        return _from_raw(found, nodes)
    if whole:
        shown = [line for node in nodes for line in _one_step(found, node)]
        return [nodes[0].table, *shown, "", *_rows(found, nodes[0].table)]
    return [*tree(draw(found, nodes), lambda node: _about(found, node)), "", *_rows(found, nodes[0].table)]


def _one_step(found: Lineage, node: Node) -> list[str]:
    """A column of a whole table, and its sources on lines of their own, so that long names stay readable."""
    arrows = draw(found, [node], steps=1).arrows
    note = f"  {about}" if (about := _about(found, node)) else ""
    words = [f"    {arrow.origin}  {', '.join(kind.words for kind in arrow.kinds)}" for arrow in arrows]
    return [f"  {node.column}{note}", *words]


def _about(found: Lineage, node: Node) -> str:
    """What is to be said of a node beside its name, looking back."""
    if node.is_parameter or node.is_rows:
        return ""
    if node.is_anything:
        return "which of its columns matter, nobody can say"
    if room := found.computed_by(node.table):
        return f"computed by {room}"
    return "" if found.sources(node) or found.is_raw(node.table) else _constant(found, node)


def _constant(found: Lineage, node: Node) -> str:
    if node.is_rows:
        return "listed in its query"
    constants = sorted(found.trace(node.table).columns[node.column].constants)
    return "NULL in every row" if constants == ["NULL"] else f"constant: {', '.join(constants)}"


def _ahead(found: Lineage, node: Node) -> str:
    """What is to be said of a node beside its name, looking ahead."""
    if node.is_rows and found.users(node):
        return "so any column of what is made from them may change"
    if not node.is_anything:
        return ""
    tables = sorted({user.node.table for user in found.users(node)})
    rooms = sorted({str(found.computed_by(table)) for table in tables})
    return f"goes into what {' and '.join(rooms)} computes: {', '.join(tables)}"


def _rows(found: Lineage, table: str) -> list[str]:
    """What decides which rows a table has, by kind."""
    if found.is_raw(table):
        return [f"{table} is loaded from outside."]
    if room := found.computed_by(table):
        return [f"{table} is computed by {room}: which of its columns comes from which, nobody can say."]
    sources = sorted(found.trace(table).rows, key=lambda source: (list(Kind).index(source.kind), source.node))
    lines = [f"Which rows {table} has, and what meets in them, is decided by"]
    for kind, group in groupby(sources, key=lambda source: source.kind):
        lines += _list(kind.words, (source.node for source in group))
    return lines if sources else [f"{table} has the same rows always: its query lists them."]


def _from_raw(found: Lineage, nodes: Sequence[Node]) -> list[str]:
    names = str(nodes[0]) if len(nodes) == 1 else nodes[0].table
    ends = found.ends(*nodes)
    constant = [node for node in ends if not node.is_parameter and not found.is_raw(node.table)]
    lines = [f"{names} comes from", *_by_table(found, [node for node in ends if node not in constant])]
    for node in constant:
        lines += _list(str(node), [_constant(found, node)])
    if computed := found.computed(*nodes):
        rooms = " and ".join(sorted({str(found.computed_by(table)) for table in computed}))
        lines.append(f"  through {', '.join(computed)}, computed by {rooms}: any column of what they read may matter")
    return [*lines, "which rows it comes from is also decided by", *_by_table(found, found.deciding(*nodes))]


def _made_of(found: Lineage, nodes: Sequence[Node], *, whole: bool) -> list[str]:
    values, tables = found.impact(*nodes)
    names = nodes[0].table if whole else str(nodes[0])
    if whole:
        lines = [f"{names} goes into", *_by_table(found, values)]
    else:
        lines = list(tree(draw(found, nodes, downstream=True), lambda node: _ahead(found, node)))
    lines += ["", f"{len(values)} columns of {len({node.table for node in values})} tables are made of {names}."]
    if tables:
        lines.append(f"It decides which rows there are, so that any column may change, in {len(tables)} tables:")
        lines += _list("", tables)
    return lines


def _by_table(found: Lineage, nodes: Iterable[Node]) -> list[str]:
    lines: list[str] = []
    for table, group in groupby(nodes, key=lambda node: node.table):
        columns = [node.column for node in group]
        everything = len(columns) >= len(found.project.schemas.get(table, ())) > 1
        lines += _list(table or "parameters", ["every column"] if everything else columns)
    return lines


def _list(head: str, items: Iterable[object]) -> list[str]:
    """`head  a, b, c`, broken where a line gets long."""
    margin = f"  {head}: " if head else "  "
    lines, line = [], margin
    for item in map(str, items):
        if len(line) + len(item) > _WIDTH and line.strip() and line != margin:
            lines.append(line)
            line = "    "
        line += f"{item}, "
    lines.append(line)
    return [*(line.rstrip() for line in lines[:-1]), lines[-1].removesuffix(", ")]
