"""CSV, NDJSON and Parquet files, as other people write them."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from customer360.errors import SchemaDriftError, SourceError, SourceUnreachableError
from customer360.sources import lines
from customer360.sources.judgement import Counts, Judgement
from sources.conftest import NAME, Shop, line

HEADER = "order_id,line,placed_at,quantity,amount,status,note\n"
CSV = "files: ${FILES}/orders*.csv*\nformat: csv\nload: snapshot\n"
NDJSON = "files: ${FILES}/orders.ndjson\nformat: ndjson\nload: snapshot\n"
PARQUET = "files: ${FILES}/*.parquet\nformat: parquet\nload: snapshot\n"


def ids(shop: Shop) -> list[str]:
    return [row["order_id"] for row in shop.rows()]


def test_csv_with_mark_crlf_and_quotes_loads_as_it_is(shop: Shop) -> None:
    text = HEADER + 'a,1,2024-06-30 10:00:00,2,1.5,Paid,"two\nlines, ""quoted"""\nb,2,2024-06-30,3,-2,,""\n'
    shop.write("files/orders.csv.gz", gzip.compress(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()))
    result = shop.load(CSV)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined, result.cells_quarantined) == (2, 2, 0, 0)
    first, second = shop.rows()
    assert first["note"] == 'two\r\nlines, "quoted"'
    assert first["status"] == "Paid"  # allowed whatever its case, kept as it is
    assert first["placed_at"] == datetime(2024, 6, 30, 10, tzinfo=UTC)
    assert first["amount"] == Decimal("1.5")
    assert second["note"] is None
    assert second["status"] is None
    assert second["placed_at"] == datetime(2024, 6, 30, tzinfo=UTC)


def test_each_refused_row_of_a_csv_is_kept_with_line_text_and_reason(shop: Shop) -> None:
    good = ",1,2024-06-30,2,1.5,open,\n"
    lines = [f"o1{good}", "too,few\n", f"o2{good}", "a,1,2024-06-30,2,1.5,open,x,many\n", f"o2{good}", f"{good}",
             "o5,1,soon,x,1.5,open,\n", f"o3{good}"]  # fmt: skip
    shop.write("files/orders.csv", HEADER + "".join(lines))
    result = shop.load(CSV)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (8, 3, 5)
    assert ids(shop) == ["o1", "o2", "o3"]
    found = {entry["line"]: entry for entry in shop.quarantine()}
    assert set(found) == {3, 5, 6, 7, 8}
    assert found[3]["raw"] == "too,few"
    assert found[3]["reason"].startswith("line is broken: ")
    assert found[5]["raw"] == lines[3].strip()
    assert (found[6]["column_name"], found[6]["reason"]) == ("order_id, line", "key is repeated")
    assert json.loads(found[6]["key"]) == {"order_id": "o2", "line": "1"}
    assert (found[7]["column_name"], found[7]["reason"]) == ("order_id", "key is missing")
    assert (found[8]["column_name"], found[8]["reason"]) == ("placed_at", "is no TIMESTAMP; quantity is no INT64")
    assert found[8]["value"] == "soon"
    assert json.loads(found[8]["raw"])["quantity"] == "x"
    assert {entry["_source"] for entry in found.values()} == {"orders.csv"}


def test_an_open_quote_swallows_lines_into_one_refused_record(shop: Shop) -> None:
    good = ",1,2024-06-30,2,1.5,open,\n"
    shop.write("files/orders.csv", HEADER + f"o1{good}" + 'o2,1,2024-06-30,2,1.5,open,"never closed\n' + f"o3{good}")
    result = shop.load(CSV)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (2, 1, 1)
    assert "o3" in shop.quarantine()[0]["raw"]


def test_latin_1_is_read_when_declared_and_refused_by_line_when_not(shop: Shop) -> None:
    text = HEADER + "o1,1,2024-06-30,2,1,open,Grüße\no2,1,2024-06-30,2,1,open,plain\n"
    shop.write("files/orders.csv", text.encode("latin-1"))
    assert shop.load(CSV).rows_quarantined == 1
    assert ids(shop) == ["o2"]
    shop.load(CSV + "encoding: latin-1\n")
    assert [row["note"] for row in shop.rows()] == ["Grüße", "plain"]


