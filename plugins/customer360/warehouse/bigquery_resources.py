"""Table specifications ↔ BigQuery's table resources. Nothing here talks to the network.

Every column is NULLABLE or REPEATED: what a query writes is NULLABLE in BigQuery, whatever the table said before, so a
REQUIRED column would not survive a rebuild. That a value is there is for contracts and expectations to check.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.googlesql import types
from customer360.googlesql.types import Type
from customer360.project.model import Column, TableSpec
from customer360.warehouse.bigquery_jobs import label_texts

_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_PARTITION_ID = {"DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}


def schema_fields(columns: Iterable[Column], policy_tag: str | None = None) -> list[bigquery.SchemaField]:
    """The columns as BigQuery's schema, descriptions included, personal ones (`pii`) under the policy tag."""
    return [
        _field(column.name, types.parse(column.type), policy_tag if column.pii else None, column.description)
        for column in columns
    ]


def _field(name: str, type_: Type, policy_tag: str | None, description: str | None = None) -> bigquery.SchemaField:
    mode = "NULLABLE" if type_.element is None else "REPEATED"
    inner = type_.element or type_
    if inner.element is not None:
        raise WarehouseError(f"{name} is {type_}: BigQuery has no arrays of arrays; put a STRUCT between them")
    fields = [_field(field, nested, policy_tag) for field, nested in inner.fields]
    known: dict[str, Any] = {} if description is None else {"description": description}
    if policy_tag and not fields:  # a RECORD takes none itself
        known["policy_tags"] = bigquery.PolicyTagList([policy_tag])
    return bigquery.SchemaField(name, inner.name, mode=mode, fields=fields, **known)


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


def layout_phrases(spec: TableSpec) -> tuple[str, ...]:
    """Columns, partitioning and clustering in words."""
    found = [f"{len(spec.columns)} columns"]
    if spec.partition:
        found.append(f"partitioned by {spec.partition.granularity.lower()} of {spec.partition.column}")
        found += ["partition filter required"] if spec.partition.require_filter else []
    return tuple(found + ([f"clustered by {', '.join(spec.cluster_by)}"] if spec.cluster_by else []))


def partition_id(spec: TableSpec, partition: date) -> str:
    """`$20240131`, `$202401` or `$2024`: what addresses one partition after a table's name."""
    if spec.partition is None:
        raise WarehouseError(f"{spec.name} has no partitions, so {partition} cannot be replaced alone")
    return f"${partition.strftime(_PARTITION_ID[spec.partition.granularity])}"


def new_table(reference: bigquery.TableReference, spec: TableSpec, policy_tag: str | None = None) -> bigquery.Table:
    """The resource that creates the table."""
    table = bigquery.Table(reference, schema=schema_fields(spec.columns, policy_tag))
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


def refresh(
    table: bigquery.Table, spec: TableSpec, policy_tag: str | None = None, *, expires: datetime | None = None
) -> dict[str, list[str]]:
    """Give a table the specification's descriptions, labels, policy tags and new columns, in place.

    Returns what changed: property of the resource → one phrase each. A table that `expires` is a candidate: it is
    looked at as a whole by the audit, so it takes no partition filter. What others set stays: labels of other keys,
    policy tags, an expiration, the order of the existing columns.
    """
    changed = _refresh_schema(table, spec, policy_tag)
    if table.description != spec.description:
        table.description = spec.description
        changed["description"] = ["description of the table"]
    labels = label_texts(dict(spec.labels))
    if differing := sorted(dict(labels.items() - table.labels.items())):
        table.labels = labels  # a PATCH leaves labels of other keys
        changed["labels"] = [f"label {key}" for key in differing]
    required = bool(spec.partition and spec.partition.require_filter and expires is None)
    if bool(table.require_partition_filter) != required:
        table.require_partition_filter = required
        changed["require_partition_filter"] = [f"partition filter {'required' if required else 'not required'}"]
    if expires is not None and (table.expires is None or table.expires < expires - timedelta(days=1)):
        table.expires = expires
        changed["expires"] = [f"expires {expires:%Y-%m-%d}"]
    return changed


def inherit(table: bigquery.Table, published: bigquery.Table) -> list[str]:
    """Give a candidate what others set on the table that it will replace: labels of other keys, policy tags.

    In place; returns the changed properties. A publish takes schema and labels from the candidate.
    """
    changed: list[str] = []
    labels = published.labels | table.labels
    if labels != table.labels:
        table.labels = labels
        changed.append("labels")
    theirs = {field.name: field.to_api_repr() for field in published.schema}
    own = [field.to_api_repr() for field in table.schema]
    tagged = [_replaced_tags(field, theirs.get(field["name"], {})) for field in own]
    if tagged != own:
        table.schema = [bigquery.SchemaField.from_api_repr(field) for field in tagged]
        changed.append("schema")
    return changed


def _replaced_tags(field: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    new = dict(field)
    if theirs.get("policyTags", {}).get("names"):
        new["policyTags"] = theirs["policyTags"]
    if field.get("fields"):
        inner = {nested["name"]: nested for nested in theirs.get("fields", ())}
        new["fields"] = [_replaced_tags(nested, inner.get(nested["name"], {})) for nested in field["fields"]]
    return new


def _refresh_schema(table: bigquery.Table, spec: TableSpec, policy_tag: str | None) -> dict[str, list[str]]:
    existing = {field.name: field.to_api_repr() for field in table.schema}
    merged, phrases = dict(existing), []
    for field in schema_fields(spec.columns, policy_tag):
        wanted, found = field.to_api_repr(), existing.get(field.name)
        if found is None:
            merged[field.name] = wanted
            phrases.append(f"new column {field.name} {column_type(field)}")
            continue
        if found.get("description", "") != wanted.get("description", ""):
            phrases.append(f"description of {field.name}")
        tagged = _tagged(found, wanted)
        if tagged != found:
            phrases.append(f"policy tag of {field.name}")
        merged[field.name] = tagged | {"description": wanted["description"]}
    if merged == existing:
        return {}
    table.schema = [bigquery.SchemaField.from_api_repr(field) for field in merged.values()]
    return {"schema": phrases}


def _tagged(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """A field of a table with the policy tags it should have and has not, in nested fields too."""
    new = dict(found)
    if wanted.get("policyTags") and not found.get("policyTags", {}).get("names"):
        new["policyTags"] = wanted["policyTags"]
    if found.get("fields"):
        inner = {field["name"]: field for field in wanted.get("fields", ())}
        new["fields"] = [_tagged(field, inner.get(field["name"], {})) for field in found["fields"]]
    return new
