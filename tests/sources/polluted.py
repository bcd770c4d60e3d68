"""A kind of polluted file, what must come of it, and reading it for real: what a load reads and judges, no warehouse."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from customer360.settings import load_settings
from customer360.sources import LoadResult
from customer360.sources.load import _Batch
from customer360.sources.window import Window
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo
from sources.conftest import AUDIT, DAY, ORDERS, Shop

# Every row of the corpus is this one where it does not say otherwise.
CLEAN: dict[str, Any] = {
    "line": 1,
    "placed_at": datetime(2024, 6, 30, tzinfo=UTC),
    "quantity": 2,
    "amount": Decimal("9.90"),
    "status": "open",
    "note": "n",
}
HEADER = b"order_id,line,placed_at,quantity,amount,status,note\n"


@dataclass(frozen=True)
class Case:
    """`files`: name → content; a text is the SELECT of a Parquet file. Expected are the rows that load (number of a
    clean one, or its number and what differs), `line kind column: reason: value` of what is refused, or an error.
    """

    name: str
    files: Mapping[str, bytes | str]
    loaded: tuple[int | tuple[int, Mapping[str, Any]], ...] = ()
    refused: tuple[str, ...] = ()
    error: str = ""
    retry: bool = False
    options: str = ""
    drift: tuple[str, ...] = ()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [expected(*(row if isinstance(row, tuple) else (row, {}))) for row in self.loaded]


@dataclass
class Outcome:
    """What a load would commit."""

    result: LoadResult
    rows: list[dict[str, Any]]
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def refusals(self) -> tuple[str, ...]:
        return tuple(
            f"{entry['line']} {entry['kind']} {entry['column_name'] or '-'}: {entry['reason']}"
            + (f": {entry['value']}" if entry["value"] is not None else "")
            for entry in self.refused
        )


def expected(number: int, values: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it loads: the clean one but for these values."""
    empty: dict[str, Any] = dict.fromkeys(name for name in ORDERS.spec.schema if name not in AUDIT)
    return empty | CLEAN | {"order_id": f"o{number}"} | dict(values)


def csv_row(number: int, **values: bytes) -> bytes:
    """A line of a CSV; values as they are to stand there, quotes included."""
    cells = {"line": b"1", "placed_at": b"2024-06-30", "quantity": b"2", "amount": b"9.90", "status": b"open"}
    return b",".join([b"o%d" % number, *(cells | {"note": b"n"} | values).values()]) + b"\n"


def read(files: Mapping[str, bytes | str], options: str = "") -> Outcome:
    """Read and judge these files, in the format of the first one's name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings({"C360_DATA": f"{name}/data", "FILES": f"{name}/files"})
        shop = Shop(folder, settings, LocalWarehouse(settings.lake))  # opened by nobody
        for file, content in files.items():
            shop.write(f"files/{file}", content if isinstance(content, bytes) else b"")
            if isinstance(content, str):
                duckdb.execute(f"COPY ({content}) TO '{folder}/files/{file}' (FORMAT parquet)")
        kind = next(iter(files)).removesuffix(".gz").rpartition(".")[2]
        binding = shop.bind(f"files: ${{FILES}}/*\nformat: {kind}\nload: snapshot\n{options}")
        batch = _Batch(binding, ORDERS, RunInfo("test", DAY), settings, folder)
        result = batch.extract(Window(None, DAY), {}.__getitem__)
        if not batch.good.exists():
            return Outcome(result, [])
        rows = duckdb.execute("FROM read_parquet(?) ORDER BY _source, order_id, line", [str(batch.good)])
        loaded = rows.to_arrow_table().drop_columns(list(AUDIT)).to_pylist()
        entries = duckdb.execute("FROM read_parquet(?) ORDER BY _source, line, column_name", [str(batch.refused)])
        return Outcome(result, loaded, entries.to_arrow_table().to_pylist())