def test_another_delimiter(shop: Shop) -> None:
    shop.write("files/orders.csv", HEADER.replace(",", ";") + "o1;1;2024-06-30;2;1;open;a,b\n")
    shop.load(CSV + "delimiter: ';'\n")
    assert shop.rows()[0]["note"] == "a,b"


def test_files_with_other_columns_load_together(shop: Shop) -> None:
    shop.write("files/orders_1.csv", HEADER + "o1,1,2024-06-30,2,1,open,first\n")
    shop.write("files/orders_2.csv", "amount,Order_ID,line,placed_at,quantity,surprise\n1,o2,1,2024-06-30,2,?\n")
    result = shop.load(CSV)
    assert [(row["order_id"], row["note"]) for row in shop.rows()] == [("o1", "first"), ("o2", None)]
    assert [row["_source"] for row in shop.rows(audit=True)] == ["orders_1.csv", "orders_2.csv"]
    assert result.drift == ("source column surprise is not in the contract and was ignored",)


@pytest.mark.parametrize("cut", [10, 30, 200])
def test_a_cut_off_gzip_file_loads_nothing(shop: Shop, cut: int) -> None:
    rows = "".join(f"o{n},1,2024-06-30,{n * 7919 % 1000},1,open,\n" for n in range(500))
    data = gzip.compress((HEADER + rows).encode())
    shop.write("files/orders.csv.gz", data[:-cut])
    with pytest.raises(
        SourceUnreachableError, match=r"orders\.csv\.gz is cut off or damaged.*being uploaded\?"
    ) as caught:
        shop.load(CSV)
    assert caught.value.retry_helps
    assert shop.rows() == []


@pytest.mark.parametrize("binding", [CSV, NDJSON, PARQUET])
def test_files_that_are_not_there_fail_at_once(shop: Shop, binding: str) -> None:
    # A file that is late is late by hours: minutes of retries would only hide a wrong pattern.
    with pytest.raises(SourceError, match="no file matches") as caught:
        shop.load(binding)
    assert not caught.value.retry_helps


@pytest.mark.parametrize(("binding", "reader"), [(CSV, "read_csv"), (NDJSON, "read_ndjson")])
def test_a_file_that_goes_while_it_is_read_is_worth_a_retry(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, binding: str, reader: str
) -> None:
    file = shop.write(f"files/orders.{reader.removeprefix('read_')}", HEADER)
    read = getattr(lines, reader)

    def gone(*arguments: Any) -> Any:
        file.unlink()
        return read(*arguments)

    monkeypatch.setattr(lines, reader, gone)
    with pytest.raises(SourceUnreachableError, match="cannot read"):
        shop.load(binding)


def test_parquet_that_goes_while_it_is_read_is_worth_a_retry(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    file = shop.folder / "files" / "orders.parquet"
    duckdb.execute(f"""
        COPY (SELECT 'o1' AS order_id, 1 AS line, TIMESTAMP '2024-06-30' AS placed_at, 2 AS quantity, 1 AS amount)
        TO '{file}' (FORMAT parquet)""")
    refuse = Judgement.refuse

    def gone(judgement: Judgement) -> Counts:
        file.unlink()
        return refuse(judgement)

    monkeypatch.setattr(Judgement, "refuse", gone)
    with pytest.raises(SourceUnreachableError, match="did the source change while it was read"):
        shop.load(PARQUET)
    assert shop.rows() == []


def test_counts_that_do_not_add_up_load_nothing_and_are_worth_a_retry(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("files/orders.csv", HEADER + "o1,1,2024-06-30,2,1,open,\n")
    refuse = Judgement.refuse

    def more(judgement: Judgement) -> Counts:
        counts = refuse(judgement)
        return replace(counts, read=counts.read + 1)

    monkeypatch.setattr(Judgement, "refuse", more)
    with pytest.raises(SourceUnreachableError, match="did the source change while it was read"):
        shop.load(CSV)
    assert shop.rows() == []


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "orders.csv is empty"), ("order_id,line,Line\n", "names line twice"), (None, "no file matches")],
)
def test_a_file_without_usable_header_is_an_error(shop: Shop, content: str | None, message: str) -> None:
    if content is not None:
        shop.write("files/orders.csv", content)
    with pytest.raises(SourceError, match=message):
        shop.load(CSV)


