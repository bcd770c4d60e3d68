"""Buckets and objects, as Google's client sees them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud import storage

from cloud_server import CloudServer
from cloud_server.conftest import Plain

SMALL, BIG = os.urandom(1000), os.urandom(9 * 1024 * 1024)
CHUNK = 4 * 1024 * 1024


def test_buckets(server: CloudServer, bucket: storage.Bucket) -> None:
    assert bucket.client.get_bucket("landing").location == "EU"
    with pytest.raises(exceptions.Conflict):
        bucket.client.create_bucket("landing")
    with pytest.raises(exceptions.NotFound, match="bucket does not exist"):
        bucket.client.get_bucket("nowhere")
    server.add_bucket("other")
    assert bucket.client.bucket("other").exists()


def test_permissions_are_granted_unless_denied(server: CloudServer, bucket: storage.Bucket) -> None:
    wanted = ["storage.objects.create", "storage.objects.delete"]
    assert bucket.test_iam_permissions(wanted) == wanted
    server.denied.add(wanted[0])
    assert bucket.test_iam_permissions(wanted) == wanted[1:]


@pytest.mark.parametrize(("content", "chunks"), [(SMALL, 0), (BIG, 3)], ids=["at once", "in chunks"])
def test_an_upload_arrives_whole(
    server: CloudServer, bucket: storage.Bucket, tmp_path: Path, content: bytes, chunks: int
) -> None:
    file, name = tmp_path / "file", "a folder/é?.bin"
    file.write_bytes(content)
    blob = bucket.blob(name, chunk_size=CHUNK)
    blob.upload_from_filename(str(file), content_type="text/x", checksum="crc32c")
    assert server.objects["landing", name] == content
    found = bucket.get_blob(name)
    assert (found.size, found.content_type, found.crc32c) == (len(content), "text/x", blob.crc32c)
    assert found.generation is not None
    assert bucket.blob(name).download_as_bytes() == content
    with bucket.blob(name, chunk_size=CHUNK).open("rb") as stream:
        assert stream.read() == content
    assert len(server.sent("storage.objects.insert.chunk")) == chunks


def test_a_wrong_checksum_is_refused(server: CloudServer, plain: Plain, bucket: storage.Bucket) -> None:
    body = b'--x\r\ncontent-type: application/json\r\n\r\n{"name": "a", "crc32c": "AAAAAA=="}\r\n--x\r\ncontent-type: */*\r\n\r\nabc\r\n--x--'
    path = "/upload/storage/v1/b/landing/o?uploadType=multipart"
    answer = plain("POST", path, data=body, headers={"Content-Type": "multipart/related; boundary=x"})
    assert answer.status_code == 400
    assert "doesn't match calculated crc32c" in answer.json()["error"]["message"]
    assert server.objects == {}


def test_media_alone_can_be_uploaded(server: CloudServer, plain: Plain, bucket: storage.Bucket) -> None:
    path = "/upload/storage/v1/b/landing/o?uploadType=media&name=a%2Fb"
    answer = plain("POST", path, data=b"abc", headers={"Content-Type": "text/plain"})
    assert (answer.json()["name"], answer.json()["contentType"], answer.json()["size"]) == ("a/b", "text/plain", "3")
    assert server.objects == {("landing", "a/b"): b"abc"}


def test_an_upload_can_be_asked_how_far_it_is(plain: Plain, bucket: storage.Bucket) -> None:
    start = plain("POST", "/upload/storage/v1/b/landing/o?uploadType=resumable", {"name": "a"})
    session, unit = start.headers["Location"], 256 * 1024

    def put(content_range: str, data: bytes = b"") -> tuple[int, str | None]:
        answer = plain("PUT", session, data=data, headers={"Content-Range": content_range})
        return answer.status_code, answer.headers.get("Range")

    assert put("bytes */524289") == (308, None)
    assert put(f"bytes 0-{unit - 1}/*", bytes(unit)) == (308, f"bytes=0-{unit - 1}")
    assert put("bytes */524289") == (308, f"bytes=0-{unit - 1}")
    assert put("bytes 0-99/524289", bytes(100))[0] == 400, "no multiple of 256 KiB"
    assert put(f"bytes {2 * unit}-{2 * unit}/524289", b"x")[0] == 503, "a gap"
    assert put(f"bytes 0-{2 * unit - 1}/*", bytes(2 * unit)) == (308, f"bytes=0-{2 * unit - 1}"), "sent again, and more"
    for _ in range(2):
        assert put(f"bytes {2 * unit}-{2 * unit}/524289", b"x")[0] == 200
    assert put("bytes */524289")[0] == 200
    assert plain("PUT", session.replace("upload_id=", "upload_id=0")).status_code == 404
    assert bucket.get_blob("a").size == 2 * unit + 1


def test_lists_by_prefix_and_delimiter_in_pages(server: CloudServer, bucket: storage.Bucket) -> None:
    for name in ("a/1", "a/2", "a/b/3", "c"):
        server.objects["landing", name] = b"x"

    def listed(**given: object) -> list[str]:
        return [blob.name for blob in bucket.list_blobs(**given)]

    assert listed() == ["a/1", "a/2", "a/b/3", "c"]
    assert listed(prefix="a/") == ["a/1", "a/2", "a/b/3"]
    assert listed(prefix="a/", page_size=1) == ["a/1", "a/2", "a/b/3"]
    folders = bucket.list_blobs(prefix="a/", delimiter="/")
    assert [blob.name for blob in folders] == ["a/1", "a/2"]
    assert folders.prefixes == {"a/b/"}
    assert listed(start_offset="a/2", end_offset="c") == ["a/2", "a/b/3"]
    assert listed(max_results=2, fields="items(name),nextPageToken") == ["a/1", "a/2"]


def test_generations_are_conditions(bucket: storage.Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(b"1", if_generation_match=0)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").upload_from_string(b"2", if_generation_match=0)
    bucket.blob("a").upload_from_string(b"2", if_generation_match=blob.generation)
    with pytest.raises(exceptions.PreconditionFailed):
        bucket.blob("a").delete(if_generation_match=blob.generation)
    assert bucket.blob("a").download_as_bytes() == b"2"


def test_what_is_deleted_is_gone(server: CloudServer, bucket: storage.Bucket) -> None:
    bucket.blob("a").upload_from_string(b"1")
    bucket.blob("a").delete()
    assert (server.objects, bucket.get_blob("a")) == ({}, None)
    for missing in (bucket.blob("a").delete, bucket.blob("a").download_as_bytes):
        with pytest.raises(exceptions.NotFound, match="No such object"):
            missing()


def test_ranges(plain: Plain, server: CloudServer, bucket: storage.Bucket) -> None:
    server.objects["landing", "a"] = b"0123456789"
    path = "/download/storage/v1/b/landing/o/a?alt=media"
    answer = plain("GET", path, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert plain("GET", path, headers={"Range": "bytes=10-"}).status_code == 416
    assert plain("GET", path).headers["X-Goog-Hash"].startswith("crc32c=")
