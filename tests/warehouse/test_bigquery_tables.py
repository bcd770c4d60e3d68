"""What the BigQuery adapter sends for tables and loads. Every request is valid by Google's description."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from customer360 import __version__
from customer360.errors import WarehouseError
from customer360.project import Column, Partition, TableSpec
from customer360.project.platform import PUBLISHED
from customer360.warehouse.bigquery_jobs import label_texts
from warehouse.conftest import BigQueryBench
from warehouse.shared import FIRST, ONE_ROW, PROJECT, RUN, TOTALS, VISITS, parquet, reference, visits

VISIT_FIELDS = [
    {"name": "visit_id", "type": "STRING", "mode": "NULLABLE", "description": "Key."},
    {"name": "pages", "type": "INT64", "mode": "NULLABLE", "description": "Pages seen."},
    {"name": "day", "type": "DATE", "mode": "NULLABLE", "description": "Logical date."},
]


def test_a_table_is_created_as_specified(cloud: BigQueryBench) -> None:
    spec = replace(VISITS, partition=Partition("day", "MONTH", require_filter=True))
    cloud.warehouse.ensure([spec])
    (dataset,) = cloud.server.sent("bigquery.datasets.insert")
    assert dataset.body == {
        "datasetReference": {"projectId": PROJECT, "datasetId": "raw_web"},
        "location": "EU",
        "labels": {"deployment": "test"},
    }
    (table,) = cloud.server.sent("bigquery.tables.insert")
    assert table.body == {
        "tableReference": reference(VISITS.name),
        "schema": {"fields": VISIT_FIELDS},
        "timePartitioning": {"type": "MONTH", "field": "day"},
        "requirePartitionFilter": True,
        "clustering": {"fields": ["visit_id"]},
        "description": "Visits. One row per visit.",
        "labels": {"owner": "web_team"},
    }


def test_a_change_patches_what_changed_and_keeps_what_others_set(cloud: BigQueryBench) -> None:
    cloud.warehouse.ensure([VISITS])
    table = cloud.server.tables["raw_web", "visits"]
    table["labels"]["cost_centre"] = "7"
    table["schema"]["fields"][0]["policyTags"] = {"names": ["pii"]}
    key, *others = VISITS.columns
    cloud.warehouse.ensure([replace(VISITS, columns=(replace(key, description="The visit."), *others))])
    (patch,) = cloud.server.sent("bigquery.tables.patch")
    assert patch.body is not None
    assert list(patch.body) == ["schema"]
    assert patch.body["schema"]["fields"][0]["policyTags"] == {"names": ["pii"]}
    assert patch.body["schema"]["fields"][0]["description"] == "The visit."
    cloud.warehouse.ensure([replace(VISITS, labels=(("owner", "shop"),))])
    assert cloud.server.tables["raw_web", "visits"]["labels"] == {"owner": "shop", "cost_centre": "7"}


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        (replace(VISITS, partition=None), "partitioned by"),
        (replace(VISITS, partition=Partition("day", "MONTH")), "MONTH"),
        (replace(VISITS, cluster_by=("pages",)), "clustered by"),
    ],
)
def test_another_layout_is_refused(cloud: BigQueryBench, spec: TableSpec, match: str) -> None:
    cloud.warehouse.ensure([VISITS])
    with pytest.raises(WarehouseError, match=match):
        cloud.warehouse.ensure([spec])
    assert cloud.server.sent("bigquery.tables.patch") == []


def test_a_required_column_is_another_type(cloud: BigQueryBench) -> None:
    cloud.warehouse.ensure([VISITS])
    cloud.server.tables["raw_web", "visits"]["schema"]["fields"][1]["mode"] = "REQUIRED"
    with pytest.raises(WarehouseError, match=r"INT64 NOT NULL in BigQuery(.|\n)*ALTER COLUMN pages DROP NOT NULL;"):
        cloud.warehouse.ensure([VISITS])


def test_a_dataset_elsewhere_is_refused(cloud: BigQueryBench) -> None:
    cloud.warehouse.ensure([VISITS])
    cloud.server.datasets["core"] = cloud.server.datasets["raw_web"] | {"location": "US"}
    with pytest.raises(WarehouseError, match="core is in US, jobs run in EU"):
        cloud.warehouse.ensure([TOTALS])


def test_arrays_of_arrays_are_refused(cloud: BigQueryBench) -> None:
    spec = replace(TOTALS, columns=(Column("grid", "ARRAY<ARRAY<INT64>>", "Numbers."),))
    with pytest.raises(WarehouseError, match="no arrays of arrays"):
        cloud.warehouse.ensure([spec])


# -- loads


def test_a_bucket_is_loaded_into_a_partition(cloud: BigQueryBench, tmp_path: Path) -> None:
    cloud.server.add_bucket("landing")
    addresses = [f"gs://landing/web/visits/{visit}.parquet" for visit in ("a", "b")]
    for address, visit in zip(addresses, "ab", strict=True):
        content = Path(parquet(tmp_path, VISITS, visits(FIRST, visit))).read_bytes()
        cloud.server.objects["landing", address.removeprefix("gs://landing/")] = content
    stats = cloud.warehouse.load(VISITS, addresses, partition=FIRST, run=RUN)
    (job,) = cloud.server.sent("bigquery.jobs.insert")
    assert not job.upload
    assert job.body is not None
    assert job.body["configuration"] == {
        "load": {
            "sourceUris": addresses,
            "sourceFormat": "PARQUET",
            "parquetOptions": {"enableListInference": True},
            "destinationTable": reference(VISITS.name, "$20240131"),
            "writeDisposition": "WRITE_TRUNCATE",
            "schema": {"fields": VISIT_FIELDS},
            "timePartitioning": {"type": "DAY", "field": "day"},
            "clustering": {"fields": ["visit_id"]},
        },
        "labels": {
            "deployment": "test",
            "dag": "customer_360_daily",
            "task": "marts_write",
            "model": "raw_web_visits",
            "run_date": "2024-01-31",
            "version": label_texts({"version": __version__})["version"],
            "content": job.body["configuration"]["labels"]["content"],
        },
    }
    assert job.body["jobReference"] == {"projectId": PROJECT, "location": "EU", "jobId": stats.job_id}
    assert stats.rows == 2
    assert cloud.rows(VISITS.name) == visits(FIRST, "a", "b")


@pytest.mark.parametrize(("granularity", "suffix"), [("MONTH", "$202401"), ("YEAR", "$2024")])
def test_coarser_partitions_have_shorter_names(
    cloud: BigQueryBench, tmp_path: Path, granularity: Any, suffix: str
) -> None:
    spec = replace(VISITS, partition=Partition("day", granularity))
    cloud.warehouse.load(spec, [parquet(tmp_path, VISITS, visits(FIRST, "a"))], partition=FIRST)
    (configuration,) = cloud.configurations()
    assert configuration["load"]["destinationTable"]["tableId"] == f"visits{suffix}"


def test_local_files_are_one_upload(cloud: BigQueryBench, tmp_path: Path) -> None:
    files = [parquet(tmp_path, VISITS, visits(FIRST, visit), name=visit) for visit in ("a", "b")]
    cloud.warehouse.load(VISITS, files, partition=FIRST, run=RUN)
    (job,) = cloud.server.sent("bigquery.jobs.insert")
    assert job.query["uploadType"] == "multipart"
    assert "sourceUris" not in cloud.configurations()[0]["load"]
    assert job.media is not None
    assert pq.read_table(pa.BufferReader(job.media)).to_pylist() == visits(FIRST, "a", "b")


def test_a_large_file_is_uploaded_resumably(cloud: BigQueryBench, tmp_path: Path) -> None:
    spec = replace(TOTALS, columns=(Column("content", "BYTES", "Noise."),))
    rows = [{"content": os.urandom(6_000_000)}]
    cloud.warehouse.load(spec, [parquet(tmp_path, spec, rows)])
    (job,) = cloud.server.sent("bigquery.jobs.insert")
    assert job.query["uploadType"] == "resumable"
    assert cloud.rows(spec.name) == rows


def test_files_of_another_shape_are_refused_before_the_upload(cloud: BigQueryBench, tmp_path: Path) -> None:
    good = parquet(tmp_path, VISITS, visits(FIRST, "a"), name="good")
    bad = parquet(tmp_path, TOTALS, ONE_ROW, name="bad")
    with pytest.raises(WarehouseError, match=r"bad\.parquet has no column visit_id"):
        cloud.warehouse.load(VISITS, [good, bad], partition=FIRST)
    with pytest.raises(WarehouseError, match="put all in one place"):
        cloud.warehouse.load(VISITS, [good, "gs://landing/b.parquet"], partition=FIRST)
    assert cloud.server.sent("bigquery.jobs.insert") == []


def test_appending_an_unknown_column_is_refused(cloud: BigQueryBench) -> None:
    with pytest.raises(WarehouseError, match="has no column colour"):
        cloud.warehouse.append(TOTALS, pa.table({"n": [1], "colour": ["red"]}))
    cloud.warehouse.append(TOTALS, pa.table({"n": pa.array([], pa.int64())}))
    assert cloud.server.sent("bigquery.jobs.insert") == []


def test_closing_hangs_up(cloud: BigQueryBench) -> None:
    before = cloud.server.connections
    assert list(cloud.warehouse.client.list_datasets()) == []
    assert cloud.server.connections == before + 1
    cloud.warehouse.close()
    deadline = time.monotonic() + 5
    while cloud.server.connections > before:
        assert time.monotonic() < deadline, "the connection is still open"
        time.sleep(0.01)


def test_the_log_table_has_the_columns_that_reading_as_of_needs() -> None:
    assert {"run_id", "table_name", "published_at"} <= PUBLISHED.schema.keys()
