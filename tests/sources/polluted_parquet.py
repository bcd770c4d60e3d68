"""Parquet as other people write it: files that are not whole, and schemas that differ between files."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sources.polluted import HEADER, Case, csv_row


def p(number: int, **values: str) -> str:
    """The SELECT of a row; values are SQL."""
    row = {"order_id": f"'o{number}'", "line": "1", "placed_at": "TIMESTAMP '2024-06-30'", "quantity": "2"}
    row |= {"amount": "9.90", "status": "'open'", "note": "'n'"} | values
    return "SELECT " + ", ".join(f"{value} AS {name}" for name, value in row.items() if value)


def written(select: str) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "a.parquet"
        duckdb.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")
        return file.read_bytes()


def table(**columns: Any) -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(list(map(pa.array, columns.values())), names=list(columns)), data)
    return data.getvalue()


def parquet(name: str, a: bytes | str, b: bytes | str | None = None, **expected: Any) -> Case:
    return Case(f"parquet {name}", {"a.parquet": a} | ({"b.parquet": b} if b is not None else {}), **expected)


WHOLE = written(p(1))
ROW = {"order_id": ["o1"], "line": [1], "placed_at": ["2024-06-30"], "quantity": [2], "amount": ["9.90"]}

CASES = (
    # -- not whole
    parquet("clean", p(1), p(2), loaded=(1, 2)),
    parquet("no rows", p(1) + " WHERE false"),
    parquet(
        "no bytes", b"", error=r"a\.parquet is empty, not even a Parquet file: is it still being uploaded\?", retry=True
    ),
    parquet(
        "no bytes, beside a whole one",
        WHOLE,
        b"",
        error=r"b\.parquet is empty, not even a Parquet file: is it still being uploaded\?",
        retry=True,
    ),
    parquet(
        "without its end", WHOLE[:-50], error=r"a\.parquet is cut off or damaged \(no Parquet footer\)", retry=True
    ),
    parquet(
        "first half",
        WHOLE,
        WHOLE[: len(WHOLE) // 2],
        error=r"b\.parquet is cut off or damaged \(no Parquet footer\)",
        retry=True,
    ),
    parquet(
        "its end only",
        WHOLE[100:],
        error=r"a\.parquet is no Parquet file: it begins with b'\\x14\\x15\\x18,'; correct format or files",
    ),
    parquet(
        "damaged in the middle",
        written(f"{p(1)} FROM range(500)")[:60] + bytes(60) + written(f"{p(1)} FROM range(500)")[120:],
        error="cannot read .*: TProtocolException: Invalid data",
    ),
    parquet(
        "that is a csv",
        HEADER + csv_row(1),
        error=r"a\.parquet is no Parquet file: it begins with b'orde'; correct format or files",
    ),
    # -- schemas that differ
    parquet(
        "new column in a later file",
        p(1),
        p(2, surprise="1"),
        loaded=(1, 2),
        drift=("source column surprise is not in the contract and was ignored",),
    ),
    parquet("optional column missing in a later file", p(1), p(2, note=""), loaded=(1, (2, {"note": None}))),
    parquet(
        "required column missing in a later file",
        p(1),
        p(2, quantity=""),
        error=r"expected a column quantity in b\.parquet for required contract column quantity; found",
    ),
    parquet(
        "required column missing",
        p(1, quantity=""),
        error=r"expected a column quantity in .* for contract column quantity \(INT64, required\); found",
    ),
    parquet(
        "numbers become texts",
        p(1),
        p(2, line="'1'", placed_at="'2024-06-30'", quantity="'2'", amount="'x'"),
        loaded=(1,),
        refused=("1 row amount: is no NUMERIC: x",),
    ),
    parquet(
        "whole numbers become decimals",
        p(1, quantity="9007199254740993"),
        p(2, quantity="2.5::DECIMAL(4, 1)"),
        loaded=((1, {"quantity": 9007199254740993}),),
        refused=("1 row quantity: is no INT64: 2.5",),
    ),
    parquet(
        "decimals become floats",
        p(1),
        p(2, amount="9.90::DOUBLE"),
        error=r"column amount is DECIMAL\(3,2\) in a\.parquet and DOUBLE in b\.parquet; write both with the",
    ),
    parquet(
        "flags become numbers and words",
        p(1, active="true"),
        p(2, active="2"),
        loaded=((1, {"active": True}), 2),
        refused=("1 cell active: is no BOOL: 2",),
    ),
    parquet(
        "flags become words",
        p(1, active="true"),
        p(2, active="'yes'"),
        loaded=((1, {"active": True}), 2),
        refused=("1 cell active: is no BOOL: yes",),
    ),
    parquet(
        "times with and without a zone",
        p(1),
        p(2, placed_at="TIMESTAMPTZ '2024-06-30 10:00:00+02'"),
        loaded=(1, (2, {"placed_at": datetime(2024, 6, 30, 8, tzinfo=UTC)})),
    ),
    parquet(
        "documents with other fields",
        p(1, payload="{'a': 1}"),
        p(2, payload="{'b': [1]}"),
        loaded=((1, {"payload": '{"a":1}'}), (2, {"payload": '{"b":[1]}'})),
    ),
    parquet(
        "text becomes a document",
        p(1),
        p(2, note="{'a': 1}"),
        error=r"column note expected STRING, found STRUCT\(a INTEGER\), which cannot become one; correct",
    ),
    parquet("names that differ in case between files", p(1), p(2, note="", Note="'x'"), loaded=(1, (2, {"note": "x"}))),
    parquet(
        "names that differ in case in a file",
        table(**ROW, Order_ID=["o9"]),
        error=r"a\.parquet has the column Order_ID twice, in upper or lower case: which one is meant\?",
    ),
    # -- types
    parquet(
        "list where a number is expected",
        p(1, quantity="[2]"),
        error=r"column quantity expected INT64, found INTEGER\[\], which cannot become one; correct the",
    ),
    parquet(
        "bytes where text is expected",
        p(1, note="'x'::BLOB"),
        error="column note expected STRING, found BLOB, which cannot become one; correct the source, or",
    ),
    parquet(
        "numbers that do not fit",
        p(1, quantity="18446744073709551615::UBIGINT"),
        p(2, amount="(10::HUGEINT ** 30)::DECIMAL(38, 0)"),
        refused=(
            "1 row quantity: is no INT64: 18446744073709551615",
            "1 row amount: is no NUMERIC: 1000000000000000019884624838656",
        ),
    ),
    parquet("column of nothing", table(**ROW, status=pa.nulls(1), note=["n"]), loaded=((1, {"status": None}),)),
    parquet(
        "times in nanoseconds",
        p(1, placed_at="TIMESTAMP_NS '2024-06-30 00:00:00.123456789'"),
        loaded=((1, {"placed_at": datetime(2024, 6, 30, 0, 0, 0, 123456, tzinfo=UTC)}),),
    ),
)
