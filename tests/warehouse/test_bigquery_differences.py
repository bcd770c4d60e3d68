"""What model.yaml says and a table in BigQuery is not: taken where Google takes it, refused with the statement if not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlglot
from google.cloud import bigquery
from google.cloud.bigquery import PolicyTagList, SchemaField, TimePartitioning

from customer360.errors import WarehouseError
from customer360.project import Column, Partition, TableName, TableSpec
from customer360.warehouse import bigquery_resources as resources
from customer360.warehouse.bigquery import BigQueryWarehouse
from customer360.warehouse.bigquery_differences import differences, refuse_differences
from customer360.warehouse.port import Publication
from warehouse.conftest import BigQueryBench
from warehouse.shared import FIRST, RUN, TOTALS, VISITS, published_log, write_totals

SPEC = TableSpec(
    TableName("core", "fct_visits"),
    (
        Column("visit_id", "STRING", "Key."),
        Column("email", "STRING", "Address.", pii=True),
        Column("pages", "INT64", "Pages."),
        Column("visited_at", "TIMESTAMP", "When."),
        Column("people", "ARRAY<STRUCT<name STRING, age INT64>>", "Who.", pii=True),
    ),
    "Visits. One row per visit.",
    partition=Partition("visited_at", "MONTH"),
    cluster_by=("visit_id",),
)
TAG = "projects/p/locations/eu/taxonomies/1/policyTags/2"
REFERENCE = bigquery.TableReference.from_string("a-project.core.fct_visits")


def existing(spec: TableSpec = SPEC, policy_tag: str | None = None) -> bigquery.Table:
    """The table as BigQuery has it after its creation."""
    resource = resources.new_table(REFERENCE, spec, policy_tag).to_api_repr()
    return bigquery.Table.from_api_repr(resource | {"type": "TABLE"})


def with_fields(*fields: SchemaField) -> bigquery.Table:
    table = existing()
    kept = [field for field in table.schema if field.name not in {f.name for f in fields}]
    table.schema = [*fields, *kept]
    return table


def test_a_table_as_specified_has_no_differences_and_nothing_to_refresh() -> None:
    assert differences(existing(), SPEC) == []
    assert resources.refresh(existing(), SPEC) == {}


@pytest.mark.parametrize(
    ("table", "words", "statement"),
    [
        (
            with_fields(SchemaField("gone", "STRING")),
            "core.fct_visits.gone is in BigQuery but not in model.yaml",
            "ALTER TABLE `a-project`.core.fct_visits DROP COLUMN gone;",
        ),
        (
            with_fields(SchemaField("pages", "INTEGER", mode="REQUIRED")),
            "core.fct_visits.pages is INT64 NOT NULL in BigQuery",
            "ALTER TABLE `a-project`.core.fct_visits ALTER COLUMN pages DROP NOT NULL;",
        ),
        (
            with_fields(SchemaField("pages", "STRING")),
            "core.fct_visits.pages is STRING in BigQuery and INT64 in model.yaml",
            "CREATE TABLE `a-project`.core.fct_visits__rewritten PARTITION BY TIMESTAMP_TRUNC(visited_at, MONTH)"
            " CLUSTER BY visit_id AS SELECT * REPLACE (CAST(pages AS INT64) AS pages) FROM `a-project`.core.fct_visits;"
            " DROP TABLE `a-project`.core.fct_visits;"
            " ALTER TABLE `a-project`.core.fct_visits__rewritten RENAME TO fct_visits;",
        ),
    ],
)
def test_a_column_is_refused_with_the_statement_that_mends_it(
    table: bigquery.Table, words: str, statement: str
) -> None:
    (found,) = differences(table, SPEC)
    assert found.text.startswith(words)
    assert found.statement == statement
    with pytest.raises(WarehouseError, match="To do it, run:"):
        refuse_differences(table, SPEC)


def test_a_type_that_only_widens_is_altered_in_place() -> None:
    wider = replace(SPEC, columns=tuple(replace(c, type="NUMERIC") if c.name == "pages" else c for c in SPEC.columns))
    (found,) = differences(existing(), wider)
    assert found.statement == "ALTER TABLE `a-project`.core.fct_visits ALTER COLUMN pages SET DATA TYPE NUMERIC;"


@pytest.mark.parametrize(
    ("partition", "clause"),
    [
        (None, " CLUSTER BY visit_id AS"),
        (Partition("visited_at", "DAY"), " PARTITION BY DATE(visited_at) CLUSTER BY visit_id AS"),
        (Partition("visited_at", "YEAR"), " PARTITION BY TIMESTAMP_TRUNC(visited_at, YEAR) CLUSTER BY visit_id AS"),
    ],
)
def test_another_layout_is_a_new_table(partition: Partition | None, clause: str) -> None:
    (found,) = differences(existing(), replace(SPEC, partition=partition))
    assert "cannot change that in place" in found.text
    assert f"fct_visits__rewritten{clause} SELECT * FROM" in found.statement


def test_a_table_that_wants_a_filter_is_read_without_one_and_the_new_one_wants_it_too() -> None:
    filtered = replace(SPEC, partition=Partition("visited_at", "MONTH", require_filter=True))
    (found,) = differences(existing(filtered), replace(filtered, partition=Partition("visited_at", "DAY", True)))
    assert found.statement.startswith(
        "ALTER TABLE `a-project`.core.fct_visits SET OPTIONS (require_partition_filter = FALSE); CREATE TABLE"
    )
    assert "OPTIONS (require_partition_filter = TRUE) AS SELECT * FROM" in found.statement


def test_every_statement_is_bigquery_sql() -> None:
    tables = [with_fields(SchemaField("gone", "STRING")), with_fields(SchemaField("pages", "STRING"))]
    statements = " ".join(d.statement for table in tables for d in differences(table, SPEC))
    parsed = sqlglot.parse(statements, read="bigquery")
    assert [type(statement).__name__ for statement in parsed if statement] == ["Alter", "Create", "Drop", "Alter"]


def test_new_columns_descriptions_and_labels_are_taken() -> None:
    table = existing()
    new = replace(
        SPEC,
        columns=(replace(SPEC.columns[0], description="The key."), *SPEC.columns[1:], Column("via", "STRING", "How.")),
        description="All visits.",
        labels=(("owner", "web"),),
    )
    assert differences(table, new) == []
    assert resources.refresh(table, new) == {
        "schema": ["description of visit_id", "new column via STRING"],
        "description": ["description of the table"],
        "labels": ["label owner"],
    }
    assert [field.name for field in table.schema][-1] == "via"


def test_personal_columns_are_put_under_the_policy_tag_and_others_are_not() -> None:
    fields = {field.name: field for field in existing(policy_tag=TAG).schema}
    tags = PolicyTagList([TAG])
    assert fields["email"].policy_tags == tags
    assert fields["pages"].policy_tags is None
    assert fields["people"].policy_tags is None, "a RECORD takes none"
    assert [nested.policy_tags for nested in fields["people"].fields] == [tags, tags]


def test_a_rewritten_table_gets_its_policy_tags_back_and_keeps_those_that_others_set() -> None:
    others = PolicyTagList(["projects/p/locations/eu/taxonomies/1/policyTags/9"])
    table = with_fields(SchemaField("email", "STRING", policy_tags=others))
    changed = resources.refresh(table, SPEC, TAG)
    fields = {field.name: field for field in table.schema}
    assert fields["email"].policy_tags == others
    assert [nested.policy_tags for nested in fields["people"].fields] == [PolicyTagList([TAG])] * 2
    assert "policy tag of people" in changed["schema"]
    assert resources.refresh(table, SPEC, TAG) == {}


def test_a_candidate_expires_and_takes_no_partition_filter() -> None:
    spec = replace(SPEC, partition=Partition("visited_at", "MONTH", require_filter=True))
    table = existing(spec)
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)
    assert set(resources.refresh(table, spec, expires=expires)) == {"require_partition_filter", "expires"}
    assert (table.expires, table.require_partition_filter) == (expires, False)
    table.time_partitioning = TimePartitioning(type_="MONTH", field="visited_at")
    assert set(resources.refresh(table, spec)) == {"require_partition_filter"}, "an expiration is left as it is"


def test_published_tables_are_tagged_filtered_and_lasting_where_their_candidates_are_not(cloud: BigQueryBench) -> None:
    client = cloud.server.client()
    warehouse = BigQueryWarehouse(client, location=cloud.server.location, policy_tag=TAG)
    columns = (VISITS.columns[0], replace(VISITS.columns[1], pii=True), VISITS.columns[2])
    spec = replace(VISITS, columns=columns, partition=Partition("day", require_filter=True))
    candidate = spec.name.candidate(FIRST)
    sql = "SELECT 'a' AS visit_id, 1 AS pages, DATE '2024-01-31' AS day"
    warehouse.write(spec, sql, target=candidate, run=RUN)
    written = client.get_table(f"{client.project}.{candidate}")
    assert written.expires is not None
    assert timedelta(days=6) < written.expires - datetime.now(UTC) < timedelta(days=8)
    assert not written.require_partition_filter
    warehouse.publish([Publication(spec, candidate)], run=RUN, log=published_log(spec.name))
    published = client.get_table(f"{client.project}.{spec.name}")
    assert published.expires is None
    assert published.require_partition_filter
    for table in (written, published):
        assert [f.policy_tags for f in table.schema] == [None, PolicyTagList([TAG]), None]
        assert table.description == spec.description
    with pytest.raises(WarehouseError, match="without a filter"):
        warehouse.query(f"SELECT visit_id FROM {spec.name}")
    assert warehouse.query(f"SELECT visit_id FROM {spec.name} WHERE day = DATE '2024-01-31'").num_rows == 1


def test_a_change_that_breaks_readers_is_refused_before_anything_runs(cloud: BigQueryBench) -> None:
    write_totals(cloud)
    cloud.warehouse.publish(
        [Publication(TOTALS, TOTALS.name.candidate(FIRST))], run=RUN, log=published_log(TOTALS.name)
    )
    cloud.server.log.clear()
    fewer = replace(TOTALS, columns=TOTALS.columns[:1])
    (change,) = cloud.warehouse.changes([fewer], replaced=True)
    assert (change.action, change.statement) == (
        "refuse",
        f"ALTER TABLE `{cloud.server.project}`.core.totals DROP COLUMN amount;",
    )
    with pytest.raises(WarehouseError, match="DROP COLUMN amount;"):
        cloud.warehouse.write(fewer, "SELECT 1 AS n", target=TOTALS.name.candidate(FIRST), run=RUN)
    assert all(entry.dry_run for entry in cloud.server.sent("bigquery.jobs.insert"))
