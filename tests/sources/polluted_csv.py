"""CSV as other people write it, plain and compressed."""

from __future__ import annotations

import gzip
from decimal import Decimal
from typing import Any

from sources.polluted import HEADER as H
from sources.polluted import Case
from sources.polluted import csv_row as r


def crlf(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r\n")


def csv(name: str, content: bytes, **expected: Any) -> Case:
    return Case(f"csv {name}", {"orders.csv": content}, **expected)


def gz(name: str, content: bytes, **expected: Any) -> Case:
    return Case(f"gzip {name}", {"orders.csv.gz": content}, **expected)


LATIN = "encoding: latin-1\n"
WINDOWS = "encoding: windows-1252\n"

CASES = (
    # -- quotes
    csv("clean", H + r(1) + r(2), loaded=(1, 2)),
    csv(
        "quoted delimiter and quotes",
        H + r(1, note=b'"a ""b"", c"') + r(2, note=b'"n"'),
        loaded=((1, {"note": 'a "b", c'}), 2),
    ),
    csv("quote inside a bare value", H + r(1, note=b'5" pipe') + r(2), loaded=((1, {"note": '5" pipe'}), 2)),
    csv(
        "text after a closing quote",
        H + r(1, note=b'"ab"c') + r(2),
        loaded=(2,),
        refused=("2 row -: line is broken: Value with unterminated quote found",),
    ),
    csv(
        "quote never closed",
        H + r(1) + r(2, note=b'"never') + r(3) + r(4),
        loaded=(1,),
        refused=("3 row -: line is broken: Value with unterminated quote found",),
    ),
    csv(
        "quote closed by a later one",
        H + r(1) + r(2, note=b'"never') + r(3, note=b'"q"') + r(4),
        loaded=(1, 4),
        refused=("3 row -: line is broken: Value with unterminated quote found",),
    ),
    csv(
        "quotes escaped by backslash",
        H + r(1, note=rb'"a \"b\" c"') + r(2),
        loaded=(2,),
        refused=("2 row -: line is broken: Value with unterminated quote found",),
    ),
    csv("single quotes", H + r(1, note=b"'a'") + r(2), loaded=((1, {"note": "'a'"}), 2)),
    csv("blank before a quote", H + r(1, note=b' "a,b"') + r(2), loaded=((1, {"note": "a,b"}), 2)),
    # -- shape
    csv(
        "line too short",
        H + r(1) + b"o2,1\n" + r(3),
        loaded=(1, 3),
        refused=("3 row -: line is broken: Expected Number of Columns: 7 Found: 2",),
    ),
    csv(
        "line too long",
        H + r(1) + r(2, note=b"n,x,y") + r(3),
        loaded=(1, 3),
        refused=("3 row -: line is broken: Expected Number of Columns: 7 Found: 8",),
    ),
    csv(
        "empty lines",
        b"\n" + H + b"\n" + r(1) + b"\n\n" + b"x\n" + r(2, quantity=b"z") + b"\n" + r(3) + b"\n",
        loaded=(1, 3),
        refused=("7 row -: line is broken: Expected Number of Columns: 7 Found: 1", "8 row quantity: is no INT64: z"),
    ),
    csv(
        "line of blanks",
        H + r(1) + b"   \n" + r(2),
        loaded=(1, 2),
        refused=("3 row -: line is broken: Expected Number of Columns: 7 Found: 1",),
    ),
    csv(
        "footer",
        H + r(1) + b"Total: 1 row\n",
        loaded=(1,),
        refused=("3 row -: line is broken: Expected Number of Columns: 7 Found: 1",),
    ),
    csv(
        "two tables in one file",
        H + r(1) + b"\nproduct,price\np,1\n",
        loaded=(1,),
        refused=(
            "4 row -: line is broken: Expected Number of Columns: 7 Found: 2",
            "5 row -: line is broken: Expected Number of Columns: 7 Found: 2",
        ),
    ),
    csv(
        "header repeated",
        H + r(1) + H + r(2),
        loaded=(1, 2),
        refused=(
            "3 row line: is no INT64; placed_at is no TIMESTAMP; quantity is no INT64; amount is no NUMERIC: line",
        ),
    ),
    csv(
        "delimiter at the end of every line",
        H.rstrip() + b",\n" + r(1, note=b"n,") + r(2, note=b"n,"),
        loaded=(1, 2),
        drift=("source column column8 is not in the contract and was ignored",),
    ),
    csv("delimiter at the end of rows", H + r(1, note=b"n,") + r(2, note=b"n,"), loaded=(1, 2)),
    csv("last line without an end", (H + r(1) + r(2)).rstrip(), loaded=(1, 2)),
    csv(
        "last line cut off",
        (H + r(1) + r(2))[:-12],
        loaded=(1,),
        refused=("3 row -: line is broken: Expected Number of Columns: 7 Found: 5",),
    ),
    csv(
        "wrong delimiter",
        (H + r(1)).replace(b",", b";"),
        error=r"expected a column order_id in .* for contract column order_id \(STRING, required\); found",
    ),
    csv(
        "web page",
        b"<html><body>Please sign in</body></html>\n",
        error=r"expected a column order_id in .* for contract column order_id \(STRING, required\); found",
    ),
    csv(
        "line that names the separator",
        b"sep=,\n" + H + r(1),
        error=r"expected a column order_id in .* for contract column order_id \(STRING, required\); found",
    ),
    # -- line ends
    csv("crlf", crlf(H + r(1) + r(2)), loaded=(1, 2)),
    csv("cr only", (H + r(1) + r(2)).replace(b"\n", b"\r"), loaded=(1, 2)),
    csv(
        "crlf and lf",
        crlf(H) + r(1) + crlf(r(2)) + r(3, quantity=b"z") + crlf(r(4)),
        loaded=(1, 2, 4),
        refused=("4 row quantity: is no INT64: z",),
    ),
    csv(
        "lf and crlf with both in quotes",
        H + r(1, note=b'"a\r\nb"') + crlf(r(2)) + r(3, note=b'"a\nb"') + b"x\r\n",
        loaded=((1, {"note": "a\r\nb"}), 2, (3, {"note": "a\nb"})),
        refused=("7 row -: line is broken: Expected Number of Columns: 7 Found: 1",),
    ),
    csv(
        "cr inside a bare value",
        H + r(1, note=b"a\rb") + r(2) + b"\r",
        loaded=((1, {"note": "a\rb"}), 2),
        refused=("4 row -: line is broken: Expected Number of Columns: 7 Found: 1",),
    ),
    csv(
        "line ends in quotes",
        H + r(1, note=b'"a\nb\r\nc"') + b"x\n" + r(2, quantity=b"z") + b'"y\ny"\n' + r(3, note=b'"\n"'),
        loaded=((1, {"note": "a\nb\r\nc"}), (3, {"note": "\n"})),
        refused=(
            "5 row -: line is broken: Expected Number of Columns: 7 Found: 1",
            "6 row quantity: is no INT64: z",
            "7 row -: line is broken: Expected Number of Columns: 7 Found: 1",
        ),
    ),
    csv(
        "crlf with lf in quotes",
        crlf(H) + crlf(r(1)).replace(b",n", b',"a\nb"') + b"x\r\n",
        loaded=((1, {"note": "a\nb"}),),
        refused=("4 row -: line is broken: Expected Number of Columns: 7 Found: 1",),
    ),
    # -- bytes
    csv("byte order mark", b"\xef\xbb\xbf" + H + r(1), loaded=(1,)),
    csv(
        "byte order mark twice",
        b"\xef\xbb\xbf\xef\xbb\xbf" + H + r(1),
        error=r"expected a column order_id in .* for contract column order_id \(STRING, required\); found",
    ),
    csv(
        "nul in text and number",
        H + r(1, note=b"a\x00b") + r(2, quantity=b"2\x00"),
        loaded=((1, {"note": "a\x00b"}),),
        refused=("3 row quantity: is no INT64: 2\x00",),
    ),
    csv(
        "nul to the end of a block",
        H + r(1) + b"\x00" * 9,
        loaded=(1,),
        refused=("3 row -: line is broken: Expected Number of Columns: 7 Found: 1",),
    ),
    csv("control characters", H + r(1, note=b"a\x1ab\x07\x1e") + r(2), loaded=((1, {"note": "a\x1ab\x07\x1e"}), 2)),
    csv(
        "bytes that are no utf-8",
        H + r(1, note=b"\xff") + r(2, note=b"\xed\xa0\x80") + r(3, note=b"\xc0\xaf") + r(4),
        loaded=(4,),
        refused=(
            "2 row -: line is broken: it has bytes that are no utf-8",
            "3 row -: line is broken: it has bytes that are no utf-8",
            "4 row -: line is broken: it has bytes that are no utf-8",
        ),
    ),
    csv(
        "utf-16",
        (H + r(1)).decode().encode("utf-16"),
        error=r"the header of orders\.csv is not utf-8 text; declare the file's encoding",
    ),
    csv(
        "latin-1",
        H + r(1, note=b"Gr\xfc\xdfe\xa0") + b"x\xe9\n",
        options=LATIN,
        loaded=((1, {"note": "Grüße\xa0"}),),
        refused=("3 row -: line is broken: Expected Number of Columns: 7 Found: 1",),
    ),
    csv(
        "latin-1 in the header",
        H.replace(b"note", b"Gr\xfc\xdfe") + r(1),
        options=LATIN + "columns: {note: Grüße}\n",
        loaded=(1,),
    ),
    csv(
        "latin-1 with 80 to 9F",
        H + r(1, note=b"\x80\x85\x93\x9f") + r(2),
        options=LATIN,
        loaded=((1, {"note": "\x80\x85\x93\x9f"}), 2),
    ),
    csv(
        "latin-1 with mixed line ends",
        H + crlf(r(1, note=b"\xe9")) + r(2),
        options=LATIN,
        loaded=((1, {"note": "é"}), 2),
    ),
    csv(
        "latin-1 that begins with utf-8's mark",
        b"\xef\xbb\xbf" + H + r(1),
        options=LATIN,
        error=r"expected a column order_id in .* for contract column order_id \(STRING, required\); found",
    ),
    csv(
        "windows-1252",
        H + r(1, note=b"\x80 \x93x\x94") + r(2, note=b"\x81") + r(3),
        options=WINDOWS,
        loaded=((1, {"note": "€ “x”"}), 3),
        refused=("3 row -: line is broken: it has bytes that are no windows-1252",),
    ),
    csv(
        "field of 10 MB",
        H + r(1, note=b"x" * 10_000_000) + r(2),
        loaded=(2,),
        refused=("2 row -: line is broken: Maximum line size of 2000000 bytes exceeded. Actual Size:10000028 bytes",),
    ),
    csv("field of 1.9 MB", H + r(1, note=b"x" * 1_900_000) + r(2), loaded=((1, {"note": "x" * 1_900_000}), 2)),
    # -- header
    csv("empty file", b"", error=r"orders\.csv is empty: not even a header with the names of the columns"),
    csv("only an empty line", b"\n", error=r"orders\.csv is empty: not even a header with the names of the columns"),
    csv("header only", H),
    csv("header without an end", H.rstrip()),
    csv("name twice", b"order_id,line,line\n1,2,3\n", error=r"the header of orders\.csv names line twice"),
    csv("name twice but for case", b"order_id,line,Line\n1,2,3\n", error=r"the header of orders\.csv names line twice"),
    csv(
        "name missing",
        H.replace(b"note", b"") + r(1),
        loaded=((1, {"note": None}),),
        drift=("source column column7 is not in the contract and was ignored",),
    ),
    csv("names in upper case", H.upper() + r(1), loaded=(1,)),
    csv("names with blanks of unicode", H.replace(b"status", b"\xc2\xa0status ") + r(1), loaded=(1,)),
    csv(
        "quote in the header never closed",
        b'"order_id,line\n' + r(1),
        error=r"the header of orders\.csv is broken: unexpected end of data",
    ),
    csv(
        "comment before the header",
        b"# export\n" + H + r(1),
        error=r"expected a column order_id in .* for contract column order_id \(STRING, required\); found #",
    ),
    csv(
        "name that is reserved",
        H.replace(b"note", b"_source") + r(1),
        loaded=((1, {"note": None}),),
        drift=("source column _source is not in the contract and was ignored",),
    ),
    # -- several files
    Case(
        "csv one of two files is empty",
        {"a.csv": H + r(1), "b.csv": b""},
        error=r"b\.csv is empty: not even a header with the names of the columns",
    ),
    Case("csv one of two files is a header", {"a.csv": H + r(1), "b.csv": H}, loaded=(1,)),
    Case(
        "csv two files of other columns",
        {"a.csv": H + r(1), "b.csv": b"amount,Order_ID,line,placed_at,quantity,x\n1,o2,1,2024-06-30,2,?\n"},
        loaded=(1, (2, {"amount": Decimal("1"), "status": None, "note": None})),
        drift=("source column x is not in the contract and was ignored",),
    ),
    # -- compressed
    gz("of several parts", gzip.compress(H + r(1)[:5]) + gzip.compress(r(1)[5:] + r(2)), loaded=(1, 2)),
    gz(
        "with mixed line ends",
        gzip.compress(H + crlf(r(1)) + r(2, quantity=b"z")),
        loaded=(1,),
        refused=("3 row quantity: is no INT64: z",),
    ),
    gz(
        "cut off",
        gzip.compress(H + b"".join(r(n, note=b"%d" % (n * 7919)) for n in range(300)))[:-200],
        error=r"orders\.csv\.gz is cut off or damaged",
        retry=True,
    ),
    gz(
        "without its checksum", gzip.compress(H + r(1))[:-8], error=r"orders\.csv\.gz is cut off or damaged", retry=True
    ),
    gz(
        "with a wrong checksum",
        gzip.compress(H + r(1))[:-8] + b"\0\0\0\0" + gzip.compress(H + r(1))[-4:],
        error=r"orders\.csv\.gz is cut off or damaged",
        retry=True,
    ),
    gz(
        "with something after it",
        gzip.compress(H + r(1)) + b"garbage",
        error=r"orders\.csv\.gz is cut off or damaged",
        retry=True,
    ),
    gz("of no bytes", b"", error=r"orders\.csv\.gz is empty: not even a header with the names of the columns"),
    gz(
        "of an empty file",
        gzip.compress(b""),
        error=r"orders\.csv\.gz is empty: not even a header with the names of the columns",
    ),
    gz("that is none", H + r(1), error=r"orders\.csv\.gz is cut off or damaged", retry=True),
    gz(
        "twice",
        gzip.compress(gzip.compress(H + r(1))),
        error=r"orders\.csv\.gz is a gzip file inside its \.gz, not text: deliver text, plain or as \.gz",
    ),
    Case(
        "gzip without .gz",
        {"orders.csv": gzip.compress(H + r(1))},
        error=r"orders\.csv is a gzip file, not text: name it \.gz",
    ),
    Case(
        "zip",
        {"orders.csv": b"PK\x03\x04" + bytes(range(256))},
        error=r"orders\.csv is a zip file, not text: deliver text, plain or as \.gz",
    ),
)