def test_a_header_alone_is_no_rows(shop: Shop) -> None:
    shop.write("files/orders.csv", HEADER)
    assert shop.load(CSV).rows_read == 0
    assert shop.rows() == []


def test_ndjson_with_broken_lines(shop: Shop) -> None:
    good = dict(line(1), payload={"a": [1, 2]}, active=True, weight=1.25, Note="naïve \n")
    lines = [json.dumps(good), "", '{"order_id": "o2", ', "[1, 2]", json.dumps(line(3, line=2, amount=5, quantity=None)),
             json.dumps(line(4, quantity=7, amount=12.5, active="maybe"))]  # fmt: skip
    shop.write("files/orders.ndjson", "\ufeff" + "\r\n".join(lines))
    result = shop.load(NDJSON)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined, result.cells_quarantined) == (5, 2, 3, 1)
    first, fourth = shop.rows()
    assert json.loads(first["payload"]) == {"a": [1, 2]}
    assert (first["active"], first["weight"], first["note"]) == (True, 1.25, "naïve \n")
    assert (fourth["order_id"], fourth["quantity"], fourth["amount"]) == ("o4", 7, Decimal("12.5"))
    assert [(entry["line"], entry["reason"]) for entry in shop.quarantine()] == [
        (3, "line is no JSON"), (4, "line is no JSON object"), (5, "is missing"), (6, "is no BOOL"),
    ]  # fmt: skip
    assert [entry["raw"] for entry in shop.quarantine()] == lines[2:]


def test_a_json_column_keeps_what_it_was_in_the_line(shop: Shop) -> None:
    """Also where a document is a text, which must not become a number or be refused; NULL is none."""
    values = ["suspended", "5", 5, 1.50, True, None, ["vip"], {"a": "b"}, "", '{"a": 1}']
    rows = [json.dumps(line(n, Facts=value)) for n, value in enumerate(values)]
    shop.write("files/orders.ndjson", "\n".join(rows))
    result = shop.load(f"{NDJSON}columns: {{payload: facts}}\n")
    assert result.cells_quarantined == 0
    found = [json.loads(row["payload"] or "null") for row in shop.rows()]
    assert found == values and [type(value) for value in found] == [type(value) for value in values]
    # An expression sees the text itself: so a document that arrives as a text is taken out of it.
    assert shop.load(f"{NDJSON}columns: {{payload: TRIM(facts)}}\n").cells_quarantined == 1
    assert json.loads(shop.rows()[9]["payload"]) == {"a": 1}


def test_ndjson_bytes_that_are_no_utf_8_refuse_their_line_only(shop: Shop) -> None:
    lines = [json.dumps(line(n)).encode() for n in (1, 2, 3)]
    lines[1] = lines[1][:-1] + b', "note": "\xff"}'
    shop.write("files/orders.ndjson", b"\n".join([*lines, b"{"]))
    result = shop.load(NDJSON)
    assert (result.rows_read, result.rows_loaded) == (4, 2)
    assert [entry["line"] for entry in shop.quarantine()] == [2, 4]


