"""What a table in BigQuery is and its model.yaml no longer says: refused, with the statement that puts it right.

Google's rules: new nullable columns and descriptions are taken at any time; a type can only be widened, partitioning
and clustering never change. https://cloud.google.com/bigquery/docs/managing-table-schemas
"""

from __future__ import annotations

from dataclasses import dataclass

from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.warehouse.bigquery_resources import column_type, same_layout

# ALTER COLUMN … SET DATA TYPE takes these; anything else is a new table.
_WIDER = {
    "INT64": {"NUMERIC", "BIGNUMERIC", "FLOAT64"},
    "NUMERIC": {"BIGNUMERIC", "FLOAT64"},
    "BIGNUMERIC": {"FLOAT64"},
}


@dataclass(frozen=True)
class Difference:
    """What differs, in words, and the GoogleSQL that a person may run to put it right."""

    text: str
    statement: str


def differences(table: bigquery.Table, spec: TableSpec) -> list[Difference]:
    """The differences that cannot be put right without touching what the table holds."""
    name = f"`{table.project}`.{spec.name}"
    if table.table_type != "TABLE":
        return [Difference(f"{spec.name} is a {table.table_type} in BigQuery, not a table", _drop(table, name))]
    if not same_layout(table, spec):
        found, wanted = table.time_partitioning, spec.partition
        by = f"{found.type_} of {found.field}" if found else "nothing"
        not_by = f"{wanted.granularity} of {wanted.column}" if wanted else "nothing"
        clusters = [", ".join(names) or "nothing" for names in (table.clustering_fields or (), spec.cluster_by)]
        text = (
            f"{spec.name} is partitioned by {by} and clustered by {clusters[0]} in BigQuery, not by {not_by} and"
            f" {clusters[1]} as in model.yaml; BigQuery cannot change that in place"
        )
        return [Difference(text, _rewrite(table, name, spec, "*"))]
    return [*_columns(table, spec, name)]


def _columns(table: bigquery.Table, spec: TableSpec, name: str) -> list[Difference]:
    found: list[Difference] = []
    declared = spec.schema
    for field in table.schema:
        type_, wanted = str(column_type(field)), declared.get(field.name)
        column = f"{spec.name}.{field.name}"
        if wanted is None:
            found.append(
                Difference(
                    f"{column} is in BigQuery but not in model.yaml; columns are never dropped by themselves:"
                    " put it back, or drop it",
                    f"ALTER TABLE {name} DROP COLUMN {field.name};",
                )
            )
        elif type_ != wanted:
            text = (
                f"{column} is {type_} in BigQuery and {wanted} in model.yaml; a column's type cannot change by itself:"
                " add a new column, or convert it"
            )
            found.append(Difference(text, _retype(table, name, spec, field.name, type_, wanted)))
        elif field.mode == "REQUIRED":
            found.append(
                Difference(
                    f"{column} is {type_} NOT NULL in BigQuery; a rebuild cannot keep that",
                    f"ALTER TABLE {name} ALTER COLUMN {field.name} DROP NOT NULL;",
                )
            )
    return found


def refuse_differences(table: bigquery.Table, spec: TableSpec) -> None:
    """Raise WarehouseError for a difference that cannot be put right without touching what the table holds."""
    if found := differences(table, spec):
        raise WarehouseError("\n".join(f"{each.text}. To do it, run:\n  {each.statement}" for each in found))


def _drop(table: bigquery.Table, name: str) -> str:
    return f"DROP {table.table_type.replace('_', ' ')} {name};"


def _retype(table: bigquery.Table, name: str, spec: TableSpec, column: str, type_: str, wanted: str) -> str:
    if wanted in _WIDER.get(type_, ()):
        return f"ALTER TABLE {name} ALTER COLUMN {column} SET DATA TYPE {wanted};"
    return _rewrite(table, name, spec, f"* REPLACE (CAST({column} AS {wanted}) AS {column})")


def _rewrite(table: bigquery.Table, name: str, spec: TableSpec, columns: str) -> str:
    """A new table in the old one's place: BigQuery replaces none by one that is partitioned or clustered otherwise.

    Its descriptions, labels and policy tags come with the next `ensure` or publish.
    """
    beside = TableName(spec.name.dataset, f"{spec.name.table}__rewritten")
    new = f"{name.rpartition('.')[0].rpartition('.')[0]}.{beside}"
    unfiltered = f"ALTER TABLE {name} SET OPTIONS (require_partition_filter = FALSE); "
    return (
        f"{unfiltered if table.require_partition_filter else ''}"
        f"CREATE TABLE {new}{_layout(spec)} AS SELECT {columns} FROM {name};"
        f" DROP TABLE {name}; ALTER TABLE {new} RENAME TO {spec.name.table};"
    )


def _layout(spec: TableSpec) -> str:
    text = ""
    if spec.partition:
        column, granularity = spec.partition.column, spec.partition.granularity
        timestamp = spec.schema[column] == "TIMESTAMP"
        by_day = f"DATE({column})" if timestamp else column
        truncated = f"{'TIMESTAMP_TRUNC' if timestamp else 'DATE_TRUNC'}({column}, {granularity})"
        text += f" PARTITION BY {by_day if granularity == 'DAY' else truncated}"
    if spec.cluster_by:
        text += f" CLUSTER BY {', '.join(spec.cluster_by)}"
    if spec.partition and spec.partition.require_filter:
        text += " OPTIONS (require_partition_filter = TRUE)"
    return text
