"""Expressions of bindings, selections, and sources that do not fit their contract."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest

from customer360.errors import SchemaDriftError
from sources.conftest import DAY, Shop

CSV = "files: ${FILES}/orders.csv\nformat: csv\nload: snapshot\n"
HEADER = "order_id,line,placed_at,quantity,amount,note\n"


def test_expressions_are_googlesql_over_the_source_s_columns(shop: Shop) -> None:
    shop.write("files/orders.csv", "No,Item Price,n,When,who\nA7,2.50,3,20240630,  Ann \nA7,1.10,2,20240630,\n")
    shop.load(
        CSV
        + """
columns:
  order_id: CONCAT('shop-', LOWER(no))
  line: ROW_NUMBER() OVER (PARTITION BY No ORDER BY _position)
  placed_at: PARSE_DATE('%Y%m%d', `When`)
  quantity: n
  amount: CAST(`item price` AS NUMERIC) * CAST(N AS INT64)
  status: "'open'"
  note: COALESCE(TRIM(who), 'nobody')
"""
    )
    first, second = shop.rows()
    assert (first["order_id"], first["line"], first["amount"], first["status"]) == (
        "shop-a7",
        1,
        Decimal("7.5"),
        "open",
    )
    assert (second["line"], second["amount"], second["note"]) == (2, Decimal("2.2"), "nobody")
    assert str(first["placed_at"]) == "2024-06-30 00:00:00+00:00"


def test_an_expression_that_fails_refuses_its_row_or_cell_not_the_load(shop: Shop) -> None:
    shop.write(
        "files/orders.csv",
        HEADER + "".join(f"o{n},1,2024-06-30,{q},10,{q}\n" for n, q in enumerate(("2", "0", "x", ""))),
    )
    result = shop.load(CSV + "columns: {amount: CAST(amount AS NUMERIC) / CAST(quantity AS INT64)}\n")
    assert (result.rows_read, result.rows_loaded) == (4, 1)
    assert [(row["order_id"], row["amount"]) for row in shop.rows()] == [("o0", Decimal(5))]
    assert {entry["reason"] for entry in shop.quarantine()} == {
        "expression failed", "is no INT64; amount expression failed", "is missing; amount is missing",
    }  # fmt: skip
    assert shop.load(CSV + "columns: {quantity: 1, score: CAST(note AS NUMERIC)}\n").rows_loaded == 4
    assert ("cell", "score", "expression failed", None) in shop.refusals()


def test_where_and_distinct_select_before_rows_are_counted(shop: Shop) -> None:
    rows = [
        "o1,1,2024-06-01,1,1,old",
        "o1,1,2024-06-03,2,1,new",
        "o1,1,2024-06-03,3,1,newest",
        "o2,1,2024-06-01,4,1,",
        ",,,,,",
    ]
    shop.write("files/orders.csv", HEADER + "\n".join(rows) + "\n")
    result = shop.load(CSV + "where: order_id IS NOT NULL\ndistinct: {by: [order_id], latest: placed_at}\n")
    assert (result.rows_read, result.rows_loaded) == (2, 2)
    assert [(row["order_id"], row["note"]) for row in shop.rows()] == [("o1", "newest"), ("o2", None)]


def test_user_text_stays_text(shop: Shop) -> None:
    evil = "x'; DROP TABLE orders; --"
    column = "a\"b'; --"
    duckdb.execute(f"""
        COPY (SELECT 'o1' AS order_id, 1 AS line, DATE '2024-06-30' AS placed_at, 1 AS quantity, 1 AS amount,
          'kept' AS "{column.replace('"', '""')}") TO '{shop.folder}/files/it''s.parquet' (FORMAT parquet)""")
    shop.load(f"""
files: ${{FILES}}/it's.parquet
format: parquet
load: snapshot
columns:
  note: {json.dumps(f"CONCAT(`{column}`, {json.dumps(evil)})")}
""")
    assert shop.rows()[0]["note"] == f"kept{evil}"


def test_new_columns_are_reported_and_ignored_or_fail_as_the_contract_says(shop: Shop) -> None:
    shop.write("files/orders.csv", HEADER.strip() + ",vip\no1,1,2024-06-30,1,1,x,yes\n")
    assert shop.load(CSV).drift == ("source column vip is not in the contract and was ignored",)
    shop.contract = replace(shop.contract, new_columns="fail")
    with pytest.raises(SchemaDriftError, match="columns that are not in it: vip"):
        shop.load(CSV)


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        (
            "order_id,line,quantity,amount",
            "",
            r"expected a column placed_at in .*contract column placed_at \(TIMESTAMP, required",
        ),
        (
            "order_id,line,placed_at,quantity,amount",
            "{note: comment}",
            "expected a column comment in .* for contract column note",
        ),
        ("order_id,line,placed_at,quantity,amount", "{note: UPPER(comment)}", r"for the expression 'UPPER\(comment\)'"),
    ],
)
def test_a_column_that_is_gone_is_drift(shop: Shop, header: str, columns: str, message: str) -> None:
    shop.write("files/orders.csv", header + "\n" + ",".join("1" * (header.count(",") + 1)) + "\n")
    with pytest.raises(SchemaDriftError, match=f"raw_shop.orders: .*{message}") as caught:
        shop.load(CSV + (f"columns: {columns}\n" if columns else ""))
    assert f"found {header.replace(',', ', ')}" in str(caught.value)
    assert shop.rows() == []


