"""Folders in a bucket: Google's own client, over HTTP, against the contract server."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from cloud_server import CloudServer, Fault

from customer360.errors import SourceError, SourceUnreachableError
from customer360.sources import LoadResult, load_table
from customer360.sources.files import check_files
from customer360.warehouse.port import RunInfo
from sources.conftest import DAY, Shop

HEADER = "order_id,line,placed_at,quantity,amount\n"
DAILY = "files: gs://exports/shop/*/orders_*.csv*\nformat: csv\nload: {file_date: 'orders_(\\d{4}-\\d{2}-\\d{2})'}\n"


def row(number: int) -> str:
    return f"o{number},1,2024-06-30,2,1.5\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CloudServer]:
    with CloudServer(tmp_path / "cloud") as running:
        running.add_bucket("exports")
        yield running


def put(server: CloudServer, name: str, content: str | bytes, encoding: str = "") -> None:
    """`encoding`: what the bucket is told the bytes are packed with."""
    blob = server.storage_client().bucket("exports").blob(name)
    if encoding:
        blob.content_encoding = encoding
    blob.upload_from_string(content, content_type="text/csv")


def load(shop: Shop, server: CloudServer, binding: str, day: date = DAY) -> LoadResult:
    return load_table(
        shop.bind(binding), shop.contract, run=RunInfo("test", day), warehouse=shop.warehouse, settings=shop.settings,
        connections=shop.connections.__getitem__, buckets=server.storage_client,
    )  # fmt: skip


def sources(shop: Shop) -> dict[str, str]:
    return {row["order_id"]: row["_source"] for row in shop.rows(audit=True)}


def test_only_the_windows_objects_are_copied_and_rows_say_where_they_are_from(shop: Shop, server: CloudServer) -> None:
    put(server, "shop/a/orders_2024-06-29.csv", HEADER + row(1))
    put(server, "shop/b/orders_2024-06-30.csv.gz", gzip.compress((HEADER + row(2)).encode()))
    put(server, "shop/b/orders_2024-07-01.csv", HEADER + row(3))
    for other in (
        "shop/orders_2024-06-30.csv",
        "shop/a/b/orders_2024-06-30.csv",
        "shop/.tmp/orders_2024-06-30.csv",
        "shop/a/",
    ):
        put(server, other, "not to be read")
    result = load(shop, server, DAILY)
    assert (result.rows_read, result.rows_loaded) == (2, 2)
    assert sources(shop) == {
        "o1": "gs://exports/shop/a/orders_2024-06-29.csv", "o2": "gs://exports/shop/b/orders_2024-06-30.csv.gz",
    }  # fmt: skip
    assert load(shop, server, DAILY, date(2024, 7, 1)).rows_read == 1
    copied = [entry.path["object"] for entry in server.log if entry.query.get("alt") == "media"]
    assert sorted(copied) == [
        "shop/a/orders_2024-06-29.csv", "shop/b/orders_2024-06-30.csv.gz", "shop/b/orders_2024-07-01.csv",
    ]  # fmt: skip
    assert not list((shop.settings.data / "tmp").iterdir())


def test_parquet_and_ndjson_in_folders_below(shop: Shop, server: CloudServer, tmp_path: Path) -> None:
    for number, name in enumerate(
        ("lake/orders.parquet", "lake/x/y/orders.parquet", "lake/odd/[1] #?%.parquet", "lake//../up.parquet")
    ):
        file = tmp_path / "one.parquet"
        duckdb.execute(
            f"COPY (SELECT 'o{number}' AS order_id, 1 AS line, DATE '2024-06-30' AS placed_at, 2 AS quantity, 1.5 AS amount) TO '{file}'"
        )
        put(server, name, file.read_bytes())
    load(shop, server, "files: gs://exports/lake/**/*.parquet\nformat: parquet\nload: snapshot\n")
    assert sources(shop) == {
        "o0": "gs://exports/lake/orders.parquet", "o1": "gs://exports/lake/x/y/orders.parquet",
        "o2": "gs://exports/lake/odd/[1] #?%.parquet",
    }  # fmt: skip
    put(server, "one.ndjson", '{"order_id": "n", "line": 1, "placed_at": "2024-06-30", "quantity": 2, "amount": 1.5}\n')
    assert load(shop, server, "files: gs://exports/one.ndjson\nformat: ndjson\nload: snapshot\n").rows_loaded == 1


def test_an_object_that_is_packed_on_the_way_is_unpacked_once(shop: Shop, server: CloudServer) -> None:
    put(server, "orders.csv", gzip.compress((HEADER + row(1)).encode()), encoding="gzip")
    assert load(shop, server, "files: gs://exports/orders.csv\nformat: csv\nload: snapshot\n").rows_loaded == 1


def test_refused_lines_name_the_object(shop: Shop, server: CloudServer) -> None:
    put(server, "orders.csv", HEADER + row(1) + "o2,1\n")
    load(shop, server, "files: gs://exports/orders.csv\nformat: csv\nload: snapshot\n")
    (entry,) = shop.quarantine()
    assert (entry["line"], entry["raw"], entry["_source"]) == (3, "o2,1", "gs://exports/orders.csv")


@pytest.mark.parametrize(
    ("binding", "words"),
    [
        ("files: gs://exports/none/*.csv", r"no file matches gs://exports/none/\*\.csv, named in shop\.yaml"),
        ("files: gs://nowhere/*.csv", r"list gs://nowhere/\*\.csv.*Is the bucket named rightly"),
        ("files: s3://exports/*.csv", r"s3://exports/\*\.csv cannot be read: files are in a folder, or in gs://"),
    ],
)
def test_what_is_not_there_is_said(shop: Shop, server: CloudServer, binding: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        load(shop, server, binding + "\nformat: csv\nload: snapshot\n")
    assert not caught.value.retry_helps


def test_who_may_not_read_is_told_the_role(shop: Shop, server: CloudServer) -> None:
    put(server, "orders.csv", HEADER + row(1))
    server.faults.append(Fault("status", "storage.objects.get*", status=403, reason="forbidden"))
    with pytest.raises(SourceError, match=r"read gs://exports/orders\.csv.*Storage Object Viewer") as caught:
        load(shop, server, "files: gs://exports/orders.csv\nformat: csv\nload: snapshot\n")
    assert not caught.value.retry_helps


def test_an_object_that_is_replaced_after_the_listing_is_worth_a_retry(shop: Shop, server: CloudServer) -> None:
    from customer360.sources import buckets

    put(server, "orders.csv", HEADER + row(1))
    binding = shop.bind("files: gs://exports/orders.csv\nformat: csv\nload: snapshot\n")
    listed = buckets.found(binding, "gs://exports/orders.csv", server.storage_client)
    put(server, "orders.csv", HEADER + row(2))
    with pytest.raises(
        SourceUnreachableError, match=r"gs://exports/orders\.csv was replaced or removed after it was listed"
    ):
        buckets.copied(binding, listed, shop.folder)


def test_without_a_google_connection_a_bucket_cannot_be_read(shop: Shop) -> None:
    with pytest.raises(SourceError, match="no Google connection is at hand"):
        shop.load("files: gs://exports/orders.csv\nformat: csv\nload: snapshot\n")


def test_the_doctor_looks_at_names_and_copies_nothing(shop: Shop, server: CloudServer) -> None:
    put(server, "shop/a/orders_2024-06-29.csv", HEADER + row(1))
    check_files(shop.bind(DAILY), shop.settings, server.storage_client)
    assert not [entry for entry in server.log if entry.query.get("alt") == "media"]
    put(server, "shop/a/orders_today.csv", HEADER + row(1))
    with pytest.raises(SourceError, match=r"the name of a/orders_today\.csv holds no date"):
        check_files(shop.bind(DAILY), shop.settings, server.storage_client)
