"""What changes in a source between loads is told once: in the log, and in ops.schema_changes."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import duckdb
import pytest

from customer360.errors import SchemaDriftError
from customer360.project.model import EXTRA, NewColumns
from customer360.sources import Connection
from customer360.sources.drift import Change, Seen, differences
from customer360.sources.replay import replay
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo
from sources.conftest import ORDERS, Shop

CSV = "files: ${FILES}/orders.csv\nformat: csv\nload: snapshot\n"
NDJSON = "files: ${FILES}/orders.ndjson\nformat: ndjson\nload: snapshot\n"
PARQUET = "files: ${FILES}/orders.parquet\nformat: parquet\nload: snapshot\n"
ROW = {"order_id": "o1", "line": "1", "placed_at": "2024-06-01", "quantity": "2", "amount": "1.5", "note": "n"}


def day(number: int) -> date:
    return date(2024, 6, number)


def deliver(shop: Shop, row: Mapping[str, str]) -> None:
    shop.write("files/orders.csv", ",".join(row) + "\n" + ",".join(row.values()) + "\n")


def changes(shop: Shop) -> list[tuple[Any, ...]]:
    columns = "run_date, kind, column_name, before, after, action"
    query = f"SELECT {columns} FROM ops.schema_changes ORDER BY seen_at, kind, column_name"
    return [(row["run_date"].day, *list(row.values())[1:]) for row in shop.warehouse.query(query).to_pylist()]


def new_columns(shop: Shop, choice: NewColumns) -> None:
    spec = ORDERS.spec if choice != "add" else replace(ORDERS.spec, columns=(*ORDERS.columns, EXTRA))
    shop.contract = replace(ORDERS, spec=spec, new_columns=choice)


def test_each_change_is_told_once(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    without_note = {name: value for name, value in ROW.items() if name != "note"}
    deliveries = [ROW, ROW | {"surprise": "x"}, ROW | {"surprise": "y"}, without_note | {"surprise": "x"},
                  ROW | {"surprise": ""}]  # fmt: skip
    for number, row in enumerate(deliveries, 1):
        deliver(shop, row)
        with caplog.at_level(logging.WARNING, logger="customer360"):
            shop.load(CSV, day(number))
    shop.load(CSV, day(5), run_id="again")
    assert changes(shop) == [
        (2, "new", "surprise", None, "VARCHAR", "ignored"),
        (4, "missing", "note", "VARCHAR", None, "loaded as NULL"),
        (5, "new", "note", None, "VARCHAR", "loaded"),
    ]
    assert caplog.text.count("source column surprise is new (ignored)") == 1
    (last,) = shop.warehouse.query("SELECT drift FROM ops.loads WHERE loaded_date = '2024-06-04'").to_pylist()
    assert last["drift"][-1] == "source column note is missing (loaded as NULL)"


def test_a_missing_required_column_is_told_though_the_load_is_refused(shop: Shop) -> None:
    deliver(shop, ROW)
    shop.load(CSV, day(1))
    deliver(shop, {name.replace("quantity", "quantities"): value for name, value in ROW.items()} | {"x": "1"})
    for run_id in ("first", "retry"):
        with pytest.raises(SchemaDriftError, match="expected a column quantity"):
            shop.load(CSV, day(2), run_id=run_id)
    guess = "a guess by name; load refused: name it in the binding"
    assert changes(shop) == [
        (2, "new", "x", None, "VARCHAR", "load refused for another change"),
        (2, "renamed", "quantity", "quantity", "quantities", guess),
    ]


def test_types_and_nulls_of_parquet(shop: Shop) -> None:
    for number, (amount, note) in enumerate([("1.5", "'n'"), ("'1.5'", "NULL::VARCHAR")], 1):
        select = f"'o1' AS order_id, 1 AS line, TIMESTAMP '2024-06-01' AS placed_at, 2 AS quantity, {amount} AS amount"
        file = shop.folder / "files" / "orders.parquet"
        duckdb.execute(f"COPY (SELECT {select}, {note} AS note) TO '{file}' (FORMAT parquet)")
        shop.load(PARQUET, day(number))
    assert changes(shop) == [
        (2, "newly null", "note", "some values", "no value", "loaded as NULL"),
        (2, "retyped", "amount", "DECIMAL(2,1)", "VARCHAR", "read as the contract says"),
    ]


@pytest.mark.parametrize("binding", [CSV, NDJSON])
def test_a_contract_may_keep_columns_that_it_does_not_have(shop: Shop, binding: str) -> None:
    new_columns(shop, "add")
    shop.warehouse.close()
    shop.warehouse = LocalWarehouse(shop.settings.lake)  # which knows of no other columns
    rows = [ROW, ROW | {"order_id": "o2", "Loyalty tier": "gold", "score_2": ""}]
    if binding == CSV:
        deliver(shop, rows[1])
    else:
        shop.write("files/orders.ndjson", "\n".join(map(json.dumps, [rows[0], rows[1] | {"deep": {"a": [1.5, None]}}])))
    result = shop.load(binding, day(1))
    kept = {row["order_id"]: row["_extra"] and json.loads(row["_extra"]) for row in shop.rows()}
    if binding == CSV:
        assert kept == {"o2": {"Loyalty tier": "gold", "score_2": None}}
    else:
        assert kept == {"o1": None, "o2": {"Loyalty tier": "gold", "score_2": "", "deep": {"a": [1.5, None]}}}
    assert "source column Loyalty tier is not in the contract and was kept in _extra" in result.drift


def test_a_database_s_unknown_columns_are_kept_and_replayed_too(shop: Shop) -> None:
    new_columns(shop, "add")
    shop.warehouse.close()
    shop.warehouse = LocalWarehouse(shop.settings.lake)
    file = shop.folder / "shop.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE orders (order_id, line, placed_at, quantity, amount, tier)")
        database.execute(
            "INSERT INTO orders VALUES ('o1', 1, '2024-06-01', 2, 1.5, 'gold'), ('o2', 1, 'soon', 2, 1.5, 'tin')"
        )
    shop.connections["db"] = Connection("sqlite", database=str(file))
    text = "connection: db\nrelation: orders\nload: snapshot\n"
    shop.load(text, day(1))
    assert [row["_extra"] for row in shop.rows()] == ['{"tier":"gold"}']
    mended = shop.bind(f"{text}columns: {{placed_at: \"REPLACE(placed_at, 'soon', '2024-06-02')\"}}\n")
    replay(mended, shop.contract, run=RunInfo("again", day(1)), warehouse=shop.warehouse, settings=shop.settings)
    assert [row["_extra"] for row in shop.rows()] == ['{"tier":"gold"}', '{"tier":"tin"}']


def test_columns_are_compared_by_name_whatever_their_case_and_order_counts(shop: Shop) -> None:
    before = [Seen("a", "VARCHAR", True), Seen("B", None, None), Seen("note", "VARCHAR", False)]
    now = [Seen("b", None, None), Seen("A", "VARCHAR", True), Seen("note", "VARCHAR", False)]
    assert differences(before, now, ORDERS, shop.bind(CSV)) == [
        Change("reordered", None, "a, b, note", "b, a, note", "nothing: columns are read by name")
    ]
    assert differences(before, now, ORDERS, shop.bind(NDJSON)) == []
