"""Jobs, as Google's client sees them: what they do, what they refuse, what they say of themselves."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from cloud_server import CloudServer, Fault
from cloud_server.conftest import Plain, query, write

BY_DAY = bigquery.TimePartitioning(field="day")
FIRST = "SELECT 'a' AS id, DATE '2024-01-31' AS day"


# -- ids, states, statistics


def test_an_id_is_used_once(server: CloudServer, client: bigquery.Client) -> None:
    client.query("SELECT 1 AS n", job_id="one", job_retry=None).result()
    with pytest.raises(exceptions.Conflict, match=r"Already Exists: Job test-project:EU\.one"):
        client.query("SELECT 2 AS n", job_id="one", job_retry=None)
    assert server.executed == {"one": 1}
    with pytest.raises(exceptions.BadRequest, match="Invalid job ID"):
        client.query("SELECT 1 AS n", job_id="not valid", job_retry=None)


def test_a_job_is_found_in_its_location(client: bigquery.Client) -> None:
    client.query("SELECT 1 AS n", job_id="one", location="EU", job_retry=None).result()
    assert client.get_job("one", location="eu").state == "DONE"
    with pytest.raises(exceptions.NotFound, match=r"Not found: Job test-project:US\.one"):
        client.get_job("one", location="US")
    with pytest.raises(exceptions.NotFound, match="location US"):
        client.query("SELECT 1 AS n", location="US", job_retry=None)


def test_a_job_says_what_it_did(client: bigquery.Client) -> None:
    write(client, "SELECT 1 AS n, 'abc' AS s", "core.t")
    job = write(client, "SELECT t.s FROM core.t", "core.u", labels={"model": "u"})
    assert (job.total_bytes_processed, job.total_bytes_billed, job.statement_type) == (5, 10 * 1024 * 1024, "SELECT")
    assert [str(table) for table in job.referenced_tables] == ["test-project.core.t"]
    assert job.labels == {"model": "u"}
    assert job.created <= job.started <= job.ended
    assert job.slot_millis is not None
    assert job.user_email


def test_jobs_are_listed_the_latest_first(client: bigquery.Client) -> None:
    for name in ("one", "two", "three"):
        client.query("SELECT 1 AS n", job_id=name, job_retry=None).result()
    assert [job.job_id for job in client.list_jobs(page_size=2)] == ["three", "two", "one"]
    assert [job.job_id for job in client.list_jobs(state_filter="running")] == []


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        ("SELEC 1", exceptions.BadRequest, "Expected a SELECT|Invalid expression"),
        ("SELECT n FROM core.nowhere", exceptions.NotFound, "Not found: Table test-project:core.nowhere"),
        ("SELECT n FROM nowhere.t", exceptions.NotFound, "Not found: Dataset test-project:nowhere"),
        ("SELECT n FROM `other`.core.t", exceptions.Forbidden, "Access Denied: Project other"),
        ("SELECT CURRENT_DATE() AS d", exceptions.BadRequest, "not on the allow-list"),
        ("SELECT @missing AS n", exceptions.BadRequest, "Query parameter 'missing' not found"),
    ],
)
def test_a_query_that_does_not_compile_is_refused_at_once(
    server: CloudServer, client: bigquery.Client, sql: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        client.query(sql, job_retry=None)
    assert server.jobs == {}


def test_a_query_that_breaks_while_it_runs_is_a_failed_job(client: bigquery.Client) -> None:
    job = client.query("SELECT SUM(1 / x) AS y FROM UNNEST([1, 0]) AS x", job_retry=None)
    with pytest.raises(exceptions.BadRequest, match="division by zero"):
        job.result()
    assert client.get_job(job.job_id).error_result["reason"] == "invalidQuery"


def test_a_dry_run_tells_the_cost_and_does_nothing(server: CloudServer, client: bigquery.Client) -> None:
    write(client, "SELECT 1 AS n, 'abc' AS s", "core.t")
    before = dict(server.jobs)
    job = client.query("SELECT n + 1 AS m FROM core.t", job_config=bigquery.QueryJobConfig(dry_run=True))
    assert (job.total_bytes_processed, [field.name for field in job.schema]) == (8, ["m"])
    assert [table.table_id for table in job.referenced_tables] == ["t"]
    assert server.jobs == before


def test_a_budget_is_no_less_than_10_mib_a_table(client: bigquery.Client) -> None:
    write(client, "SELECT 1 AS n", "core.t")
    least = 10 * 1024 * 1024
    assert query(client, "SELECT n FROM core.t", maximum_bytes_billed=least) == [{"n": 1}]
    assert query(client, "SELECT 1 AS n", maximum_bytes_billed=1) == [{"n": 1}], "it reads no table"
    with pytest.raises(exceptions.GoogleAPICallError, match=f"limit for bytes billed: {least - 1}") as caught:
        query(client, "SELECT n FROM core.t", maximum_bytes_billed=least - 1)
    assert caught.value.errors[0]["reason"] == "bytesBilledLimitExceeded"


def test_a_running_job_can_be_cancelled(server: CloudServer, client: bigquery.Client) -> None:
    server.faults.append(Fault("slow", seconds=30))
    job = client.query("SELECT 1 AS n", job_id="long", job_retry=None)
    assert client.get_job("long").state == "RUNNING"
    assert client.cancel_job("long").state == "DONE"
    assert client.get_job("long").error_result["reason"] == "stopped"
    with pytest.raises(exceptions.GoogleAPICallError, match="cancelled"):
        job.result()
    assert server.executed == {}


# -- reading


def test_results_come_in_pages(server: CloudServer, client: bigquery.Client) -> None:
    numbers = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 25000)) AS n"
    rows = client.query(numbers).result()
    assert sorted(row["n"] for row in rows) == list(range(1, 25_001))
    assert [entry.query.get("pageToken") for entry in server.sent("bigquery.jobs.getQueryResults")][-3:] == [
        None,
        "10000",
        "20000",
    ]
    write(client, numbers, "core.numbers")
    assert sorted(row["n"] for row in client.list_rows("core.numbers")) == list(range(1, 25_001))
    assert sorted(row["n"] for row in client.query_and_wait(numbers)) == list(range(1, 25_001))


def test_every_type_is_written_as_google_writes_it(plain: Plain, client: bigquery.Client) -> None:
    sql = (
        "SELECT 'x' AS s, 1 AS i, 0.5 AS f, CAST('inf' AS FLOAT64) AS e, TRUE AS b, NUMERIC '10.50' AS n,"
        " DATE '2024-01-31' AS d, TIMESTAMP '2024-01-31 12:00:00.000001+00:00' AS t, FROM_HEX('00ff') AS y,"
        " [1, 2] AS a, STRUCT('z' AS k, [STRUCT(1 AS m)] AS v) AS r, CAST(NULL AS STRING) AS u"
    )
    job = client.query(sql)
    job.result()
    path = f"/queries/{job.job_id}?formatOptions.useInt64Timestamp="
    cells = [cell["v"] for cell in plain.bigquery("GET", f"{path}true").json()["rows"][0]["f"]]
    assert cells == [
        "x", "1", "0.5", "Infinity", "true", "10.5", "2024-01-31", "1706702400000001", "AP8=",
        [{"v": "1"}, {"v": "2"}],
        {"f": [{"v": "z"}, {"v": [{"v": {"f": [{"v": "1"}]}}]}]},
        None,
    ]  # fmt: skip
    floating = plain.bigquery("GET", f"{path}false").json()["rows"][0]["f"][7]["v"]
    assert float(floating) == pytest.approx(1706702400.000001)
    (row,) = query(client, sql)
    assert (row["n"], row["d"], row["y"], row["r"]) == (
        Decimal("10.5"), date(2024, 1, 31), b"\x00\xff", {"k": "z", "v": [{"m": 1}]},
    )  # fmt: skip


def test_an_unnamed_result_is_a_table_for_a_while(client: bigquery.Client) -> None:
    job = client.query("SELECT 7 AS n")
    job.result()
    assert [dict(row) for row in client.list_rows(client.get_table(job.destination))] == [{"n": 7}]


def test_a_default_dataset_is_put_before_names(client: bigquery.Client) -> None:
    write(client, "SELECT 1 AS n", "core.t")
    default = bigquery.DatasetReference(client.project, "core")
    sql = "WITH u AS (SELECT t.n FROM t) SELECT u.n, t.n AS m FROM u JOIN `t` ON t.n = u.n"
    assert query(client, sql, default_dataset=default) == [{"n": 1, "m": 1}]
    with pytest.raises(exceptions.BadRequest, match="must be qualified with a dataset"):
        query(client, sql)


def test_the_past_can_be_read(client: bigquery.Client) -> None:
    ended = [write(client, f"SELECT {n} AS n", "core.t").ended for n in (1, 2, 3)]
    at = [f"TIMESTAMP '{(moment + timedelta(milliseconds=1)).isoformat(sep=' ')}'" for moment in ended]
    for number, moment in enumerate(at, start=1):
        assert query(client, f"SELECT t.n FROM core.t FOR SYSTEM_TIME AS OF {moment}") == [{"n": number}]
    both = f"SELECT a.n, b.n AS m FROM core.t AS a FOR SYSTEM_TIME AS OF {at[0]} CROSS JOIN core.t AS b"
    assert query(client, both) == [{"n": 1, "m": 3}]
    with pytest.raises(exceptions.BadRequest, match="Invalid snapshot time"):
        query(client, "SELECT n FROM core.t FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01'")


@pytest.mark.parametrize(
    ("where", "enough"),
    [
        ("", False),
        ("WHERE v.id = 'a'", False),
        ("WHERE v.day = DATE '2024-01-31'", True),
        ("WHERE day >= DATE '2024-01-31' AND v.id = 'a'", True),
        ("WHERE v.day BETWEEN DATE '2024-01-31' AND DATE '2024-01-31'", True),
        ("WHERE v.day = DATE '2024-01-31' OR v.id = 'a'", False),
        ("WHERE v.day IN (SELECT day FROM core.days)", False),
        ("JOIN core.days AS d ON v.day = d.day", False),
    ],
)
def test_a_partition_filter_is_required_where_a_table_says_so(
    client: bigquery.Client, table: bigquery.Table, where: str, enough: bool
) -> None:
    write(client, FIRST, "core.visits", time_partitioning=BY_DAY)
    write(client, "SELECT DATE '2024-01-31' AS day", "core.days")
    table = client.get_table(table.reference)
    table.require_partition_filter = True
    client.update_table(table, ["require_partition_filter"])
    sql = f"SELECT v.id FROM core.visits AS v {where}"
    if enough:
        assert query(client, sql) == [{"id": "a"}]
        return
    message = r"Cannot query over table 'core\.visits' without a filter over column\(s\) 'day' that can be used"
    with pytest.raises(exceptions.BadRequest, match=message):
        query(client, sql)


def test_the_same_request_id_is_the_same_job(server: CloudServer, plain: Plain) -> None:
    body = {"query": "SELECT 1 AS n", "useLegacySql": False, "requestId": "again"}
    answers = [plain.bigquery("POST", "/queries", body).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(server.executed) == 1
    legacy = plain.bigquery("POST", "/queries", {"query": "SELECT 1 AS n"})
    assert "no legacy SQL" in legacy.json()["error"]["message"]
