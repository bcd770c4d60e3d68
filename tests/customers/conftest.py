"""The small world on a lake, asked through a warehouse that asks Google's reference implementation the same."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import ROOT
from identity.shared import day
from reference.canonical import canonical, compare_rows
from reference.zetasql_engine import run

from customer360.customers import Customers, Person
from customer360.googlesql import types
from customer360.googlesql.parse import parse_query, references
from customer360.project.names import TableName
from customer360.warehouse.local import LocalWarehouse
from customers import world


class ComparedWarehouse(LocalWarehouse):
    """The lake, where every query with parameters is answered by the reference implementation as well."""

    differences: list[str]
    asked: list[str]
    comparing = False

    def query(self, sql: str, *, parameters: Any = None, **more: Any) -> pa.Table:
        found = super().query(sql, parameters=parameters, **more)
        if self.comparing and parameters:
            names = [TableName(each.dataset, each.table) for each in references(parse_query(sql))]
            tables = {str(name): (self.columns(name) or {}, world.read(self, str(name))) for name in names}
            columns, expected = run(sql, tables=tables, parameters=parameters)
            row_type = types.struct(tuple((name, types.parse(type_)) for name, type_ in columns))
            rows = [canonical(row, row_type) for row in found.to_pylist()]
            if difference := compare_rows(rows, expected):
                self.differences.append(f"{sql}\n{difference}")
            if rows:
                self.asked.append(sql)
        return found


@dataclass(eq=False)
class World:
    """The warehouse after the last day, and the map that each day published."""

    warehouse: ComparedWarehouse
    customers: Customers
    maps: list[dict[str, str]] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    def id_of(self, customer: str, n: int = -1) -> str:
        return self.maps[n][customer]

    @functools.cache  # noqa: B019 (one world a session)
    def person(self, customer: str) -> Person:
        """The person of a source customer, and who was who on the first day."""
        return self.customers.describe(self.id_of(customer), on=day(0))


@pytest.fixture(scope="package")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    warehouse = ComparedWarehouse(Path(tmp_path_factory.mktemp("customers")) / "lake")
    warehouse.differences, warehouse.asked = [], []
    found = World(warehouse, Customers(warehouse, ROOT / "sql" / "queries", world.CONFIG, most=5))
    world.sell(warehouse)
    for n in range(world.LAST + 1):
        found.facts.append(str(warehouse.versions(warehouse.tables("core"))))
        found.maps.append(world.run_day(warehouse, n))
    found.facts.append(str(warehouse.versions(warehouse.tables("core"))))
    world.build_marts(warehouse, found.maps[-1])
    yield found
    warehouse.close()
