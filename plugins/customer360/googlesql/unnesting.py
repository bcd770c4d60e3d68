"""UNNEST in FROM. GoogleSQL yields the element, a STRUCT's fields in reach; DuckDB yields a table of one column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from customer360.googlesql.rules.base import refused, type_of
from customer360.googlesql.types import Type


@dataclass(frozen=True)
class Element:
    """An UNNEST in FROM: the alias of its table, the names of element and offset, and the element's type."""

    table: str
    name: str
    offset: str | None
    type: Type


def refuse_stars(query: exp.Query) -> None:
    """`*` over an UNNEST means its fields, which only the analysis knows: they must be named."""
    for select in query.find_all(exp.Select):
        stars = [item for item in select.expressions if isinstance(item, exp.Star)]
        if stars and any(isinstance(source, exp.Unnest) for source in _sources(select)):
            raise refused(select, "* over an UNNEST.", "name the columns, or write x.* for UNNEST(…) AS x")


def resolve_elements(query: exp.Query) -> list[tuple[exp.Unnest, Element]]:
    """The UNNESTs in FROM; columns that are fields of their elements become fields."""
    unnests = [node for node in query.find_all(exp.Unnest) if isinstance(node.parent, (exp.From, exp.Join))]
    found = [(unnest, _element(unnest)) for unnest in unnests]
    elements = {element.table: element for _, element in found}
    for column in list(query.find_all(exp.Column)):
        element = elements.get(column.table)
        if element is not None and column.name not in (element.name, element.offset):
            field = exp.Dot(this=exp.column(element.name, table=element.table), expression=column.this.copy())
            field.type = column.type
            column.replace(field)
    return found


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    from_ = select.args.get("from_")
    if from_ is not None:
        yield from_.this
    for join in select.args.get("joins") or ():
        yield join.this


def _element(unnest: exp.Unnest) -> Element:
    alias = unnest.args["alias"]
    if len(unnest.expressions) != 1:
        raise refused(unnest, "UNNEST of several arrays.", "UNNEST one, and reach the others with [SAFE_OFFSET(n)]")
    array = type_of(unnest.expressions[0])
    if array.element is None:
        raise refused(unnest, f"UNNEST of {array}.", "UNNEST needs an ARRAY whose type is known")
    offset = unnest.args.get("offset")
    name = alias.columns[0].name if alias.columns else "element"
    return Element(alias.name, name, offset.name if isinstance(offset, exp.Identifier) else None, array.element)


def write_source(unnest: exp.Unnest, element: Element) -> None:
    """Replace an UNNEST in FROM, whose array is DuckDB already, by the table that means the same."""
    array, join = unnest.expressions[0], unnest.parent
    if isinstance(join, exp.Join) and join.side == "LEFT" and not join.args.get("on"):
        join.set("on", exp.true())
    names = [element.name, *([element.offset] if element.offset else [])]
    rows = exp.Unnest(expressions=[array.copy()], alias=_alias(element.table, names))
    if not element.offset:
        unnest.replace(rows)
        return
    # DuckDB counts from 1.
    numbered = exp.Unnest(
        expressions=[array.copy()], alias=_alias("_", names), offset=exp.to_identifier(element.offset)
    )
    offset = exp.Sub(this=exp.column(element.offset, table="_"), expression=exp.Literal.number(1))
    columns = [exp.column(element.name, table="_"), exp.alias_(offset, element.offset, copy=False)]
    inner = exp.Subquery(this=exp.select(*columns, copy=False).from_(numbered, copy=False))
    class_ = exp.Lateral if isinstance(join, exp.Join) else exp.Subquery
    alias = _alias(element.table, names)
    unnest.replace(class_(this=inner if class_ is exp.Lateral else inner.this, alias=alias))


def _alias(table: str, columns: list[str]) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(table), columns=[exp.to_identifier(name) for name in columns])
