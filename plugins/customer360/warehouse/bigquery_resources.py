"""Table specifications ↔ BigQuery's table resources. Nothing here talks to the network.

Every column is NULLABLE or REPEATED: what a query writes is NULLABLE in BigQuery, whatever the table said before, so a
REQUIRED column would not survive a rebuild. That a value is there is for contracts and expectations to check.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.googlesql import types
from customer360.googlesql.types import Type
from customer360.project.model import Column, TableSpec
from customer360.warehouse.bigquery_jobs import label_texts

_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_PARTITION_ID = {"DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}


def schema_fields(columns: Iterable[Column]) -> list[bigquery.SchemaField]:
    """The columns as BigQuery's schema, descriptions included."""
    return [_field(column.name, types.parse(column.type), column.description) for column in columns]


def _field(name: str, type_: Type, description: str | None = None) -> bigquery.SchemaField:
    mode = "NULLABLE" if type_.element is None else "REPEATED"
    inner = type_.element or type_
    if inner.element is not None:
        raise WarehouseError(f"{name} is {type_}: BigQuery has no arrays of arrays; put a STRUCT between them")
    fields = [_field(field, nested) for field, nested in inner.fields]
    known = {} if description is None else {"description": description}
    return bigquery.SchemaField(name, inner.name, mode=mode, fields=fields, **known)  # type: ignore[arg-type]


def column_type(field: bigquery.SchemaField) -> Type:
    """The GoogleSQL type of a column of a BigQuery table."""
    name = _STANDARD.get(field.field_type, field.field_type)
    type_ = types.struct(tuple((f.name, column_type(f)) for f in field.fields)) if name == "STRUCT" else Type(name)
    return types.array(type_) if field.mode == "REPEATED" else type_


def column_types(schema: Iterable[bigquery.SchemaField]) -> dict[str, str]:
    """Column → GoogleSQL type, in order."""
    return {field.name: str(column_type(field)) for field in schema}


def layout(spec: TableSpec) -> dict[str, Any]:
    """Partitioning and clustering, as keyword arguments of a job's configuration; what there is not is left out."""
    found: dict[str, Any] = {}
    if spec.partition:
        partition = bigquery.TimePartitioning(type_=spec.partition.granularity, field=spec.partition.column)
        found["time_partitioning"] = partition
    if spec.cluster_by:
        found["clustering_fields"] = list(spec.cluster_by)
    return found


def partition_id(spec: TableSpec, partition: date) -> str:
    """`$20240131`, `$202401` or `$2024`: what addresses one partition after a table's name."""
    if spec.partition is None:
        raise WarehouseError(f"{spec.name} has no partitions, so {partition} cannot be replaced alone")
    return f"${partition.strftime(_PARTITION_ID[spec.partition.granularity])}"


def new_table(reference: bigquery.TableReference, spec: TableSpec) -> bigquery.Table:
    """The resource that creates the table."""
    table = bigquery.Table(reference, schema=schema_fields(spec.columns))
    for name, value in layout(spec).items():
        setattr(table, name, value)
    if spec.partition:
        table.require_partition_filter = spec.partition.require_filter
    table.description = spec.description
    table.labels = label_texts(dict(spec.labels))
    return table


def same_layout(table: bigquery.Table, spec: TableSpec) -> bool:
    """Whether an existing table is partitioned and clustered as the specification says."""
    found = table.time_partitioning
    wanted = spec.partition
    if (found is None) != (wanted is None) or (table.clustering_fields or []) != list(spec.cluster_by):
        return False
    return found is None or wanted is None or (found.field, found.type_) == (wanted.column, wanted.granularity)


def refuse_differences(table: bigquery.Table, spec: TableSpec) -> None:
    """Raise WarehouseError for a difference that cannot be put right without losing what the table holds."""
    if table.table_type != "TABLE":
        raise WarehouseError(f"{spec.name} is a {table.table_type} in BigQuery, not a table: drop it first")
    existing = {field.name: field for field in table.schema}
    declared = spec.schema
    for name, field in existing.items():
        found = f"{column_type(field)}{' NOT NULL' if field.mode == 'REQUIRED' else ''}"
        if name in declared and found != declared[name]:
            raise WarehouseError(
                f"{spec.name}.{name} is {found} in BigQuery and {declared[name]} in model.yaml;"
                " a column's type cannot change: add a new column, or drop the table and load it again"
            )
    if gone := existing.keys() - declared.keys():
        raise WarehouseError(
            f"{spec.name} has {', '.join(sorted(gone))} in BigQuery but not in model.yaml; columns are never dropped"
            " by themselves: put them back, or drop the table and load it again"
        )
    if not same_layout(table, spec):
        found_by = table.time_partitioning.to_api_repr() if table.time_partitioning else "nothing"
        raise WarehouseError(
            f"{spec.name} is partitioned by {found_by} and clustered by {table.clustering_fields or 'nothing'}"
            f" in BigQuery, not by {spec.partition or 'nothing'} and {list(spec.cluster_by) or 'nothing'}"
            " as in model.yaml;"
            " neither can change: drop the table and load it again"
        )


def refresh(table: bigquery.Table, spec: TableSpec) -> list[str]:
    """Give an existing table the specification's descriptions, labels and new columns; returns the changed properties.

    What others set stays: labels of other keys, policy tags, the order of the existing columns.
    """
    changed: list[str] = []
    existing = {field.name: field.to_api_repr() for field in table.schema}
    wanted = {field.name: field.to_api_repr() for field in schema_fields(spec.columns)}
    merged = {name: field | {"description": wanted[name]["description"]} for name, field in existing.items()}
    merged |= {name: field for name, field in wanted.items() if name not in merged}
    if merged != existing:
        table.schema = [bigquery.SchemaField.from_api_repr(field) for field in merged.values()]
        changed.append("schema")
    if table.description != spec.description:
        table.description = spec.description
        changed.append("description")
    labels = label_texts(dict(spec.labels))
    if labels.items() - table.labels.items():
        table.labels = labels  # a PATCH leaves labels of other keys
        changed.append("labels")
    required = bool(spec.partition and spec.partition.require_filter)
    if bool(table.require_partition_filter) != required:
        table.require_partition_filter = required
        changed.append("require_partition_filter")
    return changed
