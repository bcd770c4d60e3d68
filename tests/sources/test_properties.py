"""Whatever a source delivers: every row is loaded or quarantined, and clean rows come through untouched."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer360.settings import load_settings
from customer360.warehouse.local import LocalWarehouse
from sources.conftest import NAME, ORDERS, Shop

BINDING = "files: ${FILES}/orders.csv\nformat: csv\nload: snapshot\n"
COLUMNS = ("order_id", "line", "placed_at", "quantity", "amount", "status", "note")

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
clean = st.fixed_dictionaries({
    "order_id": st.sampled_from(["a", "b", "c", "ü", "d,e", 'f"g', "h\ni"]),
    "line": st.integers(1, 40).map(str),
    "placed_at": st.datetimes(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2100-01-01")).map(datetime.isoformat),
    "quantity": st.integers(-(2**63), 2**63 - 1).map(str),
    "amount": st.decimals(-(10**20), 10**20, places=9).map(lambda number: f"{number:f}"),
    "status": st.sampled_from(["open", "PAID", ""]),
    "note": texts,
})  # fmt: skip
dirt = st.dictionaries(
    st.sampled_from(COLUMNS[:-1]),
    st.sampled_from(["", " ", "x", "1.0.0", "2024-13-01", "NaN", "'; --", "1e99"]),
    max_size=2,
)
rows = st.lists(st.tuples(clean, st.one_of(st.just({}), dirt), st.booleans()), max_size=40)


def expected(row: Mapping[str, str]) -> dict[str, object] | None:
    """The row as it should load, by rules of Python's own; None where a required value cannot be used."""
    try:
        line, quantity, amount = int(row["line"]), int(row["quantity"]), Decimal(row["amount"])
        placed_at = datetime.fromisoformat(row["placed_at"].strip()).replace(tzinfo=UTC)
    except (ValueError, ArithmeticError):
        return None
    if not row["order_id"].strip() or not amount.is_finite() or abs(amount) >= 10**29:
        return None
    status = row["status"] if row["status"].lower() in ("open", "paid") else row["status"].strip() and None
    return {
        "order_id": row["order_id"], "line": line, "placed_at": placed_at, "quantity": quantity, "amount": amount,
        "status": (row["status"] or None) if status == "" else status, "note": row["note"] or None,
    }  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows)
def test_rows_loaded_and_quarantined_are_the_rows_read(
    table: list[tuple[dict[str, str], dict[str, str], bool]],
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    wanted: dict[tuple[object, object], dict[str, object]] = {}
    for good, bad, broken in table:
        row = good | bad
        values = [row[column] for column in COLUMNS]
        if broken and bad:  # a dirty row that has also lost its last columns
            writer.writerow(values[:4])
            continue
        writer.writerow(values)
        if (loaded := expected(row)) is not None:
            wanted.setdefault((loaded["order_id"], loaded["line"]), loaded)
    with TemporaryDirectory() as name:
        folder = Path(name)
        settings_ = load_settings({"C360_DATA": f"{name}/data", "FILES": f"{name}/files"})
        shop = Shop(folder, settings_, LocalWarehouse(settings_.lake, schemas={str(NAME): ORDERS.spec.schema}))
        shop.write("files/orders.csv", text.getvalue())
        result = shop.load(BINDING)
        assert result.rows_read == len(table)
        assert result.rows_loaded + result.rows_quarantined == len(table)
        found = {(row["order_id"], row["line"]): {c: row[c] for c in COLUMNS} for row in shop.rows()}
        assert found == wanted
        kinds = [entry["kind"] for entry in shop.quarantine()] if result.rows_read > result.rows_loaded else []
        assert kinds.count("row") == result.rows_quarantined
        shop.warehouse.close()
