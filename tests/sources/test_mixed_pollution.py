"""Clean rows among polluted ones, at random: whatever comes, rows add up and the clean ones arrive untouched.

A few examples run always; C360_POLLUTION_EXAMPLES=500 runs more (`make test-pollution`).
"""

from __future__ import annotations

import json
import os

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sources.polluted import CLEAN, HEADER, csv_row, expected, read

EXAMPLES = int(os.environ.get("C360_POLLUTION_EXAMPLES", "12"))

# What stands between clean rows. None of it opens a quote that swallows the next row; that is the corpus's.
DIRT = st.sampled_from([
    b"short,line\n", b"a,1,2024-06-30,2,1,open,too,many\n", b"\n", b"\r\n", b"   \n", b"\x00\x00\n", b"\xff\xfe,1\n",
    b'x,1,2024-06-30,2,1,open,"a"b\n', b'"line\nends",1,soon,2,1,open,n\n', b",1,2024-06-30,2,1,open,n\n",
    b"x,1,2024-02-30,2,1,open,n\n", b"x,1,2024-06-30,1e9,1,open,n\n", b"o0,1,2024-06-30,2,1,open,again\n", HEADER,
    "x,1,2024-06-30,２,1,open,n\n".encode(), b"x,1,2024-06-30,2,NaN,open,n\n",
])  # fmt: skip
NOTES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\U0010fffd"), max_size=8),
    st.sampled_from(["two\nlines", "cr\rlf\r\n", 'quo"ted', "=1+1", " ", "a,b", "\ufeff", "\x1e"]),
)
ENDS = st.sampled_from([b"\n", b"\r\n"])
CSV = st.lists(st.one_of(st.tuples(NOTES, ENDS), DIRT), max_size=25)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(CSV, ENDS)
@example([("a", b"\n"), b"\n", ("b", b"\r\n"), b"short,line\n"], b"\r\n")
def test_clean_rows_of_a_csv_come_through_whatever_is_between_them(
    parts: list[tuple[str, bytes] | bytes], end: bytes
) -> None:
    text, wanted = HEADER.rstrip() + end, []
    for number, part in enumerate(parts, 1):
        if isinstance(part, bytes):
            text += part
            continue
        note, row_end = part
        quoted = b'"' + note.replace('"', '""').encode() + b'"'
        text += csv_row(number, note=quoted).rstrip(b"\n") + row_end
        wanted.append(expected(number, {"note": note or None}))
    outcome = read({"orders.csv": text})
    loaded = [row for row in outcome.rows if row["order_id"] != "o0"]
    assert sorted(loaded, key=_id) == sorted(wanted, key=_id)
    _adds_up(outcome.result.rows_read, outcome.result.rows_loaded, outcome.refused)
    physical = text.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    for entry in outcome.refused:
        if entry["column_name"] == "quantity" and entry["value"] == "1e9":
            assert physical[entry["line"] - 1].startswith("x,1,2024-06-30,1e9"), "the line is where it says"


JSON_DIRT = st.sampled_from([
    b"{\n", b"[1]\n", b"null\n", b"\n", b" \r\n", b'{"order_id": "x"}\n', b'{"order_id": "x", "Order_ID": "y"}\n',
    b'{"order_id": "x", "line": 1, "placed_at": "2024-06-30", "quantity": 1.5, "amount": 1}\n', b"\xff\n", b"\x00\n",
    b"'x'\n", b'{"order_id": "\t"}\n', b"{}}\n",
])  # fmt: skip
SPELLINGS = st.sampled_from(["note", "Note", "NOTE"])
NDJSON = st.lists(st.one_of(st.tuples(NOTES, SPELLINGS, ENDS), JSON_DIRT), max_size=25)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(NDJSON)
@example([b"{\n", ("a", "note", b"\n"), (" ", "NOTE", b"\r\n")])
def test_clean_lines_of_ndjson_come_through_whatever_is_between_them(
    parts: list[tuple[str, str, bytes] | bytes],
) -> None:
    text, wanted = b"", []
    first = {**CLEAN, "order_id": "o999", "placed_at": "2024-06-30", "amount": 9.90}
    for number, part in [(999, ("n", "note", b"\n")), *enumerate(parts, 1)]:
        if isinstance(part, bytes):
            text += part
            continue
        note, key, end = part
        row = {name: value for name, value in first.items() if name != "note"} | {"order_id": f"o{number}", key: note}
        text += json.dumps(row).encode() + end
        wanted.append(expected(number, {"note": note}))
    outcome = read({"orders.ndjson": text})
    assert sorted(outcome.rows, key=_id) == sorted(wanted, key=_id)
    _adds_up(outcome.result.rows_read, outcome.result.rows_loaded, outcome.refused)
    assert outcome.result.rows_read == len([line for line in text.split(b"\n") if line.strip()])


def _id(row: dict[str, object]) -> str:
    return str(row["order_id"])


def _adds_up(read_rows: int, loaded: int, refused: list[dict[str, object]]) -> None:
    assert read_rows == loaded + sum(entry["kind"] == "row" for entry in refused)
