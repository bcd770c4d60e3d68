"""A source system `shop` with one contract that has every kind of column, loaded into a real embedded warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from customer360.project import AUDIT_COLUMNS, Column, Contract, Partition, Project, TableName, TableSpec
from customer360.settings import Settings, load_settings
from customer360.sources import Connection, LoadResult, TableBinding, load_bindings, load_table
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo
from sources.servers import mariadb_server, postgres_server

__all__ = ["mariadb_server", "postgres_server"]
NAME = TableName("raw_shop", "orders")
DAY = date(2024, 6, 30)
ORDERS = Contract(
    spec=TableSpec(
        name=NAME,
        description="Orders. One row per line of an order.",
        partition=Partition("_loaded_date"),
        columns=(
            Column("order_id", "STRING", "", required=True),
            Column("line", "INT64", "", required=True),
            Column("placed_at", "TIMESTAMP", "", required=True),
            Column("quantity", "INT64", "", required=True),
            Column("amount", "NUMERIC", "", required=True),
            Column("status", "STRING", "", allowed=("open", "paid")),
            Column("born", "DATE", "", minimum="1900-01-01", maximum="run_date"),
            Column("score", "NUMERIC", "", minimum="1", maximum="5"),
            Column("phone", "STRING", "", pattern=r"\+?[0-9 ]{5,}"),
            Column("weight", "FLOAT64", ""),
            Column("active", "BOOL", ""),
            Column("payload", "STRING", "", format="json"),
            Column("note", "STRING", ""),
            *AUDIT_COLUMNS,
        ),
    ),
    path=Path("sql/raw_shop/orders"),
    owner="data-platform",
    key=("order_id", "line"),
    event_time="placed_at",
    max_refused_share=1.0,
)
AUDIT = tuple(column.name for column in AUDIT_COLUMNS)


@dataclass
class Shop:
    """A deployment: a folder of source files, bindings, connections by id, a warehouse."""

    folder: Path
    settings: Settings
    warehouse: LocalWarehouse
    contract: Contract = ORDERS
    connections: dict[str, Connection] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return Project(self.folder, {}, {NAME: self.contract})

    def bind(self, text: str) -> TableBinding:
        """The binding of `orders`, from the YAML below its name."""
        folder = self.folder / "bindings"
        folder.mkdir(exist_ok=True)
        body = "\n".join(f"    {line}" for line in text.strip("\n").splitlines())
        (folder / "shop.yaml").write_text(f"system: shop\ntables:\n  orders:\n{body}\n", encoding="utf-8")
        return load_bindings(folder, self.project)["shop"].tables["orders"]

    def load(self, binding: TableBinding | str, day: date = DAY, run_id: str = "test") -> LoadResult:
        return load_table(
            self.bind(binding) if isinstance(binding, str) else binding,
            self.contract,
            run=RunInfo(run_id, day),
            warehouse=self.warehouse,
            settings=self.settings,
            connections=self.connections.__getitem__,
        )

    def write(self, name: str, content: str | bytes) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def limit(self, share: float) -> None:
        self.contract = replace(self.contract, max_refused_share=share)

    def rows(self, *, audit: bool = False) -> list[dict[str, Any]]:
        """Rows of raw_shop.orders in order of key, without the audit columns unless asked for."""
        if self.warehouse.columns(NAME) is None:
            return []
        rows = self.warehouse.query("SELECT * FROM raw_shop.orders ORDER BY order_id, line").to_pylist()
        return [{key: value for key, value in row.items() if audit or key not in AUDIT} for row in rows]

    def quarantine(self) -> list[dict[str, Any]]:
        query = "SELECT * FROM quarantine.shop__orders ORDER BY line, kind DESC, column_name, reason, key"
        return self.warehouse.query(query).to_pylist()  # type: ignore[no-any-return]

    def refusals(self) -> list[tuple[Any, ...]]:
        """(kind, column_name, reason, value) of each quarantine entry, sorted."""
        entries = ((q["kind"], q["column_name"], q["reason"], q["value"]) for q in self.quarantine())
        return sorted(entries, key=str)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    settings = load_settings({"C360_DATA": str(tmp_path / "data"), "FILES": str(tmp_path / "files")})
    (tmp_path / "files").mkdir()
    warehouse = LocalWarehouse(settings.lake, schemas={str(NAME): ORDERS.spec.schema})
    yield Shop(tmp_path, settings, warehouse)
    warehouse.close()


def line(number: int, **values: Any) -> Mapping[str, Any]:
    """A clean source row, as text."""
    clean = {
        "order_id": f"o{number}",
        "line": "1",
        "placed_at": "2024-06-30T10:00:00Z",
        "quantity": "2",
        "amount": "9.90",
    }
    return clean | values
