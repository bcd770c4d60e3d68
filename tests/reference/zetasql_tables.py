"""Tables of Google's reference implementation: rows go from query to query as it encodes them itself, never as text.

They are in the reverse of the order they were made in, since a table has no order; and stored as BigQuery stores them:
an array is never NULL, and one with a NULL in it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service

from customer360.googlesql import types
from customer360.googlesql.types import Type
from reference import zetasql_engine
from reference.canonical import Row
from reference.literals import rows_as_query
from reference.zetasql_engine import Parameters

_ROWS_PER_QUERY = 200  # the engine makes no array of more than 1 MiB


@dataclass(frozen=True)
class Table:
    """(name, GoogleSQL type) of each column, and the rows as messages of the engine."""

    columns: tuple[tuple[str, str], ...]
    content: service.TableContent

    @property
    def schema(self) -> dict[str, str]:
        return dict(self.columns)

    @property
    def row_type(self) -> Type:
        return types.struct(tuple((name, types.parse(type_)) for name, type_ in self.columns))


def given(schema: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table of rows given in Python, such as those of raw."""
    answer = zetasql_engine.evaluate(rows_as_query(schema, rows[:_ROWS_PER_QUERY]))
    for start in range(_ROWS_PER_QUERY, len(rows), _ROWS_PER_QUERY):
        part = zetasql_engine.evaluate(rows_as_query(schema, rows[start : start + _ROWS_PER_QUERY]))
        answer.content.table_data.row.extend(part.content.table_data.row)
    return _stored(answer)


def query(sql: str, tables: Mapping[str, Table], parameters: Parameters) -> Table:
    """What a query gives over these tables (`dataset.table`), as a table."""
    flat = {zetasql_engine.flat_name(name): table for name, table in tables.items()}
    answer = zetasql_engine.evaluate(
        zetasql_engine.over_flat_names(sql, tuple(tables)),
        parameters,
        schemas={name: table.schema for name, table in flat.items()},
        contents={name: table.content for name, table in flat.items()},
    )
    return _stored(answer)


def rows(table: Table) -> list[Row]:
    """The rows of a table, canonical."""
    answer = zetasql_engine.evaluate(
        "SELECT TO_JSON_STRING(t) FROM given AS t",
        schemas={"given": table.schema},
        contents={"given": table.content},
    )
    return [zetasql_engine.decode(row.cell[0].string_value, table.row_type) for row in answer.content.table_data.row]


def _stored(answer: service.EvaluateQueryResponse) -> Table:
    columns = tuple(zetasql_engine.columns_of(answer.prepared))
    content = service.TableContent()
    content.table_data.row.extend(reversed(answer.content.table_data.row))
    for at, (name, type_) in enumerate(columns):
        if types.parse(type_).element is not None:
            for row in content.table_data.row:
                _store_array(name, row.cell[at])
    return Table(columns, content)


def _store_array(name: str, cell: Any) -> None:
    cell.array_value.SetInParent()  # of NULL it makes an empty one
    if any(item.WhichOneof("value") is None for item in cell.array_value.element):
        raise ValueError(f"{name}: an array with a NULL in it cannot be stored by BigQuery")
