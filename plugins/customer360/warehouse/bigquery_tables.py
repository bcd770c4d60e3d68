"""Datasets and tables in one BigQuery project: looking, creating, describing, dropping."""

from __future__ import annotations

from collections.abc import Iterable

from google.api_core import exceptions
from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.warehouse import bigquery_resources as resources
from customer360.warehouse.bigquery_jobs import Jobs


class Tables:
    """Table resources of the client's project."""

    def __init__(self, client: bigquery.Client, jobs: Jobs) -> None:
        self.client, self.jobs = client, jobs
        self._known_datasets: set[str] = set()

    def reference(self, name: TableName, partition: str = "") -> bigquery.TableReference:
        """The table, or with `$20240131` one partition of it."""
        return bigquery.DatasetReference(self.client.project, name.dataset).table(name.table + partition)

    def find(self, name: TableName, partition: str = "") -> bigquery.Table | None:
        """The resource; None for a missing table or dataset."""
        with self.jobs.errors(f"look at {name}"):
            try:
                return self.client.get_table(self.reference(name, partition))
            except exceptions.NotFound:
                return None

    def ensure(self, specs: Iterable[TableSpec]) -> list[TableName]:
        """Create what is missing, bring the rest up to date; returns the created."""
        created: list[TableName] = []
        for spec in specs:
            self.ensure_dataset(spec.name.dataset)
            table = self.find(spec.name)
            with self.jobs.errors(f"ensure {spec.name}"):
                if table is None:
                    self.client.create_table(resources.new_table(self.reference(spec.name), spec), exists_ok=True)
                    created.append(spec.name)
                else:
                    resources.refuse_differences(table, spec)
                    self.refresh(table, spec)
        return created

    def refresh(self, table: bigquery.Table, spec: TableSpec) -> None:
        """Send the specification's descriptions, labels and new columns, where they differ."""
        if changed := resources.refresh(table, spec):
            self.client.update_table(table, changed)

    def ensure_dataset(self, name: str) -> None:
        """Create a dataset that is missing. One that exists elsewhere is a WarehouseError."""
        if name in self._known_datasets:
            return
        location = self.jobs.location
        with self.jobs.errors(f"ensure dataset {name}"):
            reference = bigquery.DatasetReference(self.client.project, name)
            try:
                dataset = self.client.get_dataset(reference)
            except exceptions.NotFound:
                new = bigquery.Dataset(reference)
                new.location = location
                new.labels = self.jobs.labels(None)
                dataset = self.client.create_dataset(new, exists_ok=True)
        if (dataset.location or "").lower() != location.lower():
            raise WarehouseError(
                f"dataset {name} is in {dataset.location}, jobs run in {location}: BigQuery cannot mix them;"
                " set C360_GOOGLE_LOCATION to where the data is"
            )
        self._known_datasets.add(name)

    def drop(self, names: Iterable[TableName]) -> None:
        """Drop tables and views; missing ones are ignored."""
        for name in names:
            with self.jobs.errors(f"drop {name}"):
                self.client.delete_table(self.reference(name), not_found_ok=True)

    def names(self, dataset: str) -> list[TableName]:
        """Tables and views by name; none for a missing dataset."""
        with self.jobs.errors(f"list {dataset}"):
            try:
                listed = [*self.client.list_tables(bigquery.DatasetReference(self.client.project, dataset))]
            except exceptions.NotFound:
                return []
        return sorted(TableName(dataset, item.table_id) for item in listed)
