"""Which part of the server answers which of Google's methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cloud_server.answers import Answer, Refused, Resource, partial
from cloud_server.bigquery_jobs import Jobs
from cloud_server.bigquery_queries import Queries
from cloud_server.bigquery_results import Results
from cloud_server.bigquery_tables import Tables
from cloud_server.discovery import Call, header
from cloud_server.faults import Entry, Fault
from cloud_server.storage_api import Storage


@dataclass(frozen=True)
class Routes:
    """The services behind the methods."""

    tables: Tables
    queries: Queries
    jobs: Jobs
    results: Results
    storage: Storage
    denied: set[str]

    def answer(self, call: Call, headers: Mapping[str, str], entry: Entry, fault: Fault | None) -> Answer:
        """Do what a valid call asks for. `fault` is the one that a job is to suffer."""
        found = self._bigquery(call, headers, entry, fault) | self._storage(call, headers)
        if call.method not in found:
            raise Refused(501, "notImplemented", f"the contract server has no {call.method}")
        if (
            call.method.startswith("bigquery.")
            and call.path.get("projectId", self.tables.project) != self.tables.project
        ):
            raise Refused(403, "accessDenied", f"Access Denied: Project {call.path['projectId']}")
        answer = found[call.method]()
        if isinstance(answer, Answer):
            return answer
        if answer is not None and "fields" in call.query:
            answer = partial(answer, call.query["fields"])
        return Answer(200 if answer is not None else 204, answer)

    def _bigquery(
        self, call: Call, headers: Mapping[str, str], entry: Entry, fault: Fault | None
    ) -> dict[str, Callable[[], Any]]:
        at, tables, query, body = call.path, self.tables, call.query, call.body or {}
        dataset, name, job_id = at.get("datasetId", ""), at.get("tableId", ""), at.get("jobId", "")
        match = header(headers, "if-match") or None
        return {
            "bigquery.datasets.get": lambda: tables.get_dataset(dataset),
            "bigquery.datasets.insert": lambda: tables.insert_dataset(body),
            "bigquery.datasets.patch": lambda: tables.patch_dataset(dataset, body, match),
            "bigquery.datasets.delete": lambda: tables.delete_dataset(dataset, query.get("deleteContents") == "true"),
            "bigquery.datasets.list": lambda: tables.list_datasets(query),
            "bigquery.tables.get": lambda: self._get_table(dataset, name),
            "bigquery.tables.insert": lambda: tables.insert_table(body, self.queries.view),
            "bigquery.tables.patch": lambda: tables.patch_table((dataset, name), body, match, self.queries.view),
            "bigquery.tables.delete": lambda: tables.delete_table((dataset, name)),
            "bigquery.tables.list": lambda: tables.list_tables(dataset, query),
            "bigquery.tables.testIamPermissions": lambda: self._test_table(at["resource"], body),
            "bigquery.tabledata.list": lambda: self.results.list((dataset, name), query),
            "bigquery.jobs.insert": lambda: self.insert_job(body, call.media, entry, fault),
            "bigquery.jobs.query": lambda: self._query(body, entry, fault),
            "bigquery.jobs.get": lambda: self._get_job(job_id, query.get("location")),
            "bigquery.jobs.cancel": lambda: self.jobs.cancel(self.jobs.find(job_id, query.get("location"))),
            "bigquery.jobs.list": lambda: self.jobs.list(query),
            "bigquery.jobs.getQueryResults": lambda: self.results.page(
                self.jobs.find(job_id, query.get("location")), query
            ),
        }

    def _storage(self, call: Call, headers: Mapping[str, str]) -> dict[str, Callable[[], Any]]:
        at, query, storage = call.path, call.query, self.storage
        bucket, name = at.get("bucket", ""), at.get("object", "")
        return {
            "storage.buckets.get": lambda: storage.get_bucket(bucket),
            "storage.buckets.insert": lambda: storage.insert_bucket(call.body or {}),
            "storage.buckets.testIamPermissions": lambda: storage.test_permissions(
                bucket, call.repeated["permissions"]
            ),
            "storage.objects.insert": lambda: storage.insert(
                bucket, query, call.body, call.media or b"", call.media_type
            ),
            "storage.objects.get": lambda: (
                storage.media(bucket, name, query, header(headers, "range"))
                if query.get("alt") == "media"
                else storage.find(bucket, name, query)
            ),
            "storage.objects.list": lambda: storage.list(bucket, query),
            "storage.objects.delete": lambda: storage.delete(bucket, name, query),
        }

    def insert_job(self, body: Resource, media: bytes | None, entry: Entry, fault: Fault | None) -> Resource:
        entry.job_id = body.get("jobReference", {}).get("jobId")
        run = self.jobs.insert(body, media, fault)
        entry.job_id = run.resource["jobReference"].get("jobId")
        return self.jobs.shown(run)

    def _query(self, body: Resource, entry: Entry, fault: Fault | None) -> Resource:
        answer, run = self.results.query(body, fault)
        entry.job_id = run.resource["jobReference"].get("jobId")
        return answer

    def _get_job(self, job_id: str, location: str | None) -> Resource:
        run = self.jobs.find(job_id, location)
        self.jobs.poll(run)
        return self.jobs.shown(run)

    def _get_table(self, dataset: str, name: str) -> Resource:
        return self.results.anonymous_table((dataset, name)) or self.tables.get_table(dataset, name)

    def _test_table(self, resource: str, body: Resource) -> Resource:
        _, _, _, dataset, _, name = resource.split("/")
        self.tables.find((dataset, name))
        granted = [permission for permission in body.get("permissions", []) if permission not in self.denied]
        return {"permissions": granted} if granted else {}
