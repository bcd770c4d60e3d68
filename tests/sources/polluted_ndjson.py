"""NDJSON as other people write it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from sources.polluted import HEADER, Case, csv_row


def o(number: int, **values: Any) -> bytes:
    """A line of JSON. `more`: text to stand at its end as it is."""
    more = values.pop("more", "")
    row = {"order_id": f"o{number}", "line": 1, "placed_at": "2024-06-30", "quantity": 2, "amount": 9.90}
    row |= {"status": "open", "note": "n"} | values
    text = json.dumps({key: value for key, value in row.items() if value is not ...}, ensure_ascii=False)
    return (text[:-1] + more + "}\n").encode("utf-8", "surrogatepass")


def ndjson(name: str, content: bytes, **expected: Any) -> Case:
    return Case(f"ndjson {name}", {"orders.ndjson": content}, **expected)


CASES = (
    # -- lines
    ndjson("clean", o(1) + o(2), loaded=(1, 2)),
    ndjson("broken line", o(1) + b'{"order_id": \n' + o(2), loaded=(1, 2), refused=("2 row -: line is no JSON",)),
    ndjson("last line cut off", (o(1) + o(2))[:-20], loaded=(1,), refused=("2 row -: line is no JSON",)),
    ndjson("last line without an end", (o(1) + o(2)).rstrip(), loaded=(1, 2)),
    ndjson(
        "blank lines",
        o(1) + b"\n  \n\r\n" + b"{\n" + o(2) + b"\n",
        loaded=(1, 2),
        refused=("5 row -: line is no JSON",),
    ),
    ndjson("crlf", (o(1) + o(2)).replace(b"\n", b"\r\n"), loaded=(1, 2)),
    ndjson(
        "crlf and lf",
        o(1) + o(2).replace(b"\n", b"\r\n") + o(3, quantity="z"),
        loaded=(1, 2),
        refused=("3 row quantity: is no INT64: z",),
    ),
    ndjson("cr only", (o(1) + o(2)).replace(b"\n", b"\r"), loaded=(1, 2)),
    ndjson(
        "cr inside a text",
        o(1) + o(2, note=..., more=', "note": "a\rb"') + o(3, more="\r"),
        loaded=(1, 3),
        refused=("2 row -: line is no JSON",),
    ),
    ndjson("byte order mark", b"\xef\xbb\xbf" + o(1) + o(2), loaded=(1, 2)),
    ndjson("two objects on a line", o(1).strip() + o(2) + o(3), loaded=(3,), refused=("1 row -: line is no JSON",)),
    ndjson("commas between lines", o(1).strip() + b",\n" + o(2), loaded=(2,), refused=("1 row -: line is no JSON",)),
    ndjson(
        "array of all",
        b"[" + o(1).strip() + b"," + o(2).strip() + b"]\n",
        error=r"orders\.ndjson is one JSON array, where NDJSON is an object per line; deliver it so \(jq -c",
    ),
    ndjson(
        "array of all over several lines",
        b"[\n" + o(1).strip() + b",\n" + o(2).strip() + b"\n]\n",
        error=r"orders\.ndjson is one JSON array, where NDJSON is an object per line; deliver it so \(jq -c",
    ),
    ndjson(
        "array among the lines",
        b"[1, 2]\n" + o(1) + b"[3]\n",
        loaded=(1,),
        refused=("1 row -: line is no JSON object", "3 row -: line is no JSON object"),
    ),
    ndjson(
        "lines that are no object",
        b'true\nnull\n"x"\n5\n' + o(1),
        loaded=(1,),
        refused=(
            "1 row -: line is no JSON object",
            "2 row -: line is no JSON object",
            "3 row -: line is no JSON object",
            "4 row -: line is no JSON object",
        ),
    ),
    ndjson("comment", b"// export\n" + o(1), loaded=(1,), refused=("1 row -: line is no JSON",)),
    ndjson("csv", HEADER + csv_row(1), refused=("1 row -: line is no JSON", "2 row -: line is no JSON")),
    ndjson("empty file", b""),
    ndjson("only blank lines", b"\n\n"),
    ndjson(
        "line of 10 MB",
        o(1, note="x" * 10_000_000) + o(2),
        loaded=(2,),
        refused=("1 row -: line is broken: Maximum line size of 2000000 bytes exceeded. Actual Size:10000116 bytes",),
    ),
    # -- keys
    ndjson(
        "keys differ in case between lines",
        o(1, note="x") + o(2, note=..., Note="y") + o(3, note=..., NOTE=None),
        loaded=((1, {"note": "x"}), (2, {"note": "y"}), (3, {"note": None})),
    ),
    ndjson(
        "keys of a document differ in case",
        o(1, payload={"a": 1}) + o(2, Payload={"a": 2}),
        loaded=((1, {"payload": '{"a":1}'}), (2, {"payload": '{"a":2}'})),
    ),
    ndjson(
        "keys differ in case in a line",
        o(1, Note="b") + o(2),
        loaded=(2,),
        refused=("1 row -: line has the key note more than once",),
    ),
    ndjson(
        "key twice in a line",
        o(1, more=', "note": "b"') + o(2, more=', "quantity": 2') + o(3, more=', "x": 1, "x": 2'),
        loaded=(3,),
        refused=("1 row -: line has the key note more than once", "2 row -: line has the key quantity more than once"),
        drift=("source column x is not in the contract and was ignored",),
    ),
    ndjson(
        "keys with dots, quotes and blanks",
        o(1, note=..., more=', "a.b": 1, "c\\"d": 2, " note ": 3, "": 4'),
        loaded=((1, {"note": None}),),
        drift=(
            "source column  is not in the contract and was ignored",
            "source column  note  is not in the contract and was ignored",
            "source column a.b is not in the contract and was ignored",
            'source column c"d is not in the contract and was ignored',
        ),
    ),
    ndjson(
        "reserved keys",
        o(1, _line=99, _source="x"),
        loaded=(1,),
        drift=(
            "source column _line is not in the contract and was ignored",
            "source column _source is not in the contract and was ignored",
        ),
    ),
    ndjson(
        "required key is missing",
        o(1) + o(2, quantity=...) + o(3, quantity=None) + b"{}\n",
        loaded=(1,),
        refused=(
            "2 row quantity: is missing",
            "3 row quantity: is missing",
            "4 row order_id: key is missing; line key is missing; placed_at is missing; quantity is missing; amount is missing",
        ),
    ),
    ndjson(
        "other objects",
        b'{"a": 1}\n',
        error=r"expected a column order_id in orders\.ndjson for required contract column order_id; found a",
    ),
    ndjson("comma after the last key", o(1, more=",") + o(2), loaded=(1, 2)),
    ndjson("single quotes", b"{'order_id': 'o1'}\n" + o(2), loaded=(2,), refused=("1 row -: line is no JSON",)),
    # -- values
    ndjson(
        "nested values",
        o(1, note={"a": 1}) + o(2, note=[1, 2]) + o(3, status={"a": 1}) + o(4, quantity={"x": 1}),
        loaded=((1, {"note": '{"a":1}'}), (2, {"note": "[1,2]"}), (3, {"status": None})),
        refused=('3 cell status: is not one of open, paid: {"a":1}', '4 row quantity: is no INT64: {"x":1}'),
    ),
    ndjson(
        "types change between lines",
        o(1, quantity="2")
        + o(2, quantity=2.5)
        + o(3, quantity=True)
        + o(4, order_id="o4", amount="9.9", note=5)
        + o(5, order_id=5, note=False)
        + o(6, active=1)
        + o(7, active="true"),
        loaded=(
            (0, {"order_id": "5", "note": "false"}),
            1,
            (4, {"note": "5"}),
            (6, {"active": True}),
            (7, {"active": True}),
        ),
        refused=("2 row quantity: is no INT64: 2.5", "3 row quantity: is no INT64: true"),
    ),
    ndjson(
        "whole numbers of many digits",
        o(1, quantity=2**63 - 1)
        + o(2, quantity=2**63)
        + o(3, amount=2**63 + 1)
        + o(4, note=10**29 + 1)
        + o(5, order_id=10**19 + 1),
        loaded=(
            (0, {"order_id": "10000000000000000001"}),
            (1, {"quantity": 9223372036854775807}),
            (3, {"amount": Decimal("9223372036854775809")}),
            (4, {"note": "100000000000000000000000000001"}),
        ),
        refused=("2 row quantity: is no INT64: 9223372036854775808",),
    ),
    ndjson(
        "fractions of many digits",
        o(1, amount=..., more=', "amount": 12345678901.123456789')
        + o(2, note=..., more=', "note": 0.1234567890123456789')
        + o(3, note=..., more=', "note": 1e400'),
        loaded=(
            (1, {"amount": Decimal("12345678901.123456789")}),
            (2, {"note": "0.1234567890123456789"}),
            (3, {"note": "1e400"}),
        ),
    ),
    ndjson(
        "not a number",
        o(1, weight=float("nan")) + o(2, weight=float("inf"), amount=float("nan")) + o(3, note=float("nan")),
        loaded=(1, (3, {"note": "NaN"})),
        refused=("1 cell weight: is no FLOAT64: NaN", "2 row amount: is no NUMERIC: NaN"),
    ),
    ndjson(
        "numbers as a locale writes them",
        o(1, quantity=" 2 ", amount="9,90") + o(2, placed_at=1719705600),
        refused=("1 row amount: is no NUMERIC: 9,90", "2 row placed_at: is no TIMESTAMP: 1719705600"),
    ),
    ndjson(
        "escapes",
        o(1, note="a\0b\t\n")
        + o(2, note=..., more=', "note": "\\ud83d\\ude00"')
        + o(3, note=..., more=', "note": "\\ud83d"')
        + o(4, note=..., more=', "note": "\\x"'),
        loaded=((1, {"note": "a\x00b\t\n"}), (2, {"note": "😀"})),
        refused=("3 row -: line is no JSON", "4 row -: line is no JSON"),
    ),
    ndjson(
        "control characters as they are",
        o(1, note=..., more=', "note": "a\tb"')
        + o(2, note=..., more=', "note": "a\0b"')
        + o(3, note=..., more=', "note": "a\x1eb"')
        + o(4),
        loaded=(4,),
        refused=(
            "1 row -: line is no JSON",
            "2 row -: line is no JSON",
            "3 row -: line is broken: Expected Number of Columns: 1 Found: 2",
        ),
    ),
    ndjson(
        "bytes that are no utf-8",
        o(1, note="\ud800") + o(2).replace(b'"n"', b'"\xff"') + o(3),
        loaded=(3,),
        refused=(
            "1 row -: line is broken: it has bytes that are no utf-8",
            "2 row -: line is broken: it has bytes that are no utf-8",
        ),
    ),
    ndjson(
        "deep nesting",
        o(1, note=..., more=', "note": ' + "[" * 450 + "]" * 450)
        + o(2, note=..., more=', "note": ' + "[" * 900 + "]" * 900),
        loaded=((1, {"note": "[" * 450 + "]" * 450}),),
        refused=("2 row -: line is nested more than 500 levels deep",),
    ),
    ndjson(
        "documents",
        o(1, payload={"a": 1.1}) + o(2, payload="5") + o(3, payload=None) + o(4, payload=[]) + o(5, payload=10**22),
        loaded=(
            (1, {"payload": '{"a":1.1}'}),
            (2, {"payload": '"5"'}),
            3,
            (4, {"payload": "[]"}),
            (5, {"payload": "10000000000000000000000"}),
        ),
    ),
    ndjson(
        "windows-1252",
        o(1).replace(b'"n"', b'"\x80"') + o(2).replace(b'"n"', b'"\x81"'),
        options="encoding: windows-1252\n",
        loaded=((1, {"note": "€"}),),
        refused=("2 row -: line is broken: it has bytes that are no windows-1252",),
    ),
    Case(
        "gzip without .gz, of ndjson",
        {"orders.ndjson": b"\x1f\x8b\x08\x00"},
        error=r"orders\.ndjson is a gzip file, not text: name it \.gz",
    ),
)
