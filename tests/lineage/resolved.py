"""Column lineage as Google's analyzer knows it: from the resolved tree, in which every column has a number.

Nothing is interpreted: a column depends on all columns that its expression refers to, a subquery inside it as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.message import Message
from reference.zetasql_engine import resolve

Schemas = Mapping[str, Mapping[str, str]]


def lineage(sql: str, schemas: Schemas, parameters: Mapping[str, str]) -> dict[str, set[str]]:
    """Output column → the `dataset.table.column` it depends on. Tables must differ in more than their dataset."""
    statement = resolve(sql, schemas=schemas, parameters=parameters)
    tree = _Tree({name.split(".")[1]: name for name in schemas})
    tree.read(statement)
    return {output.name: tree.origins(output.column.column_id) for output in statement.output_column_list}


class _Tree:
    def __init__(self, full_names: Mapping[str, str]) -> None:
        self.full_names = full_names
        self.base: dict[int, str] = {}
        self.depends: defaultdict[int, set[int]] = defaultdict(set)
        self.withs: dict[str, list[int]] = {}

    def origins(self, column: int) -> set[str]:
        seen, waiting = {column}, [column]
        while waiting:
            new = self.depends[waiting.pop()] - seen
            seen |= new
            waiting.extend(new)
        return {self.base[each] for each in seen if each in self.base}

    def read(self, node: Any) -> None:
        kind = type(node).__name__
        if kind == "ResolvedWithEntryProto":
            self.withs[node.with_query_name] = list(_columns(node.with_subquery))
        if kind == "ResolvedTableScanProto":
            for column in node.parent.column_list:
                self.base[column.column_id] = f"{self.full_names[node.table.name]}.{column.name.lower()}"
        elif kind == "ResolvedSetOperationScanProto":
            for item in node.input_item_list:
                self._pair(node.parent.column_list, (column.column_id for column in item.output_column_list))
        elif kind == "ResolvedArrayScanProto":
            elements = [
                *node.element_column_list,
                *([node.array_offset_column.column] if node.HasField("array_offset_column") else []),
            ]
            for element in elements:
                self.depends[element.column_id] |= set(_references([*node.array_expr_list]))
        elif kind == "ResolvedAnalyticFunctionGroupProto":
            shared = set(_references([node.partition_by, node.order_by]))
            for function in node.analytic_function_list:
                self.depends[_computed(function).column.column_id] |= shared
        elif kind == "ResolvedComputedColumnProto":
            self.depends[node.column.column_id] |= set(_references([node.expr]))
        for child in _children(node):
            self.read(child)
        if kind == "ResolvedWithRefScanProto":
            self._pair(node.parent.column_list, self.withs[node.with_query_name])

    def _pair(self, columns: Iterable[Any], origins: Iterable[int]) -> None:
        for column, origin in zip(columns, origins, strict=True):
            self.depends[column.column_id].add(origin)


def _children(node: Message) -> Iterator[Message]:
    for field, value in node.ListFields():
        if field.type == field.TYPE_MESSAGE:
            yield from value if field.is_repeated else [value]


def _computed(node: Message) -> Any:
    """The computed column inside its wrapper for subclasses."""
    while type(node).__name__ != "ResolvedComputedColumnProto":
        (node,) = _children(node)
    return node


def _columns(scan: Message) -> Iterator[int]:
    """The columns that a scan of any kind gives: those of the `parent` deepest inside its wrappers."""
    while type(scan).__name__ != "ResolvedScanProto":
        fields = {field.name: value for field, value in scan.ListFields()}
        scan = fields["parent"] if "parent" in fields else next(iter(fields.values()))
    yield from (column.column_id for column in scan.column_list)  # type: ignore[attr-defined]


def _references(nodes: Iterable[Message]) -> Iterator[int]:
    for node in nodes:
        kind = type(node).__name__
        if kind == "ResolvedColumnRefProto":
            yield node.column.column_id  # type: ignore[attr-defined]
        if kind == "ResolvedSubqueryExprProto":
            yield from _columns(node.subquery)  # type: ignore[attr-defined]
        yield from _references(_children(node))
