"""The landing zone in a bucket: Google's own client, over HTTP, against the contract server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cloud_server import CloudServer, Fault

from customer360.errors import SourceError
from customer360.project import TableName
from customer360.sources.landing import BucketLanding, LandedFile

CUSTOMERS, DAY = TableName("raw_crm", "customer_info"), date(2024, 6, 30)
FOLDER = "/".join(("shop", "raw_crm", "customer_info", "_loaded_date=2024-06-30"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[CloudServer]:
    with CloudServer(tmp_path / "cloud") as running:
        running.add_bucket("landing")
        yield running


def landing(server: CloudServer, bucket: str = "landing") -> BucketLanding:
    return BucketLanding(server.storage_client(), bucket, "/shop/")


def put(zone: BucketLanding, folder: Path, batch: str, content: bytes) -> str:
    file = folder / "good.parquet"
    file.write_bytes(content)
    target = zone.address(CUSTOMERS, DAY, batch)
    zone.place(file, target)
    return target


def test_a_file_is_placed_whole_and_others_of_its_date_are_removed(server: CloudServer, tmp_path: Path) -> None:
    zone = landing(server)
    put(zone, tmp_path, "one", b"first")
    target = put(zone, tmp_path, "two", b"second")
    assert target == f"gs://landing/{FOLDER}/two.parquet"
    assert server.objects == {
        ("landing", f"{FOLDER}/one.parquet"): b"first",
        ("landing", f"{FOLDER}/two.parquet"): b"second",
    }
    zone.remove_others(target)
    assert server.objects == {("landing", f"{FOLDER}/two.parquet"): b"second"}
    zone.remove_others(target, keep=False)
    assert server.objects == {}
    zone.remove_others(zone.address(TableName("raw_crm", "other"), DAY, "x"))


def test_old_files_are_found_by_their_age_and_removed_and_nothing_else(server: CloudServer, tmp_path: Path) -> None:
    zone = landing(server)
    target = put(zone, tmp_path, "one", b"first")
    for other in (f"shop/raw_crm/{FOLDER}.txt", "shop/notes.parquet", f"elsewhere/{FOLDER}/one.parquet"):
        server.storage_client().bucket("landing").blob(other).upload_from_string(b"kept")
    now = datetime.now(UTC)
    assert zone.before(now - timedelta(hours=1)) == []
    files = zone.before(now + timedelta(hours=1))
    assert files == [LandedFile(target, 5)]
    zone.remove(files)
    zone.remove(files)  # gone already
    assert len(server.objects) == 3 and ("landing", f"{FOLDER}/one.parquet") not in server.objects


def test_a_neighbour_whose_name_begins_alike_stays(server: CloudServer, tmp_path: Path) -> None:
    zone = landing(server)
    put(zone, tmp_path, "one", b"first")
    server.storage_client().bucket("landing").blob(f"{FOLDER}_old/kept.parquet").upload_from_string(b"kept")
    zone.remove_others(zone.address(CUSTOMERS, DAY, "two"))
    assert [name for _, name in server.objects] == [f"{FOLDER}_old/kept.parquet"]


def test_a_large_file_goes_up_in_pieces_and_arrives_as_it_was(server: CloudServer, tmp_path: Path) -> None:
    content = bytes(range(256)) * (20 * 1024 * 4)
    put(landing(server), tmp_path, "big", content)
    assert server.objects["landing", f"{FOLDER}/big.parquet"] == content
    assert any(entry.method.startswith("storage.objects.insert") and entry.upload for entry in server.log)


@pytest.mark.parametrize(
    ("status", "words"), [(403, "Storage Object User"), (404, "(?i)does the bucket of C360_LANDING exist")]
)
def test_a_refusal_says_what_to_do(server: CloudServer, tmp_path: Path, status: int, words: str) -> None:
    server.faults.append(Fault("status", "storage.objects.insert*", status=status, reason="x"))
    with pytest.raises(SourceError, match=words) as raised:
        put(landing(server), tmp_path, "one", b"first")
    assert not raised.value.retry_helps