def test_an_optional_column_that_was_never_there_is_null(shop: Shop) -> None:
    shop.write("files/orders.csv", "order_id,line,placed_at,quantity,amount\no1,1,2024-06-30,1,1\n")
    shop.load(CSV)
    assert (shop.rows()[0]["note"], shop.rows()[0]["score"]) == (None, None)


def test_a_required_column_that_one_of_the_files_lacks_is_drift(shop: Shop) -> None:
    shop.write("files/orders.csv", "order_id,line,placed_at,quantity,amount\no1,1,2024-06-30,1,1\n")
    shop.write("files/orders_2.csv", "order_id,line,placed_at,quantity\no1,1,2024-06-30,1\n")
    with pytest.raises(SchemaDriftError, match=r"expected a column amount in orders_2\.csv"):
        shop.load(CSV.replace("orders.csv", "orders*.csv"))


def test_a_required_key_that_no_json_line_has_is_drift(shop: Shop) -> None:
    shop.write("files/orders.ndjson", '{"order_id": "o1", "line": 1}\n')
    with pytest.raises(SchemaDriftError, match="expected a column placed_at"):
        shop.load("files: ${FILES}/orders.ndjson\nformat: ndjson\nload: snapshot\n")


def test_bounds_and_values_of_the_contract(shop: Shop) -> None:
    cells = [
        ("born", "1899-12-31"),
        ("born", "2024-07-01"),
        ("score", "0.9"),
        ("score", "5.01"),
        ("status", "lost"),
        ("phone", "n/a"),
    ]
    fine = [
        ("born", "1900-01-01"),
        ("born", str(DAY)),
        ("score", "1"),
        ("score", "5"),
        ("status", " OPEN "),
        ("phone", "+43 1 555"),
        ("phone", " "),
    ]
    rows = [json.dumps({"order_id": f"o{n}", "line": 1, "placed_at": "2024-06-30", "quantity": 1, "amount": 1, column: value})
            for n, (column, value) in enumerate(cells + fine, 10)]  # fmt: skip
    shop.write("files/orders.ndjson", "\n".join(rows))
    result = shop.load("files: ${FILES}/orders.ndjson\nformat: ndjson\nload: snapshot\n")
    assert (result.rows_loaded, result.cells_quarantined) == (len(rows), len(cells))
    assert sorted((entry["column_name"], entry["value"]) for entry in shop.quarantine()) == sorted(cells)
    assert [row[column] is None for row, (column, _) in zip(shop.rows(), cells + fine, strict=True)] == [True] * 6 + [
        False
    ] * 7
