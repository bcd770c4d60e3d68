"""Every statement of a resolution on Google's reference implementation: the same rows from the same tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from reference.canonical import canonical, compare_rows
from reference.zetasql_engine import execute

from customer360.googlesql import types
from customer360.googlesql.parse import parse_query, references
from customer360.identity import IdentityConfig, probabilistic
from customer360.identity.configuration import Probabilistic
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import JobStats
from identity.shared import SPECS, Desk
from identity.stories import STORIES


class ComparedWarehouse(LocalWarehouse):
    """The lake, where every write is done by the reference implementation as well."""

    differences: list[str]
    compared: set[str]

    def write(
        self,
        spec: TableSpec,
        sql: str,
        *,
        target: TableName | None = None,
        parameters: Mapping[str, Parameter] | None = None,
        **more: Any,
    ) -> JobStats:
        names = {TableName(each.dataset, each.table) for each in references(parse_query(sql))}
        tables = {
            str(name): (self.columns(name) or {}, self.query(f"SELECT * FROM {name}").to_pylist()) for name in names
        }
        stats = super().write(spec, sql, target=target, parameters=parameters, **more)
        expected = execute(sql, tables=tables, parameters=dict(parameters or {}))
        row_type = types.struct(tuple((name, types.parse(type_)) for name, type_ in spec.schema.items()))
        found = self.query(f"SELECT * FROM {target or spec.name}").to_pylist()
        if difference := compare_rows([canonical(row, row_type) for row in found], expected):
            self.differences.append(f"{target}\n{difference}")
        if expected:
            self.compared.add((target or spec.name).table.strip("_").rsplit("_", 1)[0])
        return stats


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    warehouse = ComparedWarehouse(tmp_path / "lake")
    warehouse.differences, warehouse.compared = [], set()
    yield Desk(warehouse, replace(IdentityConfig(), combinations=(("LAST_NAME", "DATE_OF_BIRTH"),)))
    warehouse.close()


PAIRS = pa.schema([each for each in SPECS["matches"].arrow_schema if each.name in probabilistic.PAIRS])
TOLD = [
    STORIES["who shares an e-mail or a phone is one person, whoever came first"],
    STORIES["the founder leaves and gets an id that nobody had"],
    STORIES["a combination needs every attribute, whatever its case"],
    STORIES["a decision to merge needs no evidence, and waits for both sides"],
    STORIES["the weakest evidence is cut, and stays cut whatever comes later"],
]


def test_every_statement_is_googlesql(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model finds the same pair every day; that it is Splink's is not the point here."""
    left, right = TOLD[2].own("c"), TOLD[2].own("d")
    match = {"left_source_system": "crm", "left_source_customer_id": left, "right_source_system": "crm"}
    match |= {"right_source_customer_id": right, "match_probability": Decimal("0.95"), "match_weight": Decimal("4.25")}
    match |= {"evidence": [{"comparison": "city", "level": "the same", "weight": Decimal(3)}], "model": "people.json"}
    monkeypatch.setattr(probabilistic, "score", lambda *_, **__: pa.Table.from_pylist([match], schema=PAIRS))
    desk.config = replace(desk.config, probabilistic=Probabilistic(Path("people.json")))
    for n in range(2):
        desk.observe([row for story in TOLD for row in story.observations(n)])
        desk.decide([row for story in TOLD for row in story.decisions(n)])
        desk.run(n)
    warehouse = desk.warehouse
    assert isinstance(warehouse, ComparedWarehouse)
    assert not warehouse.differences
    assert len(desk.rows("matches")) == 1 and desk.people()[left] == desk.people()[right]
    # All of them, and each with rows at least once.
    assert {
        "previous",
        "earlier",
        "sources",
        "decisions",
        "records",
        "evidence",
        "touched",
        "customers",
        "links",
        "labels",
    } <= warehouse.compared
    assert {"disputed", "disputed_edges", "splits", "parts_0", "joins_0", "joined_0", "parts_1"} <= warehouse.compared
    assert {"members", "claims", "separations", "people", "successors"} <= warehouse.compared
