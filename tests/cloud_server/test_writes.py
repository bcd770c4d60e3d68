"""What jobs do to their destinations: dispositions, partitions, layouts, copies and loads."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from cloud_server import CloudServer
from cloud_server.conftest import FIELDS, write

BY_DAY = bigquery.TimePartitioning(field="day")
FIRST = "SELECT 'a' AS id, DATE '2024-01-31' AS day"
SECOND = "SELECT 'b' AS id, DATE '2024-02-01' AS day"


def ids(server: CloudServer, table: str = "visits") -> list[str]:
    return [row["id"] for row in server.rows("core", table)]


def parquet(rows: dict[str, Any]) -> io.BytesIO:
    content = io.BytesIO()
    pq.write_table(pa.table(rows), content)
    content.seek(0)
    return content


def load(client: bigquery.Client, rows: dict[str, Any], to: str, **config: Any) -> Any:
    settings = bigquery.LoadJobConfig(source_format="PARQUET", **config)
    return client.load_table_from_file(parquet(rows), to, job_config=settings).result()


def test_a_truncating_write_takes_the_new_schema_and_loses_what_was_said(
    server: CloudServer, client: bigquery.Client, table: bigquery.Table
) -> None:
    table.expires = datetime.now(UTC) + timedelta(days=1)
    client.update_table(table, ["expires"])
    write(client, f"SELECT id, day, 1 AS n FROM ({FIRST})", "core.visits", time_partitioning=BY_DAY)
    found = client.get_table(table.reference)
    assert [field.name for field in found.schema] == ["id", "day", "n"]
    assert [(field.description, field.policy_tags) for field in found.schema] == [(None, None)] * 3
    assert (found.description, found.labels) == (None, {})
    assert found.expires is not None
    assert ids(server) == ["a"]


def test_a_partition_is_replaced_alone(server: CloudServer, client: bigquery.Client, table: bigquery.Table) -> None:
    for sql, to in (
        (FIRST, "visits$20240131"),
        (SECOND, "visits$20240201"),
        (FIRST.replace("'a'", "'c'"), "visits$20240131"),
    ):
        write(client, sql, f"core.{to}", time_partitioning=BY_DAY)
    assert ids(server) == ["b", "c"]
    assert client.get_table(table.reference).description == "Visits."
    with pytest.raises(exceptions.BadRequest, match="Some rows belong to different partitions"):
        write(client, FIRST, "core.visits$20240201", time_partitioning=BY_DAY)
    assert ids(server) == ["b", "c"]


@pytest.mark.parametrize("layout", [{}, {"time_partitioning": bigquery.TimePartitioning(field="day", type_="MONTH")}])
def test_another_layout_is_refused(client: bigquery.Client, table: bigquery.Table, layout: dict[str, Any]) -> None:
    with pytest.raises(exceptions.BadRequest, match="Incompatible table partitioning specification"):
        write(client, FIRST, "core.visits", **layout)


def test_dispositions(server: CloudServer, client: bigquery.Client, table: bigquery.Table) -> None:
    for disposition in ("WRITE_EMPTY", "WRITE_APPEND"):
        write(client, FIRST, "core.visits", disposition, time_partitioning=BY_DAY)
    assert ids(server) == ["a", "a"]
    with pytest.raises(exceptions.Conflict, match="Already Exists: Table"):
        write(client, FIRST, "core.visits", "WRITE_EMPTY", time_partitioning=BY_DAY)
    with pytest.raises(exceptions.BadRequest, match="Provided Schema does not match Table"):
        write(client, "SELECT 'a' AS id", "core.visits", "WRITE_APPEND", time_partitioning=BY_DAY)
    with pytest.raises(exceptions.NotFound, match="Not found: Table"):
        write(client, FIRST, "core.new", create_disposition="CREATE_NEVER")
    with pytest.raises(exceptions.NotFound, match="Not found: Dataset"):
        write(client, FIRST, "nowhere.new")


def test_a_copy_keeps_schema_and_descriptions_and_not_the_expiration(
    server: CloudServer, client: bigquery.Client, table: bigquery.Table
) -> None:
    load(client, {"id": ["a"], "day": [date(2024, 1, 31)]}, "core.visits", time_partitioning=BY_DAY, schema=FIELDS)
    found = client.get_table(table.reference)
    found.expires = datetime.now(UTC) + timedelta(days=1)
    client.update_table(found, ["expires"])
    config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
    for _ in range(2):
        client.copy_table("core.visits", "core.copied", job_config=config).result()
    copied = client.get_table("core.copied")
    assert [(f.description, f.policy_tags) for f in copied.schema] == [("Key.", None), (None, FIELDS[1].policy_tags)]
    assert (copied.time_partitioning, copied.expires, copied.num_rows) == (BY_DAY, None, 1)
    assert ids(server, "copied") == ["a"]


def test_a_copy_of_a_partition_replaces_that_one(
    server: CloudServer, client: bigquery.Client, table: bigquery.Table
) -> None:
    write(client, f"{FIRST} UNION ALL {SECOND}", "core.visits", time_partitioning=BY_DAY)
    write(client, FIRST.replace("'a'", "'new'"), "core.other", time_partitioning=BY_DAY)
    config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE")
    client.copy_table("core.other$20240131", "core.visits$20240131", job_config=config).result()
    assert ids(server) == ["b", "new"]
    write(client, FIRST, "core.plain")
    with pytest.raises(exceptions.BadRequest, match="Incompatible table partitioning"):
        client.copy_table("core.plain", "core.visits", job_config=config).result()


# -- loading


@pytest.fixture
def nested(client: bigquery.Client) -> list[bigquery.SchemaField]:
    return [bigquery.SchemaField("id", "STRING"), bigquery.SchemaField("tags", "STRING", mode="REPEATED")]


def test_lists_need_inference_and_no_array_is_null(
    server: CloudServer, client: bigquery.Client, nested: list[bigquery.SchemaField]
) -> None:
    rows = {"id": ["a", "b"], "tags": pa.array([["x"], None], pa.list_(pa.string()))}
    with pytest.raises(exceptions.BadRequest, match="Parquet column 'tags'"):
        load(client, rows, "core.t", schema=nested)
    options = bigquery.ParquetOptions()
    options.enable_list_inference = True
    load(client, rows, "core.t", schema=nested, parquet_options=options)
    assert server.rows("core", "t") == [{"id": "a", "tags": ["x"]}, {"id": "b", "tags": []}]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"id": [1], "day": [date(2024, 1, 31)]}, "Parquet column 'id' has type INT64 which does not match"),
        ({"id": ["a"], "colour": ["red"]}, "there is no column colour"),
    ],
)
def test_a_file_of_other_columns_is_a_failed_job(
    client: bigquery.Client, table: bigquery.Table, rows: dict[str, Any], message: str
) -> None:
    with pytest.raises(exceptions.BadRequest, match=message):
        load(client, rows, "core.visits", time_partitioning=BY_DAY, schema=FIELDS)
    assert client.get_table(table.reference).num_rows == 0


def test_files_of_a_bucket_are_loaded_by_name_and_by_pattern(server: CloudServer, client: bigquery.Client) -> None:
    server.add_bucket("landing")
    for name in ("x/a", "x/b", "y/c"):
        server.objects["landing", f"{name}.parquet"] = parquet({"id": [name]}).getvalue()
    config = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_TRUNCATE")
    for uris, expected in ((["gs://landing/x/*"], 2), (["gs://landing/x/a.parquet", "gs://landing/y/c.parquet"], 2)):
        assert client.load_table_from_uri(uris, "core.t", job_config=config).result().output_rows == expected
    assert ids(server, "t") == ["x/a", "y/c"]
    with pytest.raises(exceptions.NotFound, match=r"Not found: URI gs://landing/z\.parquet"):
        client.load_table_from_uri(["gs://landing/z.parquet"], "core.t", job_config=config).result()
    assert ids(server, "t") == ["x/a", "y/c"]
