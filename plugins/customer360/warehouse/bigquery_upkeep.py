"""Maintenance on BigQuery, which needs little: storage is its own affair, and candidates have an end of their own."""

from __future__ import annotations

from google.api_core import exceptions
from google.cloud import bigquery

from customer360.project.names import TableName
from customer360.warehouse.bigquery_jobs import Jobs
from customer360.warehouse.bigquery_tables import Tables
from customer360.warehouse.upkeep import Tidied, Upkeep, is_temporary

_DAY_MS = 24 * 60 * 60 * 1000


def tidy(client: bigquery.Client, jobs: Jobs, tables: Tables, upkeep: Upkeep, *, dry_run: bool) -> Tidied:
    """See the port. Days of a table are removed by BigQuery itself: the table is told how long they last."""
    stale: list[TableName] = []
    for dataset in upkeep.datasets:
        stale += _stale(client, jobs, dataset, upkeep)
    if not dry_run:
        tables.drop(stale)
    expiring: dict[TableName, int] = {}
    for spec, first_kept in upkeep.partitions.items():
        table = tables.find(spec.name)
        days = (upkeep.now.date() - first_kept).days
        if table is None or table.time_partitioning is None:
            continue
        if table.time_partitioning.expiration_ms != days * _DAY_MS:
            expiring[spec.name] = days
            if not dry_run:
                partitioning = table.time_partitioning
                partitioning.expiration_ms = days * _DAY_MS
                table.time_partitioning = partitioning
                with jobs.errors(f"let days of {spec.name} expire"):
                    client.update_table(table, ["time_partitioning"])
    notes = tuple(f"days of {name} now expire after {days} days" for name, days in expiring.items())
    return Tidied(tables=tuple(stale), notes=notes)


def _stale(client: bigquery.Client, jobs: Jobs, dataset: str, upkeep: Upkeep) -> list[TableName]:
    """Candidates and scratch tables that nobody has written for long."""
    before = upkeep.before(upkeep.candidates)
    if before is None:
        return []
    found = []
    with jobs.errors(f"look for stale candidates in {dataset}"):
        try:
            listed = [*client.list_tables(bigquery.DatasetReference(client.project, dataset))]
        except exceptions.NotFound:
            return []
        for name in sorted(TableName(dataset, item.table_id) for item in listed):
            if not is_temporary(name):
                continue
            try:
                table = client.get_table(bigquery.DatasetReference(client.project, dataset).table(name.table))
            except exceptions.NotFound:  # ended meanwhile
                continue
            if table.modified is not None and table.modified < before:
                found.append(name)
    return found
