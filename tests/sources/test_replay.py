"""Refused rows are judged again once the contract is right, and raw, quarantine and log agree afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cloud_server import CloudServer

from customer360.errors import SourceError, TooManyRefusedError, WarehouseError
from customer360.project import Contract
from customer360.sources import load_table
from customer360.sources.landing import BucketLanding
from customer360.sources.replay import Replayed, replay
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.port import Publication, RunInfo
from sources.conftest import DAY, ORDERS, Shop

HEADER = "order_id,line,placed_at,quantity,amount,status,note\n"
CSV = "files: ${FILES}/orders.csv\nformat: csv\nload: snapshot\n"
NDJSON = "files: ${FILES}/orders.ndjson\nformat: ndjson\nload: snapshot\n"
GOOD = "1,2024-06-30,2,1.5,open,n\n"


def strict(**columns: dict[str, Any]) -> Contract:
    """ORDERS, with other rules for these columns."""
    changed = tuple(replace(column, **columns.get(column.name, {})) for column in ORDERS.columns)
    return replace(ORDERS, spec=replace(ORDERS.spec, columns=changed))


def replayed(shop: Shop, binding: str = CSV, run_id: str = "again") -> Replayed:
    return replay(
        shop.bind(binding), shop.contract, run=RunInfo(run_id, DAY), warehouse=shop.warehouse, settings=shop.settings
    )


def logged(shop: Shop) -> list[tuple[int, int, int, int]]:
    columns = "rows_read, rows_loaded, rows_quarantined, cells_quarantined"
    rows = shop.warehouse.query(f"SELECT {columns} FROM ops.loads ORDER BY finished_at").to_pylist()
    return [tuple(row.values()) for row in rows]


def statuses(shop: Shop) -> dict[str, tuple[int, str | None]]:
    return {row["order_id"]: (row["quantity"], row["status"]) for row in shop.rows()}


def test_what_passes_today_s_contract_is_loaded_and_leaves_the_quarantine(shop: Shop) -> None:
    shop.contract = strict(quantity={"minimum": "1"})
    lines = [
        f"o1,{GOOD}", "too,few\n", "o3,1,2024-06-30,0,1.5,open,n\n", f"o1,{GOOD}", "o5,1,2024-06-30,2,1.5,shipped,n\n",
        "o6,1,2024-06-30,x,1.5,open,n\n", "o7,1,2024-06-30,-1,1.5,shipped,n\n", "o8,1,2024-06-30,3,1.5,lost,n\n",
    ]  # fmt: skip
    shop.write("files/orders.csv", HEADER + "".join(lines))
    shop.load(CSV)
    assert logged(shop) == [(8, 3, 5, 2)]
    assert replayed(shop) == Replayed(shop.contract.name, DAY, 6, 0, 0, 5, 2, 1, changed=False)
    shop.contract = strict(status={"allowed": ("open", "paid", "shipped")})
    assert replayed(shop) == Replayed(shop.contract.name, DAY, 6, 2, 1, 3, 1, 1, changed=True)
    now = {"o1": (2, "open"), "o3": (0, "open"), "o5": (2, "shipped"), "o7": (-1, "shipped"), "o8": (3, None)}
    assert statuses(shop) == now
    assert [(entry["line"], entry["kind"], entry["reason"]) for entry in shop.quarantine()] == [
        (3, "row", "line is broken: Expected Number of Columns: 7 Found: 2"), (5, "row", "key is repeated"),
        (7, "row", "is no INT64"), (9, "cell", "is not one of open, paid, shipped"),
    ]  # fmt: skip
    assert logged(shop) == [(8, 3, 5, 2), (8, 5, 3, 1)]
    assert not replayed(shop, run_id="third").changed
    assert statuses(shop) == now
    assert len(logged(shop)) == 2
    assert [name.table for name in shop.warehouse.tables("raw_shop")] == ["orders"]
    # The next load of the date replaces all of it, by the same.
    result = shop.load(CSV)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (8, 5, 3)
    assert statuses(shop) == now


def test_ndjson_is_judged_as_the_lines_it_came_in(shop: Shop) -> None:
    shop.contract = strict(quantity={"minimum": "1"})
    row = {"order_id": "o1", "line": 1, "placed_at": "2024-06-30", "quantity": 0, "amount": 1, "payload": "5"}
    shop.write("files/orders.ndjson", "\n".join([json.dumps(row), '{"order_id":', json.dumps(row | {"quantity": 2})]))
    shop.load(NDJSON)
    shop.contract = strict(payload={"required": False})
    assert replayed(shop, NDJSON).refused == 2  # o1 came with the other line
    shop.write("files/orders.ndjson", json.dumps(row))
    shop.contract = strict(quantity={"minimum": "1"})
    shop.load(NDJSON)
    shop.contract = ORDERS
    assert replayed(shop, NDJSON).loaded == 1
    assert [(row["quantity"], row["payload"]) for row in shop.rows()] == [(0, '"5"')]


def test_a_fixed_binding_and_a_new_column_of_the_contract_count_too(shop: Shop) -> None:
    shop.contract = replace(
        ORDERS, spec=replace(ORDERS.spec, columns=tuple(c for c in ORDERS.columns if c.name != "note"))
    )
    shop.write("files/orders.csv", HEADER + 'o1,1,2024-06-30,2,"1,5",open,n\n' + f"o2,{GOOD}")
    shop.load(CSV)
    shop.contract = ORDERS
    fixed = CSV + "columns: {amount: \"REPLACE(amount, ',', '.')\"}\n"
    assert replayed(shop, fixed).loaded == 1
    assert [(row["order_id"], row["amount"], row["status"]) for row in shop.rows()] == [
        ("o1", Decimal("1.5"), "open"), ("o2", Decimal("1.5"), "open"),
    ]  # fmt: skip


def test_a_load_that_was_stopped_must_be_loaded_again(shop: Shop) -> None:
    with pytest.raises(SourceError, match="was not loaded for 2024-06-30"):
        replayed(shop)
    shop.write("files/orders.csv", HEADER + f"o1,{GOOD}o2,{GOOD}")
    shop.load(CSV)
    shop.limit(0)
    shop.write("files/orders.csv", HEADER + f"o1,{GOOD},{GOOD}o3,{GOOD}")
    with pytest.raises(TooManyRefusedError):
        shop.load(CSV)
    with pytest.raises(SourceError, match=r"ops.loads says 2 rows loaded and 0 refused, there are 2 and 1.*again"):
        replayed(shop)


@pytest.mark.parametrize(
    "more",
    ["distinct: {by: [order_id], latest: placed_at}\n", "columns: {line: _position}\n",
     "columns: {line: ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY amount)}\n"],
)  # fmt: skip
def test_rows_that_depend_on_others_cannot_be_judged_alone(shop: Shop, more: str) -> None:
    with pytest.raises(SourceError, match="cannot be judged alone; load the date again"):
        replayed(shop, CSV + more)


def test_a_replay_that_died_is_ended_by_the_next_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """On BigQuery partitions are published one after the other, the log at last: whatever is missing comes."""
    shop.contract = strict(quantity={"minimum": "1"})
    shop.write(
        "files/orders.csv",
        HEADER + f"o1,{GOOD}o2,1,2024-06-30,0,1.5,open,n\no3,1,2024-06-30,x,1.5,open,n\no4,1,2024-06-30,2,1.5,lost,n\n",
    )
    shop.load(CSV)
    shop.contract = lenient = strict(status={"allowed": ("open", "lost")})
    publish = shop.warehouse.publish

    for published in (1, 2):

        def dies(publications: Sequence[Publication], *, run: RunInfo, log: Any = None, n: int = published) -> Any:
            publish(publications[:n], run=run, log={})
            raise WarehouseError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(shop.warehouse, "publish", dies)
            with pytest.raises(WarehouseError, match="gone"):
                replayed(shop, run_id=f"died after {published}")
        done = replayed(shop, run_id=f"after {published}")
        assert (done.refused, statuses(shop)) == (1, {"o1": (2, "open"), "o2": (0, "open"), "o4": (2, "lost")})
        assert logged(shop)[-1] == (4, 3, 1, 0)
        assert len(shop.quarantine()) == 1
        shop.contract = strict(quantity={"minimum": "1"})
        shop.load(CSV)
        shop.contract = lenient


def test_on_bigquery_too(shop: Shop, tmp_path: Path) -> None:
    """Over HTTP, with the real clients; a replay that dies between its two copies is ended by the next."""
    with CloudServer(tmp_path / "cloud") as server:
        server.add_bucket("landing")
        warehouse = BigQueryWarehouse(server.client(), location=server.location)
        strictly = strict(quantity={"minimum": "1"})
        shop.write(
            "files/orders.csv",
            HEADER + f"o1,{GOOD}o2,1,2024-06-30,0,1.5,open,n\no3,1,2024-06-30,2,1.5,lost,n\nbroken\n",
        )
        binding, landing = shop.bind(CSV), BucketLanding(server.storage_client(), "landing")
        load_table(
            binding, strictly, run=RunInfo("first", DAY), warehouse=warehouse, settings=shop.settings,
            connections=shop.connections.__getitem__, landing=landing,
        )  # fmt: skip
        orders = strict(status={"allowed": ("open", "lost")})
        publish = warehouse.publish

        def dies(publications: Sequence[Publication], *, run: RunInfo, log: Any = None) -> Any:
            publish(publications[:1], run=run)
            raise WarehouseError("gone")

        warehouse.publish = dies  # type: ignore[method-assign]
        with pytest.raises(WarehouseError, match="gone"):
            replay(binding, orders, run=RunInfo("dies", DAY), warehouse=warehouse, settings=shop.settings)
        warehouse.publish = publish  # type: ignore[method-assign]
        for run_id in ("again", "once more"):
            done = replay(binding, orders, run=RunInfo(run_id, DAY), warehouse=warehouse, settings=shop.settings)
            assert (done.refused, done.cells, done.unreadable) == (1, 0, 1)
        query = (
            "SELECT order_id, quantity, status FROM raw_shop.orders WHERE _loaded_date = '2024-06-30' ORDER BY order_id"
        )
        assert [tuple(row.values()) for row in warehouse.query(query).to_pylist()] == [
            ("o1", 2, "open"), ("o2", 0, "open"), ("o3", 2, "lost"),
        ]  # fmt: skip
        counts = "SELECT rows_read, rows_loaded, rows_quarantined FROM ops.loads ORDER BY finished_at"
        assert [tuple(row.values()) for row in warehouse.query(counts).to_pylist()] == [(4, 2, 2), (4, 3, 1)]
        assert [name.table for name in warehouse.tables("raw_shop")] == ["orders"]
        warehouse.close()
