"""An attacker who may put files where a binding looks for them."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources.conftest import Shop

from customer360.errors import SourceError
from customer360.sources import Connection
from security.parquet_bomb import nested

CSV = "files: ${FILES}/**/*.csv*\nformat: csv\nload: snapshot\n"
NDJSON = "files: ${FILES}/*.ndjson\nformat: ndjson\nload: snapshot\n"
PARQUET = "files: ${FILES}/*.parquet\nformat: parquet\nload: snapshot\n"
HEADER = "order_id,line,placed_at,quantity,amount,note"
ROW = "o1,1,2024-06-30T10:00:00Z,2,9.90,fine"
LINE = '{"order_id": "o1", "line": 1, "placed_at": "2024-06-30T10:00:00Z", "quantity": 2, "amount": 9.9'


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file that the binding does not name."""
    file = tmp_path / "elsewhere" / "secret.csv"
    file.parent.mkdir()
    file.write_text(f"{HEADER}\n{ROW.replace('fine', 'SECRET')}\n")
    return file


def refused(shop: Shop, binding: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        shop.load(binding)
    assert shop.rows() == []


def test_a_link_out_of_the_folder_is_not_followed(shop: Shop, elsewhere: Path) -> None:
    (shop.folder / "files" / "a.csv").symlink_to(elsewhere)
    refused(shop, CSV, "a.csv is a link out of .*files; deliver the file itself")


def test_nor_a_folder_that_is_one(shop: Shop, elsewhere: Path) -> None:
    (shop.folder / "files" / "sub").symlink_to(elsewhere.parent)
    refused(shop, "files: ${FILES}/*/*.csv\nformat: csv\nload: snapshot\n", "sub/secret.csv is a link out of")


def test_nor_one_in_the_place_of_the_only_file(shop: Shop, elsewhere: Path) -> None:
    (shop.folder / "files" / "a.csv").symlink_to(elsewhere)
    refused(shop, "files: ${FILES}/a.csv\nformat: csv\nload: snapshot\n", "is a link out of")


def test_a_link_within_the_folder_is(shop: Shop) -> None:
    shop.write("files/2024.csv", f"{HEADER}\n{ROW}\n")
    (shop.folder / "files" / "latest").symlink_to("2024.csv")
    assert shop.load("files: ${FILES}/latest\nformat: csv\nload: snapshot\n").rows_loaded == 1


def test_a_pipe_that_nobody_ever_writes_to_is_no_file(shop: Shop) -> None:
    os.mkfifo(shop.folder / "files" / "a.csv")
    refused(shop, CSV, "a.csv is no file")


def test_a_link_to_nowhere(shop: Shop) -> None:
    (shop.folder / "files" / "a.csv").symlink_to("/nowhere/at/all")
    refused(shop, CSV, "a.csv is a link that leads nowhere")


@pytest.mark.parametrize("name", ["\x1b]0;owned\x07.csv", "a\n2024-01-01 all is well.csv", "\u202efdp.csv"])
def test_a_name_that_a_terminal_would_obey(shop: Shop, name: str) -> None:
    (shop.folder / "files" / name).write_text(f"{HEADER}\n{ROW}\n")
    with pytest.raises(SourceError, match="has control characters") as caught:
        shop.load(CSV)
    assert str(caught.value).isprintable()


def test_a_gzip_bomb_is_refused_before_it_fills_a_disk(shop: Shop) -> None:
    mebibyte = gzip.compress(b"0" * (1 << 20))
    file = shop.write("files/a.csv.gz", gzip.compress(f"{HEADER}\n".encode()) + mebibyte * 300)
    assert file.stat().st_size < 1 << 19
    refused(shop, CSV, "a.csv.gz unpacks to more than 200 times its .* bytes")


def test_a_file_that_packs_well_is_no_bomb(shop: Shop) -> None:
    rows = "\n".join(ROW.replace("o1", f"o{n}") for n in range(1000))
    shop.write("files/a.csv.gz", gzip.compress(f"{HEADER}\n{rows}\n".encode()))
    assert shop.load(CSV).rows_loaded == 1000


def test_a_gzip_bomb_inside_of_parquet_stays_in_memory_limits(shop: Shop) -> None:
    """A page may unpack to much more than it is. DuckDB takes it within C360_MEMORY_LIMIT or refuses the file."""
    table = pa.table(
        {"order_id": ["x" * (1 << 24)], "line": [1], "placed_at": ["2024-06-30"], "quantity": [1], "amount": [1]}
    )
    file = shop.folder / "files" / "a.parquet"
    pq.write_table(table, file, compression="zstd")
    assert file.stat().st_size < 1 << 15
    assert shop.load(PARQUET).rows_read == 1


def test_a_quote_that_nothing_closes_takes_no_memory_without_end(shop: Shop) -> None:
    shop.write("files/a.csv", f'{HEADER}\r\n{ROW}\n"'.encode() + b"x\n" * (33 << 20))
    refused(shop, CSV, "a record of more than 67,108,864 bytes: is a quote opened that nothing closes")


def test_a_header_without_an_end(shop: Shop) -> None:
    shop.write("files/a.csv", b"a" * (8 << 20))
    refused(shop, CSV, "the header of a.csv is broken")


def test_a_huge_value_costs_its_row(shop: Shop) -> None:
    shop.write("files/a.csv", f"{HEADER}\n{ROW}\n{ROW.replace('o1', 'o2').replace('fine', 'x' * (5 << 20))}\n")
    result = shop.load(CSV)
    assert (result.rows_loaded, result.rows_quarantined) == (1, 1)


def test_more_columns_than_a_table_has(shop: Shop) -> None:
    names = [f"c{n}" for n in range(10_001)]
    shop.write("files/a.csv", f"{','.join(names)}\n")
    refused(shop, CSV, "a.csv has more than 10,000 columns")
    shop.write("files/a.ndjson", "{" + ", ".join(f'"{name}": 1' for name in names) + "}\n")
    refused(shop, NDJSON, "a.ndjson has more than 10,000 columns")


def test_null_bytes_are_text_or_cost_their_row(shop: Shop) -> None:
    shop.write("files/a.csv", f"{HEADER}\n{ROW}\n{ROW.replace('o1', 'o2').replace('fine', 'a' + chr(0) + 'b')}\n")
    result = shop.load(CSV)
    assert result.rows_read == 2
    assert result.rows_loaded + result.rows_quarantined == 2
    notes = {row["order_id"]: row["note"] for row in shop.rows()}
    assert notes["o1"] == "fine" and notes.get("o2") in ("a\0b", None)


@pytest.mark.parametrize("bomb", ["[" * 200_000 + "]" * 200_000, '{"a":' * 200_000 + "1" + "}" * 200_000])
def test_json_nested_without_end_costs_its_line_not_the_process(shop: Shop, bomb: str) -> None:
    """DuckDB's json_merge_patch would call itself until the process ends."""
    shop.write("files/a.ndjson", f'{LINE}}}\n{LINE.replace("o1", "o2")}, "new": {bomb}}}\n')
    result = shop.load(NDJSON)
    assert (result.rows_loaded, result.rows_quarantined) == (1, 1)
    assert [entry["reason"] for entry in shop.quarantine()] == ["line is nested more than 500 levels deep"]


def test_json_as_deep_as_bigquery_takes_it_loads(shop: Shop) -> None:
    quoted = '", "text": "' + r"\"[[" * 600  # brackets in a text are none
    shop.write("files/a.ndjson", f'{LINE}, "new": {"[" * 499}{"]" * 499}, "b": [{"[]," * 600}1]{quoted[1:]}"}}\n')
    assert shop.load(NDJSON).rows_loaded == 1


def test_json_nested_without_end_in_a_column_of_a_csv(shop: Shop) -> None:
    bomb = "[" * 200_000 + "]" * 200_000
    shop.write("files/a.csv", f"{HEADER},payload\n{ROW},{bomb}\n")
    assert shop.load(CSV).rows_loaded == 1


def test_parquet_whose_columns_nest_without_end(shop: Shop) -> None:
    """DuckDB would call itself for each of them until the process ends."""
    shop.write("files/a.parquet", nested(100_000))
    refused(shop, PARQUET, "a.parquet has more than 10,000 columns")
    shop.write("files/a.parquet", nested(600))
    refused(shop, PARQUET, "a.parquet has columns nested more than 500 levels deep")
    shop.write("files/a.parquet", nested(100_000).replace(b"\x15\x02\x19", b"\x15\x02\x05\x19", 1))
    refused(shop, PARQUET, "does not begin with a version and a schema")


def test_parquet_with_damaged_metadata_is_refused_or_read(shop: Shop) -> None:
    """Bytes of the metadata changed one at a time: whatever comes, it is a sentence or rows, and the process lives."""
    table = pa.table({"order_id": ["o1"], "line": [1], "placed_at": ["2024-06-30"], "quantity": [2], "amount": [1]})
    file = shop.folder / "files" / "a.parquet"
    pq.write_table(table, file)
    whole = file.read_bytes()
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    ends = set()
    for place in range(begin, len(whole) - 8, max(1, (len(whole) - begin) // 10)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            ends.add(shop.load(PARQUET).rows_read >= 0)
        except SourceError:
            ends.add(False)
    assert False in ends, "no change did any harm: is it the metadata?"


HOSTILE = 'x") FROM source; DROP TABLE source; --'


def test_names_of_columns_are_names(shop: Shop) -> None:
    name = HOSTILE.replace('"', '""')
    shop.write("files/a.csv", f'{HEADER},"{name}","it\'s"\n{ROW},1,2\n')
    assert any(HOSTILE in sentence for sentence in shop.load(CSV).drift)
    pq.write_table(
        pa.table(
            {
                "order_id": ["o2"],
                "line": [1],
                "placed_at": ["2024-06-30"],
                "quantity": [2],
                "amount": [1],
                HOSTILE: ["?"],
                "it's": [1],
            }
        ),
        shop.folder / "files" / "a.parquet",
    )
    assert any(HOSTILE in sentence for sentence in shop.load(PARQUET).drift)
    assert [row["order_id"] for row in shop.rows()] == ["o2"]
    key = HOSTILE.replace('"', r"\"")
    shop.write("files/a.ndjson", f'{LINE}, "{key}": 1, "it\'s": 2, "$.a[*]": 3}}\n')
    assert shop.load(NDJSON).rows_loaded == 1


@pytest.mark.parametrize(
    "value", ["'); DROP TABLE raw_shop.orders; --", "$1", "{0}", "%s", "${FILES}", "=cmd|' /C calc'!A0"]
)
def test_values_are_values(shop: Shop, value: str) -> None:
    shop.write("files/a.csv", f"{HEADER}\n{ROW.replace('fine', value)}\n")
    assert shop.load(CSV).rows_loaded == 1
    assert [row["note"] for row in shop.rows()] == [value]


def test_a_sqlite_file_runs_no_code_and_opens_no_other_file(shop: Shop, elsewhere: Path) -> None:
    import sqlite3

    file = shop.folder / "shop.sqlite"
    for view in ("load_extension('/tmp/x.so')", "readfile('/etc/passwd')", "writefile('/tmp/x', 'x')"):
        file.unlink(missing_ok=True)
        database = sqlite3.connect(file)
        database.execute(f"CREATE VIEW orders AS SELECT {view} AS order_id")
        database.commit()
        database.close()
        shop.connections["db"] = Connection("sqlite", database=str(file))
        refused(
            shop,
            "connection: db\nrelation: orders\nload: snapshot\n",
            "unsafe use|no such function|not authorized|has no table",
        )


def test_what_is_named_gz_and_is_none(shop: Shop) -> None:
    shop.write("files/a.csv.gz", zlib.compress(b"x"))
    refused(shop, CSV, "is cut off or damaged")