def test_parquet_types_are_taken_as_they_are(shop: Shop) -> None:
    duckdb.execute(f"""
        COPY (SELECT 7::INTEGER AS order_id, 1::SMALLINT AS line, TIMESTAMP '2024-06-30 10:00:00' AS placed_at,
          2::BIGINT AS quantity, 123456789.12::DOUBLE AS amount, 3.5::DECIMAL(4, 1) AS score, 0.1::FLOAT AS weight,
          TIMESTAMP '2000-02-29 00:00:00' AS born, {{'a': 1}} AS payload)
        TO '{shop.folder}/files/a.parquet' (FORMAT parquet)""")
    shop.load(PARQUET)
    (row,) = shop.rows()
    assert row["order_id"] == "7"
    assert row["placed_at"] == datetime(2024, 6, 30, 10, tzinfo=UTC)
    assert row["amount"] == Decimal("123456789.12")  # as written, not as its double times 10^9
    assert (row["score"], row["born"], json.loads(row["payload"])) == (Decimal("3.5"), date(2000, 2, 29), {"a": 1})


def test_values_of_parquet_that_the_contract_cannot_hold_are_refused(shop: Shop) -> None:
    duckdb.execute(f"""
        COPY (SELECT 'o' || i AS order_id, 1 AS line,
          CASE i WHEN 1 THEN TIMESTAMP 'infinity' ELSE TIMESTAMP '2024-06-30' END AS placed_at,
          CASE i WHEN 2 THEN 2.5 ELSE 2 END AS quantity, CASE i WHEN 3 THEN 'nan'::DOUBLE ELSE 1 END AS amount,
          CASE i WHEN 4 THEN 'inf'::DOUBLE END AS weight,
          CASE i WHEN 5 THEN TIMESTAMP '2000-01-01 12:00:00' END AS born
          FROM range(1, 7) AS t (i)) TO '{shop.folder}/files/a.parquet' (FORMAT parquet)""")
    result = shop.load(PARQUET)
    assert ids(shop) == ["o4", "o5", "o6"]
    assert (result.rows_quarantined, result.cells_quarantined) == (3, 2)
    assert [(kind, column) for kind, column, *_ in shop.refusals()] == [
        ("cell", "born"), ("cell", "weight"), ("row", "amount"), ("row", "placed_at"), ("row", "quantity"),
    ]  # fmt: skip


def test_an_id_that_went_through_a_float_is_drift(shop: Shop) -> None:
    row = "1 AS line, now()::TIMESTAMP AS placed_at, 1 AS quantity, 1 AS amount"
    duckdb.execute(f"COPY (SELECT 17.0::DOUBLE AS order_id, {row}) TO '{shop.folder}/files/a.parquet' (FORMAT parquet)")
    with pytest.raises(SchemaDriftError, match="column order_id expected STRING, found DOUBLE"):
        shop.load(PARQUET)
    shop.load(PARQUET + "columns: {order_id: CAST(CAST(order_id AS INT64) AS STRING)}\n")
    assert ids(shop) == ["17"]


def test_parquet_files_of_two_schemas_keep_the_order_of_their_names(shop: Shop) -> None:
    rest = "1 AS line, TIMESTAMP '2024-06-30' AS placed_at, 1 AS quantity"
    for name, columns in (("b", "5::DECIMAL(9, 2) AS amount, 'late' AS note"), ("a", "4::BIGINT AS amount")):
        duckdb.execute(
            f"COPY (SELECT 'o1' AS order_id, {rest}, {columns}) TO '{shop.folder}/files/{name}.parquet' (FORMAT parquet)"
        )
    result = shop.load(PARQUET)
    assert (result.rows_loaded, result.rows_quarantined) == (1, 1)
    assert shop.rows()[0]["amount"] == Decimal(4)
    assert shop.quarantine()[0]["_source"] == "b.parquet"


