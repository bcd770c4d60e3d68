"""The check of requests can fail: what Google's description does not allow is refused, by its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloud_server.discovery import Call, check_answer, check_request
from cloud_server.schemas import InvalidCall

ROOT = "https://bigquery.googleapis.com/bigquery/v2/projects/p"
UPLOAD = "https://bigquery.googleapis.com/upload/bigquery/v2/projects/p/jobs?uploadType="
JSON = {"Content-Type": "application/json"}
REFERENCE = {"projectId": "p", "datasetId": "d", "tableId": "t"}
TABLE = {"tableReference": REFERENCE, "schema": {"fields": [{"name": "a", "type": "INT64"}]}}


def test_a_valid_request_is_understood() -> None:
    call = check_request("POST", f"{ROOT}/datasets/d/tables?prettyPrint=false", JSON, json.dumps(TABLE))
    assert (call.method, call.body) == ("bigquery.tables.insert", TABLE)
    assert (call.path, call.query) == ({"projectId": "p", "datasetId": "d"}, {"prettyPrint": "false"})


@pytest.mark.parametrize(
    ("method", "url", "match"),
    [
        ("GET", f"{ROOT}/nothing", "no method"),
        ("PUT", f"{ROOT}/jobs", "no method"),
        ("GET", f"{ROOT}/datasets/d?colour=red", "unknown query parameter colour"),
        ("GET", f"{ROOT}/queries/j?maxResults=-1", "no uint32"),
        ("GET", f"{ROOT}/queries/j?formatOptions.useInt64Timestamp=1", "no boolean"),
        ("GET", f"{ROOT}/queries/j?formatOptions.timestampOutputFormat=TEXT", "none of"),
        ("POST", f"{ROOT}/jobs", "body is missing"),
        ("POST", UPLOAD.partition("?")[0], "uploadType"),
    ],
)
def test_a_wrong_address_is_refused(method: str, url: str, match: str) -> None:
    with pytest.raises(InvalidCall, match=match):
        check_request(method, url, JSON, None)


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ({**TABLE, "colour": "red"}, r"insert\.colour: unknown field"),
        ({**TABLE, "numRows": "1"}, r"numRows: is output only"),
        ({**TABLE, "timePartitioning": {"field": "a"}}, r"timePartitioning\.type: is required"),
        ({**TABLE, "timePartitioning": None}, "is no object"),
        ({**TABLE, "requirePartitionFilter": "yes"}, "is no boolean"),
        ({**TABLE, "labels": {"owner": 1}}, r"labels\.owner: 1 is no string"),
        ({**TABLE, "expirationTime": "soon"}, "no int64"),
        ({**TABLE, "schema": {"fields": {"name": "a"}}}, "is no array"),
        ({**TABLE, "schema": {"fields": [{"name": "a"}]}}, r"fields\[0\]\.type: is required"),
        ({**TABLE, "defaultRoundingMode": "UP"}, "none of"),
        ({"schema": TABLE["schema"]}, r"tableReference: is required"),
    ],
)
def test_a_wrong_body_is_refused(body: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidCall, match=match):
        check_request("POST", f"{ROOT}/datasets/d/tables", JSON, json.dumps(body))


def test_a_patch_may_be_partial_and_clear() -> None:
    body = {"description": None, "labels": {"owner": None}}
    assert check_request("PATCH", f"{ROOT}/datasets/d/tables/t", JSON, json.dumps(body)).body == body


def multipart(*parts: bytes) -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--"


def test_an_upload_is_taken_apart() -> None:
    job = {"configuration": {"load": {"destinationTable": REFERENCE}}}
    metadata = b"content-type: application/json; charset=UTF-8\r\n\r\n" + json.dumps(job).encode()
    content = multipart(metadata, b"content-type: */*\r\n\r\nPAR1\r\n\x00PAR1")
    headers = {"content-type": b'multipart/related; boundary="x"'}
    call = check_request("POST", UPLOAD + "multipart", headers, content)
    assert (call.body, call.media, call.media_type) == (job, b"PAR1\r\n\x00PAR1", "*/*")
    for broken in (multipart(metadata), multipart(metadata, b"a: b\r\n\r\n1", b"a: b\r\n\r\n2"), content[:-2]):
        with pytest.raises(InvalidCall, match="two parts and an end"):
            check_request("POST", UPLOAD + "multipart", headers, broken)
    with pytest.raises(InvalidCall, match="multipart/related"):
        check_request("POST", UPLOAD + "multipart", JSON, content)


def test_answers_are_checked_too() -> None:
    call = Call("bigquery.tables.get", {}, {})
    check_answer(call, {"numRows": "1"})
    with pytest.raises(InvalidCall, match="numRows"):
        check_answer(call, {"numRows": 1})
    with pytest.raises(InvalidCall, match="has no answer"):
        check_answer(Call("bigquery.tables.delete", {}, {}), {})
