"""Datasets and tables in one BigQuery project: looking, creating, describing, dropping."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from google.api_core import exceptions
from google.cloud import bigquery

from customer360.errors import WarehouseError
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.warehouse import bigquery_resources as resources
from customer360.warehouse.bigquery_differences import differences, refuse_differences
from customer360.warehouse.bigquery_jobs import AFTER_CREATION, Jobs
from customer360.warehouse.port import Change

# A candidate that no run publishes is gone after this, with the storage it costs.
CANDIDATE_LIFE = timedelta(days=7)


class Tables:
    """Table resources of the client's project; personal columns are put under `policy_tag`."""

    def __init__(self, client: bigquery.Client, jobs: Jobs, policy_tag: str | None = None) -> None:
        self.client, self.jobs, self.policy_tag = client, jobs, policy_tag
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
                    new = resources.new_table(self.reference(spec.name), spec, self.policy_tag)
                    self.create(new)
                    created.append(spec.name)
                else:
                    refuse_differences(table, spec)
                    self.refresh(table, spec)
        return created

    def create(self, table: bigquery.Table) -> bigquery.Table:
        """Create a table or view, if somebody was not quicker; returns what is there, once it is to be seen."""
        try:
            self.client.create_table(table)
        except exceptions.Conflict:
            pass
        return self.known(table.reference)

    def known(self, reference: bigquery.TableReference) -> bigquery.Table:
        """A table that was made just now, and may not be seen at once."""
        return self.client.get_table(reference, retry=AFTER_CREATION)

    def changes(self, specs: Iterable[TableSpec]) -> list[Change]:
        """What `ensure` would do, and what it would refuse."""
        found: list[Change] = []
        for spec in specs:
            table = self.find(spec.name)
            if table is None:
                found.append(Change(spec.name, "create", resources.layout_phrases(spec)))
            elif refused := differences(table, spec):
                statements = "\n".join(difference.statement for difference in refused)
                found.append(Change(spec.name, "refuse", tuple(d.text for d in refused), statements))
            elif changed := resources.refresh(table, spec, self.policy_tag):
                found.append(Change(spec.name, "alter", tuple(phrase for each in changed.values() for phrase in each)))
        return found

    def ensure_candidate(self, spec: TableSpec, name: TableName) -> None:
        """Make an empty candidate, before the first row is in it: it expires, and personal columns have their tags.

        What others set on the published table, labels and tags, is given to the candidate that will replace it. A
        change of the published table that would break its readers is refused.
        """
        published, table = self.find(spec.name), self.find(name)
        if published is not None:
            refuse_differences(published, spec)
        if table is not None and differences(table, replace(spec, name=name)):
            self.drop([name])  # an earlier version of the model left it
            table = None
        with self.jobs.errors(f"ensure {name}"):
            if table is None:
                new = resources.new_table(self.reference(name), spec, self.policy_tag)
                new.require_partition_filter = False
                new.expires = datetime.now(UTC) + CANDIDATE_LIFE
                if published is not None:
                    resources.inherit(new, published)
                self.create(new)
            elif published is not None and (changed := resources.inherit(table, published)):
                self.client.update_table(table, changed)

    def refresh(self, table: bigquery.Table, spec: TableSpec, *, candidate: bool = False) -> None:
        """Send the specification's descriptions, labels, policy tags and new columns, where they differ."""
        expires = datetime.now(UTC) + CANDIDATE_LIFE if candidate else None
        # A view has the tags of the tables that it reads.
        tag = self.policy_tag if table.table_type != "VIEW" else None
        for last in (False, True):
            changed = resources.refresh(table, spec, tag, expires=expires)
            if not changed:
                return
            try:
                self.client.update_table(table, list(changed))
                return
            except exceptions.PreconditionFailed:
                # Somebody changed it since it was read, or this did and the answer was lost: look again, once.
                if last:
                    raise
                table = self.known(table.reference)

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
                new.labels = self.jobs.deployment
                try:
                    dataset = self.client.create_dataset(new)
                except exceptions.Conflict:
                    dataset = self.client.get_dataset(reference, retry=AFTER_CREATION)
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
