"""What the sample shop holds: rows written and rows a loader must refuse, and figures the models must arrive at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from customer360.errors import SourceError

FILE = "manifest.json"
_MONEY = ("gross_revenue", "refunds_amount", "net_revenue", "discounts_given")


@dataclass(frozen=True)
class TableFacts:
    """One contract table: rows written, rows to refuse by reason, cells to refuse by contract column."""

    rows_written: int
    rows_refused: Mapping[str, int]
    cells_refused: Mapping[str, int]

    @property
    def rows_loaded(self) -> int:
        return self.rows_written - sum(self.rows_refused.values())


@dataclass(frozen=True)
class Manifest:
    """The arguments of a sample shop, `tables` by contract name (`crm.customer_info`), and `truths` by name."""

    customers: int
    days: int
    seed: int
    until: date
    tables: Mapping[str, TableFacts]
    truths: Mapping[str, int | Decimal]

    def write(self, folder: Path) -> None:
        document = {
            "arguments": {
                "customers": self.customers,
                "days": self.days,
                "seed": self.seed,
                "until": self.until.isoformat(),
            },
            "tables": {
                name: {
                    "rows_written": facts.rows_written,
                    "rows_loaded": facts.rows_loaded,
                    "rows_refused": dict(facts.rows_refused),
                    "cells_refused": dict(facts.cells_refused),
                }
                for name, facts in self.tables.items()
            },
            # Money is text: JSON has no decimals, and a cent more or less is a difference.
            "truths": {name: str(value) if name in _MONEY else value for name, value in self.truths.items()},
        }
        (folder / FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of a folder that `generate` wrote."""
        try:
            document: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SourceError(f"{folder} holds no {FILE}; to write a shop there: c360 sample --to {folder}") from None
        arguments = document["arguments"]
        return cls(
            customers=arguments["customers"],
            days=arguments["days"],
            seed=arguments["seed"],
            until=date.fromisoformat(arguments["until"]),
            tables={
                name: TableFacts(facts["rows_written"], facts["rows_refused"], facts["cells_refused"])
                for name, facts in document["tables"].items()
            },
            truths={name: Decimal(value) if name in _MONEY else value for name, value in document["truths"].items()},
        )


def count(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, TableFacts], dict[str, int | Decimal]]:
    """Tables and truths of the shop that is staged in this connection (sql/85_truths.sql)."""
    rows = connection.execute("SELECT name, refused, bad_cell, total, also FROM counts ORDER BY ALL").fetchall()
    written: dict[str, int] = {}
    refused: dict[str, dict[str, int]] = {}
    cells: dict[str, dict[str, int]] = {}
    for name, reason, column, total, also in rows:
        written[name] = written.get(name, 0) + (0 if also else total)
        for kind, key in ((refused, reason), (cells, column)):
            of_table = kind.setdefault(name, {})
            if key is not None and total:
                of_table[key] = of_table.get(key, 0) + total
    cursor = connection.execute("FROM truths")
    names = [column[0] for column in cursor.description or ()]
    values = cursor.fetchone() or ()
    truths = {name: Decimal(value) if name in _MONEY else value for name, value in zip(names, values, strict=True)}
    return {name: TableFacts(written[name], refused[name], cells[name]) for name in written}, truths
