"""Datasets and tables, as Google's client sees them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from cloud_server import CloudServer
from cloud_server.conftest import FIELDS, Plain, write

BY_DAY = bigquery.TimePartitioning(field="day")
ROWS = "SELECT 'a' AS id, DATE '2024-01-31' AS day UNION ALL SELECT 'b', DATE '2024-02-01' UNION ALL SELECT 'c', CAST(NULL AS DATE)"


def test_datasets_are_made_changed_listed_and_deleted(client: bigquery.Client, table: bigquery.Table) -> None:
    with pytest.raises(exceptions.Conflict, match="Already Exists: Dataset"):
        client.create_dataset("core")
    dataset = client.get_dataset("core")
    assert dataset.location == "EU"
    dataset.labels = {"owner": "web"}
    assert client.update_dataset(dataset, ["labels"]).labels == {"owner": "web"}
    client.create_dataset("marts")
    assert [item.dataset_id for item in client.list_datasets(max_results=1)] == ["core"]
    assert [item.dataset_id for item in client.list_datasets()] == ["core", "marts"]
    with pytest.raises(exceptions.BadRequest, match="still in use"):
        client.delete_dataset("core")
    client.delete_dataset("core", delete_contents=True)
    with pytest.raises(exceptions.NotFound):
        client.get_table(table.reference)


def test_a_table_is_as_it_was_made(client: bigquery.Client, table: bigquery.Table) -> None:
    assert (table.description, table.labels, table.num_rows, table.table_type) == (
        "Visits.",
        {"owner": "web"},
        0,
        "TABLE",
    )
    assert table.time_partitioning == BY_DAY
    assert table.schema[1].policy_tags == FIELDS[1].policy_tags
    assert table.etag
    with pytest.raises(exceptions.Conflict, match="Already Exists: Table"):
        client.create_table(bigquery.Table(table.reference))
    with pytest.raises(exceptions.NotFound, match="Not found: Dataset test-project:nowhere"):
        client.create_table(f"{client.project}.nowhere.t")


def test_rows_and_bytes_are_counted_by_partition(client: bigquery.Client, table: bigquery.Table) -> None:
    write(client, ROWS, "core.visits", time_partitioning=BY_DAY)
    whole = client.get_table("core.visits")
    assert (whole.num_rows, whole.num_bytes) == (3, 3 * 3 + 2 * 8)
    assert client.get_table("core.visits$20240131").num_rows == 1
    assert client.get_table("core.visits$__NULL__").num_rows == 1
    assert client.get_table("core.visits$20240101").num_rows == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"timePartitioning": {"type": "DAY", "field": "nowhere"}}, "nowhere"),
        ({"timePartitioning": {"type": "DAY", "field": "id"}}, "cannot be found in the schema as DATE"),
        ({"clustering": {"fields": ["nowhere"]}}, "nowhere"),
        ({"requirePartitionFilter": True}, "only for partitioned tables"),
        ({"labels": {"Owner": "web"}}, "invalid characters"),
    ],
)
def test_a_table_that_cannot_be_is_refused(
    plain: Plain, client: bigquery.Client, body: dict[str, object], message: str
) -> None:
    reference = {"projectId": client.project, "datasetId": "core", "tableId": "t"}
    schema = {"fields": [field.to_api_repr() for field in FIELDS]}
    answer = plain.bigquery("POST", "/datasets/core/tables", {"tableReference": reference, "schema": schema, **body})
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


# -- changes


def test_what_can_change_in_place_does(client: bigquery.Client, table: bigquery.Table) -> None:
    write(client, ROWS, "core.visits", time_partitioning=BY_DAY)
    table = client.get_table("core.visits")
    table.schema = [
        bigquery.SchemaField("id", "STRING", description="The key."),
        FIELDS[1],
        bigquery.SchemaField("tags", "STRING", mode="REPEATED"),
    ]
    table.description, table.labels, table.require_partition_filter = "All visits.", {"cost": "7"}, True
    table.expires = datetime.now(UTC) + timedelta(days=1)
    client.update_table(table, ["schema", "description", "labels", "require_partition_filter", "expires"])
    found = client.get_table("core.visits")
    assert [(field.name, field.description) for field in found.schema] == [
        ("id", "The key."),
        ("day", None),
        ("tags", None),
    ]
    assert found.schema[1].policy_tags == FIELDS[1].policy_tags
    assert (found.description, found.labels, found.require_partition_filter) == ("All visits.", {"cost": "7"}, True)
    assert found.num_rows == 3
    found.expires = None
    assert client.update_table(found, ["expires"]).expires is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (FIELDS[:1], "Field day is missing in new schema"),
        ([bigquery.SchemaField("id", "INT64"), FIELDS[1]], "Field id has changed type from STRING to INTEGER"),
        ([bigquery.SchemaField("id", "STRING", mode="REPEATED"), FIELDS[1]], "changed mode from NULLABLE to REPEATED"),
        ([*FIELDS, bigquery.SchemaField("n", "INT64", mode="REQUIRED")], "Cannot add required fields"),
    ],
)
def test_another_schema_is_refused(
    client: bigquery.Client, table: bigquery.Table, fields: list[bigquery.SchemaField], message: str
) -> None:
    table.schema = fields
    with pytest.raises(exceptions.BadRequest, match=message):
        client.update_table(table, ["schema"])
    assert client.get_table(table.reference).schema[0].description == "Key."


def test_partitioning_cannot_change(client: bigquery.Client, table: bigquery.Table) -> None:
    table.time_partitioning = bigquery.TimePartitioning(field="day", type_="MONTH")
    with pytest.raises(exceptions.BadRequest, match="Cannot change partitioning spec"):
        client.update_table(table, ["time_partitioning"])


def test_a_change_to_what_has_changed_since_is_refused(client: bigquery.Client, table: bigquery.Table) -> None:
    client.update_table(client.get_table(table.reference), ["description"])
    with pytest.raises(exceptions.PreconditionFailed):
        client.update_table(table, ["description"])


def test_writing_is_a_change_too(client: bigquery.Client, table: bigquery.Table) -> None:
    write(client, ROWS, "core.visits", time_partitioning=BY_DAY)
    found = client.get_table(table.reference)
    assert found.etag != table.etag
    assert found.modified > table.modified
    assert found.created == table.created


def test_a_table_expires(client: bigquery.Client, table: bigquery.Table) -> None:
    table.expires = datetime.now(UTC) + timedelta(seconds=0.3)
    client.update_table(table, ["expires"])
    assert client.get_table(table.reference).expires is not None
    time.sleep(0.35)
    with pytest.raises(exceptions.NotFound):
        client.get_table(table.reference)


# -- views, lists, rows


def test_a_view_has_the_columns_of_its_query(client: bigquery.Client) -> None:
    write(client, "SELECT 1 AS n, 'x' AS s", "core.t")
    view = bigquery.Table(f"{client.project}.core.v")
    view.view_query = f"SELECT t.n FROM `{client.project}`.core.t AS t"
    view = client.create_table(view)
    assert (view.table_type, [field.name for field in view.schema]) == ("VIEW", ["n"])
    view.view_query = f"SELECT t.n, t.s FROM `{client.project}.core.t` AS t"
    assert [field.name for field in client.update_table(view, ["view_query"]).schema] == ["n", "s"]
    assert client.get_table("core.v").num_rows is None
    broken = bigquery.Table(f"{client.project}.core.w")
    broken.view_query = "SELECT n FROM core.nowhere"
    with pytest.raises(exceptions.NotFound, match="Not found: Table"):
        client.create_table(broken)


def test_lists_come_in_pages(server: CloudServer, client: bigquery.Client) -> None:
    for number in range(5):
        client.create_table(f"{client.project}.core.t{number}")
    pages = [[item.table_id for item in page] for page in client.list_tables("core", page_size=2).pages]
    assert pages == [["t0", "t1"], ["t2", "t3"], ["t4"]]
    assert [entry.query.get("pageToken") for entry in server.sent("bigquery.tables.list")] == [None, "2", "4"]


def test_rows_are_listed(client: bigquery.Client) -> None:
    write(client, "SELECT 1 AS n, 'x' AS s UNION ALL SELECT 2, 'y' UNION ALL SELECT 3, 'z'", "core.t")
    rows = client.list_rows("core.t", page_size=2, selected_fields=[bigquery.SchemaField("s", "STRING")])
    assert sorted(row["s"] for row in rows) == ["x", "y", "z"]
    assert rows.total_rows == 3


def test_permissions_are_granted_unless_denied(
    server: CloudServer, client: bigquery.Client, table: bigquery.Table
) -> None:
    wanted = ["bigquery.tables.get", "bigquery.tables.updateData"]
    assert client.test_iam_permissions(table.reference, wanted) == {"permissions": wanted}
    server.denied.add(wanted[1])
    assert client.test_iam_permissions(table.reference, wanted) == {"permissions": wanted[:1]}
