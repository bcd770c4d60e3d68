"""Asking the warehouse: the parameterised files of sql/queries, and which of them can be asked yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from customer360.errors import WarehouseError
from customer360.googlesql.parse import parameters as parameter_names
from customer360.googlesql.parse import parse_query, references
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.port import Warehouse


@dataclass(frozen=True)
class Queries:
    """The queries in `folder` about one warehouse. Which tables exist is looked up once: make one per question."""

    warehouse: Warehouse
    folder: Path
    parameters: Mapping[str, Parameter]

    def ask(self, file: str, **values: Parameter) -> list[dict[str, Any]]:
        """The rows of a query. A table that is not there is a WarehouseError that says how it comes to be."""
        if missing := self.missing(file):
            raise WarehouseError(
                f"{' and '.join(map(str, missing))} {'are' if len(missing) > 1 else 'is'} not built yet; `c360 run` or"
                " the Dag customer_360_daily builds them"
            )
        text, _, names = _read(self.folder / f"{file}.sql")
        known = {**self.parameters, **values}
        rows: list[dict[str, Any]] = self.warehouse.query(text, parameters={n: known[n] for n in names}).to_pylist()
        return rows

    def missing(self, file: str) -> list[TableName]:
        """The tables that a query reads and that do not exist."""
        return [name for name in _read(self.folder / f"{file}.sql")[1] if name not in self._existing(name.dataset)]

    def _existing(self, dataset: str) -> frozenset[TableName]:
        if dataset not in self._seen:
            self._seen[dataset] = frozenset(self.warehouse.tables(dataset))
        return self._seen[dataset]

    @cached_property
    def _seen(self) -> dict[str, frozenset[TableName]]:
        return {}


@lru_cache(maxsize=64)
def _read(file: Path) -> tuple[str, tuple[TableName, ...], frozenset[str]]:
    """A file's text, the tables it reads and its parameters."""
    text = file.read_text(encoding="utf-8")
    query = parse_query(text, path=file)
    tables = tuple(TableName(each.dataset, each.table) for each in references(query, path=file))
    return text, tables, parameter_names(query)
