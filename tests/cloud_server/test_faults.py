"""Every kind of fault, through Google's clients and on the wire: what is done, what is not, and what the client sees."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from google.api_core import exceptions
from google.cloud import bigquery, storage

from cloud_server import CloudServer, Entry, Fault
from cloud_server.conftest import Plain, query, write

TABLE = "/datasets/core/tables/t"


@pytest.fixture(autouse=True)
def written(server: CloudServer, client: bigquery.Client) -> None:
    """A table `core.t`, and a log that begins after it."""
    write(client, "SELECT 1 AS n", "core.t")
    server.log.clear()
    server.executed.clear()


def insert(name: str, **config: Any) -> dict[str, Any]:
    """A job that writes a row to core.u."""
    to = {"projectId": "test-project", "datasetId": "core", "tableId": "u"}
    details = {"query": "SELECT 2 AS n", "useLegacySql": False, "destinationTable": to, **config}
    return {
        "jobReference": {"projectId": "test-project", "jobId": name, "location": "EU"},
        "configuration": {"query": details},
    }


# -- before anything is done


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "rateLimitExceeded"),
        (403, "quotaExceeded"),
        (429, "rateLimitExceeded"),
        (500, "internalError"),
        (502, "badGateway"),
        (503, "backendError"),
    ],
)
@pytest.mark.parametrize("retry_after", [None, "7"])
def test_a_status_is_answered_in_google_s_format(
    server: CloudServer, plain: Plain, status: int, reason: str, retry_after: str | None
) -> None:
    server.faults.append(
        Fault("status", "bigquery.jobs.*", status=status, reason=reason, message="no", retry_after=retry_after)
    )
    answer = plain.bigquery("POST", "/jobs", insert("one"))
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == (status, "no")
    assert error["errors"] == [{"reason": reason, "message": "no", "domain": "global"}]
    assert server.jobs.keys() & {"one"} == set()
    assert plain.bigquery("POST", "/jobs", insert("one")).status_code == 200, "once is enough"


def test_the_client_tries_a_busy_service_again(server: CloudServer, client: bigquery.Client) -> None:
    server.faults.append(Fault("status", "bigquery.tables.get", times=2))
    assert client.get_table("core.t").num_rows == 1
    assert [entry.status for entry in server.log] == [503, 503, 200]
    assert [entry.fault is not None for entry in server.log] == [True, True, False]


def test_a_fault_can_wait_for_its_turn(server: CloudServer, plain: Plain) -> None:
    fault = Fault("status", "*.tables.get", skip=1, times=1, when=lambda entry: entry.path["tableId"] == "t")
    server.faults.append(fault)
    paths = [TABLE, "/datasets/core/tables/other", TABLE, TABLE]
    assert [plain.bigquery("GET", path).status_code for path in paths] == [200, 404, 503, 200]
    assert fault.times == 0


def test_a_reset_before_leaves_nothing_done(server: CloudServer, plain: Plain) -> None:
    server.faults.append(Fault("reset_before", "bigquery.jobs.insert"))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        plain.bigquery("POST", "/jobs", insert("one"))
    assert (server.executed, [entry.status for entry in server.log]) == ({}, [None])


def test_a_delay_is_waited_for(server: CloudServer, plain: Plain) -> None:
    server.faults.append(Fault("delay", seconds=0.3))
    started = time.monotonic()
    assert plain.bigquery("GET", TABLE).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_a_slow_request_holds_up_no_other(server: CloudServer, plain: Plain) -> None:
    server.faults.append(Fault("delay", seconds=1.0))
    slow = threading.Thread(target=Plain(server).bigquery, args=("GET", TABLE))
    slow.start()
    while not server.log:
        time.sleep(0.01)
    started = time.monotonic()
    assert plain.bigquery("GET", TABLE).status_code == 200
    assert time.monotonic() - started < 0.5
    slow.join()


def test_an_unauthorized_answer_is_google_s(server: CloudServer, plain: Plain) -> None:
    server.faults.append(Fault("unauthorized"))
    answer = plain.bigquery("GET", TABLE)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (401, "authError")
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


# -- the answer is lost


def test_a_reset_after_has_done_it(server: CloudServer, plain: Plain) -> None:
    server.faults.append(Fault("reset_after", "bigquery.jobs.insert"))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        plain.bigquery("POST", "/jobs", insert("one"))
    assert server.executed == {"one": 1}
    assert server.rows("core", "u") == [{"n": 2}]
    assert plain.bigquery("POST", "/jobs", insert("one")).status_code == 409


def test_the_client_finds_out_that_its_job_is_there(server: CloudServer, client: bigquery.Client) -> None:
    server.faults.append(Fault("reset_after", "bigquery.jobs.insert"))
    with pytest.raises(exceptions.Conflict, match="Already Exists: Job"):
        client.query("SELECT 1 AS n", job_id="one", job_retry=None)
    assert client.get_job("one").state == "DONE"
    assert server.executed == {"one": 1}


def test_a_truncated_answer_ends_early(server: CloudServer, plain: Plain) -> None:
    server.faults.append(Fault("truncated", "bigquery.jobs.insert"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        plain.bigquery("POST", "/jobs", insert("one"))
    assert server.executed == {"one": 1}


def test_the_client_reads_truncated_results_again(server: CloudServer, client: bigquery.Client) -> None:
    server.faults.append(Fault("truncated", "bigquery.jobs.getQueryResults"))
    assert query(client, "SELECT n FROM core.t") == [{"n": 1}]
    assert len(server.sent("bigquery.jobs.getQueryResults")) > 1


@pytest.mark.parametrize("polls", [0, 2])
def test_what_was_made_just_now_may_not_be_there_yet(server: CloudServer, plain: Plain, polls: int) -> None:
    server.faults.append(Fault("not_found_after", "bigquery.*.insert", polls=polls))
    assert plain.bigquery("POST", "/jobs", insert("one")).status_code == 200
    seen = [plain.bigquery("GET", "/jobs/one").status_code for _ in range(3)]
    assert seen == ([404, 200, 200] if polls == 0 else [404, 404, 200])


def test_an_answer_may_be_lost_and_the_job_not_found(server: CloudServer, plain: Plain) -> None:
    server.faults += [Fault("not_found_after", "bigquery.jobs.insert"), Fault("reset_after", "bigquery.jobs.insert")]
    with pytest.raises(requests.ConnectionError):
        plain.bigquery("POST", "/jobs", insert("one"))
    assert plain.bigquery("POST", "/jobs", insert("one")).status_code == 409
    assert [plain.bigquery("GET", "/jobs/one").status_code for _ in range(2)] == [404, 200]


# -- the job itself


def test_a_job_error_is_the_job_s_own(server: CloudServer, client: bigquery.Client) -> None:
    server.faults.append(Fault("job_error", reason="jobBackendError", message="try again"))
    dry = client.query("SELECT 1 AS n", job_config=bigquery.QueryJobConfig(dry_run=True))
    assert dry.state == "DONE", "a dry run starts no job"
    with pytest.raises(exceptions.GoogleAPICallError, match="try again"):
        client.query("SELECT 2 AS n", job_id="one", job_retry=None).result()
    assert client.get_job("one").error_result == {"reason": "jobBackendError", "message": "try again"}
    assert server.executed == {}


def test_a_slow_job_does_its_work_when_it_ends(server: CloudServer, plain: Plain) -> None:
    server.faults.append(Fault("slow", polls=2))
    assert plain.bigquery("POST", "/jobs", insert("one")).json()["status"]["state"] == "RUNNING"
    states = []
    for path in ("/jobs/one", "/queries/one", "/jobs/one"):
        answer = plain.bigquery("GET", path).json()
        states.append(answer["status"]["state"] if "status" in answer else answer["jobComplete"])
        assert server.executed == ({"one": 1} if len(states) == 3 else {})
    assert states == ["RUNNING", False, "DONE"]
    assert server.rows("core", "u") == [{"n": 2}]


def test_a_slow_job_ends_by_itself_after_its_time(server: CloudServer, client: bigquery.Client) -> None:
    server.faults.append(Fault("slow", seconds=0.4))
    job = client.query("SELECT 2 AS n", job_id="one", job_retry=None)
    assert (job.state, server.executed) == ("RUNNING", {})
    assert [dict(row) for row in job.result()] == [{"n": 2}]
    assert server.executed == {"one": 1}
    assert (job.ended - job.started).total_seconds() >= 0.4


def test_a_slow_job_reads_what_is_there_when_it_ends(
    server: CloudServer, client: bigquery.Client, plain: Plain
) -> None:
    server.faults.append(Fault("slow", polls=1))
    plain.bigquery("POST", "/jobs", insert("one", query="SELECT n FROM core.t"))
    write(client, "SELECT 9 AS n", "core.t")
    for _ in range(2):
        plain.bigquery("GET", "/jobs/one")
    assert server.rows("core", "u") == [{"n": 9}]


def test_a_job_may_be_cancelled_by_someone_else(server: CloudServer, client: bigquery.Client) -> None:
    server.faults.append(Fault("cancelled"))
    job = client.query("SELECT 2 AS n", job_id="one", job_retry=None)
    assert job.state == "RUNNING"
    with pytest.raises(exceptions.GoogleAPICallError, match="cancelled") as caught:
        job.result()
    assert caught.value.errors[0]["reason"] == "stopped"
    assert server.executed == {}


# -- uploads


def big_upload(client: bigquery.Client, size: int = 6_000_000) -> Any:
    """A load that is resumable by its size."""
    content = io.BytesIO()
    pq.write_table(pa.table({"y": [bytes(size)]}), content, compression="none", use_dictionary=False)
    size = content.tell()
    content.seek(0)
    config = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_TRUNCATE")
    return client.load_table_from_file(content, "core.big", size=size, job_id="big", job_config=config)


def test_a_small_upload_may_break_in_the_middle(server: CloudServer, client: bigquery.Client, plain: Plain) -> None:
    server.faults.append(Fault("broken_upload", when=lambda entry: entry.destination == "core.big"))
    with pytest.raises((requests.ConnectionError, ConnectionError)):
        plain(
            "POST",
            f"/upload/bigquery/v2/projects/{client.project}/jobs?uploadType=multipart",
            data=_multipart("big"),
            headers={"Content-Type": "multipart/related; boundary=x"},
        )
    assert (server.executed, [entry.status for entry in server.log]) == ({}, [None])


def _multipart(table: str) -> bytes:
    to = {"projectId": "test-project", "datasetId": "core", "tableId": table}
    metadata = str({"configuration": {"load": {"destinationTable": to, "sourceFormat": "PARQUET"}}}).replace("'", '"')
    parts = f"--x\r\ncontent-type: application/json\r\n\r\n{metadata}\r\n--x\r\ncontent-type: */*\r\n\r\n".encode()
    return parts + bytes(4_000_000) + b"\r\n--x--"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("broken_upload", "bigquery.jobs.insert.chunk"),
        Fault("reset_before", "bigquery.jobs.insert.chunk"),
        Fault("reset_after", "bigquery.jobs.insert.chunk"),
        Fault("truncated", "bigquery.jobs.insert.chunk"),
        Fault("status", "bigquery.jobs.insert.chunk", status=503),
        Fault("status", "bigquery.jobs.insert", status=503),
        Fault("reset_after", "bigquery.jobs.insert"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.method}",
)
def test_the_client_goes_on_with_a_resumable_upload(server: CloudServer, client: bigquery.Client, fault: Fault) -> None:
    server.faults.append(fault)
    job = big_upload(client)
    assert job.result().output_rows == 1
    assert server.executed == {"big": 1}
    assert fault.times == 0


def test_a_job_by_upload_may_be_slow(server: CloudServer, client: bigquery.Client) -> None:
    server.faults.append(Fault("slow", polls=1))
    job = big_upload(client)
    assert (job.state, server.executed) == ("RUNNING", {})
    assert job.result().output_rows == 1


def test_faults_meet_storage_too(server: CloudServer, bucket: storage.Bucket) -> None:
    def storing(entry: Entry) -> bool:
        return entry.path.get("bucket") == "landing"

    for kind in ("broken_upload", "reset_before", "reset_after", "truncated"):
        server.faults.append(Fault(kind, "storage.objects.insert*", when=storing))
        bucket.blob(kind).upload_from_string(b"x" * 1000, checksum="crc32c")
        assert server.objects["landing", kind] == b"x" * 1000
        assert server.faults[-1].times == 0
    for kind in ("reset_before", "reset_after", "truncated"):
        server.faults.append(Fault(kind, "storage.objects.get"))
        assert bucket.blob("truncated").download_as_bytes() == b"x" * 1000
        assert server.faults[-1].times == 0