def test_landed_files_have_the_contract_s_columns_and_are_replaced(shop: Shop) -> None:
    shop.write("files/orders.csv", HEADER + "o1,1,2024-06-30,2,1,open,\n,1,2024-06-30,2,1,open,\n")
    for run_id in ("first", "second"):
        shop.load(CSV, run_id=run_id)
    landed = sorted((shop.folder / "data" / "landing").rglob("*.parquet"))
    assert [file.parent.relative_to(shop.folder / "data" / "landing").as_posix() for file in landed] == [
        "quarantine/shop__orders/_loaded_date=2024-06-30", "raw_shop/orders/_loaded_date=2024-06-30",
    ]  # fmt: skip
    types = duckdb.execute(f"DESCRIBE FROM read_parquet('{landed[1]}', hive_partitioning = false)").fetchall()
    wanted = {"STRING": "VARCHAR", "INT64": "BIGINT", "NUMERIC": "DECIMAL(38,9)", "FLOAT64": "DOUBLE", "BOOL": "BOOLEAN",
              "TIMESTAMP": "TIMESTAMP WITH TIME ZONE", "DATE": "DATE", "JSON": "JSON"}  # fmt: skip
    assert [(name, type_) for name, type_, *_ in types] == [
        (column, wanted[type_]) for column, type_ in shop.contract.spec.schema.items()
    ]
    assert not list((shop.folder / "data" / "tmp").iterdir())
    assert shop.warehouse.row_counts([NAME]) == {NAME: 1}


def test_keys_that_differ_by_blanks_are_one(shop: Shop) -> None:
    # Staging trims text: were both loaded, its key would not be unique and the whole day would stop there.
    lines = ["o1,1,2024-06-30,2,1.5,open,\n", " o1 ,1,2024-06-30,2,9,open,\n", "o1,2,2024-06-30,2,1.5,open,\n"]
    shop.write("files/orders.csv", HEADER + "".join(lines))
    result = shop.load(CSV)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (3, 2, 1)
    assert [entry["reason"] for entry in shop.quarantine()] == ["key is repeated"]
    assert [(row["order_id"], row["line"], row["amount"]) for row in shop.rows()] == [
        ("o1", 1, Decimal("1.5")),
        ("o1", 2, Decimal("1.5")),
    ]


def test_white_space_of_any_kind_is_no_key(shop: Shop) -> None:
    lines = ["T1,1,2024-06-30,2,1.5,open,\n", "T1\t,1,2024-06-30,2,9,open,\n", "\u00a0,1,2024-06-30,2,9,open,\n"]
    shop.write("files/orders.csv", HEADER + "".join(lines))
    result = shop.load(CSV)
    assert (result.rows_read, result.rows_loaded, result.rows_quarantined) == (3, 1, 2)
    assert sorted(entry["reason"] for entry in shop.quarantine()) == ["key is missing", "key is repeated"]


def parquet(path: str, select: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {select}) TO '{path}' (FORMAT parquet)")


ROW = "1 AS line, TIMESTAMP '2024-06-30' AS placed_at"


def test_a_folder_that_looks_like_a_column_says_nothing_about_it(shop: Shop) -> None:
    (shop.folder / "files" / "note=hive").mkdir()
    parquet(
        f"{shop.folder}/files/note=hive/a.parquet",
        f"'o1' AS order_id, {ROW}, 2 AS quantity, 1.5 AS amount, 'real' AS note",
    )
    shop.load(PARQUET.replace("/*.parquet", "/*/*.parquet"))
    assert [row["note"] for row in shop.rows()] == ["real"]


def test_a_name_that_looks_like_a_pattern_is_one_file(shop: Shop) -> None:
    shop.write("files/orders[1].csv", HEADER + "bracket,1,2024-06-30,2,1.5,open,\n")
    shop.write("files/orders1.csv", HEADER + "plain,1,2024-06-30,2,1.5,open,\n")
    result = shop.load(CSV)
    assert (result.rows_read, result.rows_loaded, ids(shop)) == (2, 2, ["bracket", "plain"])


def test_floats_in_one_file_do_not_blur_exact_numbers_in_another(shop: Shop) -> None:
    exact, inexact = "9007199254740993 AS quantity, 1.5 AS amount", "1::DOUBLE AS quantity, 1.5::DOUBLE AS amount"
    parquet(f"{shop.folder}/files/a.parquet", f"'o1' AS order_id, {ROW}, {exact}")
    parquet(f"{shop.folder}/files/b.parquet", f"'o2' AS order_id, {ROW}, {inexact}")
    with pytest.raises(SchemaDriftError, match=r"quantity is BIGINT in a\.parquet and DOUBLE in b\.parquet"):
        shop.load(PARQUET)
