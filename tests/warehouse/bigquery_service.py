"""What BigQuery's service does with tables and jobs, as far as Google documents it and the adapter depends on it.

No engine: queries run nowhere, a test registers what a text gives. WRITE_TRUNCATE takes the new schema and loses the
descriptions, partitions must be said again, a view is created without a schema: an adapter that forgets it fails.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq

from customer360.googlesql.types import parse
from customer360.project import TableName
from warehouse.bigquery_wire import api_fields, canonical, cells, type_texts
from warehouse.discovery import Call

PROJECT = "test-project"
_PARTITION = {"DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}
_LAYOUT: tuple[str, ...] = ("timePartitioning", "clustering")
Resource = dict[str, Any]


def reference(name: TableName, suffix: str = "") -> Resource:
    """A table in a request, or with `$20240131` a partition of it."""
    return {"projectId": PROJECT, "datasetId": name.dataset, "tableId": name.table + suffix}


class Refused(Exception):
    """An HTTP error to answer with."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status, self.reason, self.message = status, reason, message
        super().__init__(message)


@dataclass
class Answer:
    """What a query gives: canned."""

    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    bytes_processed: int = 1000
    reads: Sequence[str] = ()


@dataclass
class Service:
    """One project in one location."""

    location: str = "EU"
    datasets: dict[str, Resource] = field(default_factory=dict)
    tables: dict[tuple[str, str], Resource] = field(default_factory=dict)
    rows: dict[tuple[str, str], list[Resource]] = field(default_factory=dict)
    jobs: dict[str, Resource] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    failing: dict[str, Resource] = field(default_factory=dict)
    pending: int = 0  # how many times a new job is seen running
    _clock: int = 1_700_000_000_000

    def gives(self, sql: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """Register what a query's text gives; the latest registration is in force."""
        self.answers[sql] = Answer(columns, rows, **more)

    def fails(self, table: str, reason: str, message: str) -> None:
        """The next job that writes to `dataset.table` fails."""
        self.failing[table] = {"reason": reason, "message": message}

    def answer(self, call: Call, headers: Mapping[str, Any]) -> Any:
        at = call.path
        table = (at.get("datasetId", ""), at.get("tableId", ""))
        handlers: dict[str, Callable[[], Any]] = {
            "datasets.get": lambda: self._found(self.datasets, at["datasetId"]),
            "datasets.insert": lambda: self._insert_dataset(call.body or {}),
            "tables.get": lambda: self._get_table(*table),
            "tables.insert": lambda: self._insert_table(call.body or {}),
            "tables.patch": lambda: self._patch_table(table, call.body or {}, headers),
            "tables.delete": lambda: self._delete_table(table),
            "tables.list": lambda: self._list_tables(at["datasetId"]),
            "jobs.get": lambda: self._get_job(at["jobId"]),
            "jobs.insert": lambda: self.insert_job(call.body or {}, call.media),
            "jobs.getQueryResults": lambda: self._results(at["jobId"], call.query),
        }
        return handlers[call.method.removeprefix("bigquery.")]()

    @staticmethod
    def _found(where: Mapping[Any, Resource], key: Any) -> Resource:
        if key not in where:
            raise Refused(404, "notFound", f"Not found: {key}")
        return where[key]

    # -- datasets and tables

    def _insert_dataset(self, body: Resource) -> Resource:
        name = body["datasetReference"]["datasetId"]
        if name in self.datasets:
            raise Refused(409, "duplicate", f"Already Exists: Dataset {name}")
        self.datasets[name] = {"kind": "bigquery#dataset", "id": f"{PROJECT}:{name}", "etag": "1", **body}
        return self.datasets[name]

    def _get_table(self, dataset: str, name: str) -> Resource:
        self._found(self.datasets, dataset)
        table, _, partition = name.partition("$")
        resource = self._found(self.tables, (dataset, table))
        if resource["type"] == "VIEW":
            return resource
        rows = self.rows[dataset, table]
        if partition:
            rows = [row for row in rows if self._partition_of(resource, row) == partition]
        return resource | {"numRows": str(len(rows))}

    def _insert_table(self, body: Resource) -> Resource:
        reference = body["tableReference"]
        key = (reference["datasetId"], reference["tableId"])
        self._found(self.datasets, key[0])
        if key in self.tables:
            raise Refused(409, "duplicate", f"Already Exists: Table {key}")
        if "view" in body:
            if "schema" in body:
                raise Refused(400, "invalid", "Schema field shouldn't be used as input with a view")
            body = body | {"schema": {"fields": self._view_fields(body["view"]["query"])}}
        return self._put_table(key, body, "VIEW" if "view" in body else "TABLE")

    def _view_fields(self, sql: str) -> list[Resource]:
        # The text that a test registered names no project, nor the alias that goes with it.
        plain = re.sub(rf"`{PROJECT}`\.(\w+\.(\w+))( AS \2\b)?", r"\1", sql)
        return api_fields(self._answer_to(plain).columns)

    def _put_table(self, key: tuple[str, str], body: Resource, type_: str) -> Resource:
        stored = json.loads(json.dumps(body))
        stored["schema"] = {"fields": canonical(stored["schema"]["fields"])}
        etag = str(int(self.tables.get(key, {}).get("etag", "0")) + 1)
        self.tables[key] = stored | {
            "kind": "bigquery#table",
            "id": f"{PROJECT}:{key[0]}.{key[1]}",
            "tableReference": {"projectId": PROJECT, "datasetId": key[0], "tableId": key[1]},
            "type": type_,
            "etag": etag,
            "lastModifiedTime": str(self._clock),
            "location": self.location,
        }
        self.rows.setdefault(key, [])
        return self.tables[key] | ({} if type_ == "VIEW" else {"numRows": str(len(self.rows[key]))})

    def _patch_table(self, key: tuple[str, str], body: Resource, headers: Mapping[str, Any]) -> Resource:
        old = self._found(self.tables, key)
        match = {name.lower(): value for name, value in headers.items()}.get("if-match")
        if match not in (None, old["etag"]):
            raise Refused(412, "conditionNotMet", f"etag is {old['etag']}, not {match}")
        new = old | {name: value for name, value in body.items() if value is not None and name != "labels"}
        labels = {**old.get("labels", {}), **body.get("labels", {})}
        new["labels"] = {name: value for name, value in labels.items() if value is not None}
        if "view" in body:
            new["schema"] = {"fields": self._view_fields(body["view"]["query"])}
        elif "schema" in body:
            before = type_texts(old["schema"]["fields"])
            after = type_texts(canonical(body["schema"]["fields"]))
            if any(after.get(name) != type_ for name, type_ in before.items()):
                raise Refused(400, "invalid", f"Provided Schema does not match Table {key}: {before} → {after}")
        for name, value in body.items():
            if value is None:
                new.pop(name, None)
        return self._put_table(key, new, old["type"])

    def _delete_table(self, key: tuple[str, str]) -> None:
        self._found(self.tables, key)
        del self.tables[key], self.rows[key]

    def _list_tables(self, dataset: str) -> Resource:
        self._found(self.datasets, dataset)
        listed = [
            {"kind": "bigquery#table", "id": t["id"], "tableReference": t["tableReference"], "type": t["type"]}
            for (holder, _), t in self.tables.items()
            if holder == dataset
        ]
        return {"kind": "bigquery#tableList", "etag": "1", "tables": listed, "totalItems": len(listed)}

    # -- jobs

    def insert_job(self, body: Resource, media: bytes | None) -> Resource:
        reference, configuration = body["jobReference"], body["configuration"]
        if reference.get("location") != self.location:
            raise Refused(400, "invalid", f"the job is not in {self.location}: {reference}")
        job_id = reference["jobId"]
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,1024}", job_id):
            raise Refused(400, "invalid", f"Invalid job ID {job_id!r}")
        for key, value in configuration.get("labels", {}).items():
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
                raise Refused(400, "invalid", f"label {key}={value} has invalid characters")
        if job_id in self.jobs:
            raise Refused(409, "duplicate", f"Already Exists: Job {PROJECT}:{self.location}.{job_id}")
        self._clock += 1000
        job: Resource = {
            "kind": "bigquery#job",
            "id": f"{PROJECT}:{self.location}.{job_id}",
            "jobReference": reference,
            "configuration": configuration,
            "status": {"state": "DONE"},
            "statistics": {"creationTime": str(self._clock), "startTime": str(self._clock)},
        }
        self._run(job, configuration, media)
        if configuration.get("dryRun"):
            return job
        job["statistics"]["endTime"] = str(self._clock)
        job["left"] = self.pending
        self.jobs[job_id] = job
        return self._seen(job)

    def _run(self, job: Resource, configuration: Resource, media: bytes | None) -> None:
        dry = bool(configuration.get("dryRun"))
        kind = next(key for key in ("load", "copy", "query") if key in configuration)
        details = configuration[kind]
        to = details.get("destinationTable")
        if to and (problem := self.failing.pop(f"{to['datasetId']}.{to['tableId']}", None)):
            job["status"] |= {"errorResult": problem, "errors": [problem]}
            return
        try:
            statistics = {"load": self._load, "copy": self._copy, "query": self._query}[kind](details, media, dry)
        except Refused as error:
            if kind == "query":
                raise
            problem = {"reason": error.reason, "message": error.message}
            job["status"] |= {"errorResult": problem, "errors": [problem]}
            return
        job["statistics"] |= statistics

    def _load(self, details: Resource, media: bytes | None, _: bool) -> Resource:
        if details["sourceFormat"] != "PARQUET" or not details["parquetOptions"]["enableListInference"]:
            raise Refused(400, "invalid", "lists need enableListInference")
        contents = [self.objects[uri] for uri in details["sourceUris"]] if media is None else [media]
        rows = [row for content in contents for row in pq.read_table(io.BytesIO(content)).to_pylist()]
        names = {f["name"] for f in details["schema"]["fields"]}
        if rows and (extra := rows[0].keys() - names):
            raise Refused(400, "invalid", f"Provided Schema does not match: no column {extra}")
        filled = [{name: row.get(name) for name in names} for row in rows]
        self._store(details, details["schema"]["fields"], filled)
        read = str(sum(len(content) for content in contents))
        return {"load": {"outputRows": str(len(rows)), "inputFileBytes": read, "inputFiles": str(len(contents))}}

    def _copy(self, details: Resource, _: bytes | None, __: bool) -> Resource:
        (source,) = details["sourceTables"]
        name, _, partition = source["tableId"].partition("$")
        resource = self._found(self.tables, (source["datasetId"], name))
        rows = self.rows[source["datasetId"], name]
        if partition:
            rows = [row for row in rows if self._partition_of(resource, row) == partition]
        layout = {key: resource[key] for key in ("timePartitioning", "clustering") if key in resource}
        self._store(details | layout, resource["schema"]["fields"], [dict(row) for row in rows])
        return {"copy": {"copiedRows": str(len(rows))}}

    def _query(self, details: Resource, _: bytes | None, dry: bool) -> Resource:
        if details.get("useLegacySql") is not False or "defaultDataset" in details:
            raise Refused(400, "invalid", "queries are GoogleSQL without a default dataset")
        answer = self._answer_to(details["query"])
        limit = details.get("maximumBytesBilled")
        billed = max(answer.bytes_processed, 10 * 1024 * 1024 * max(1, len(answer.reads)))
        if limit is not None and int(limit) < billed and not dry:
            raise Refused(400, "bytesBilledLimitExceeded", f"Query exceeded limit for bytes billed: {limit}")
        fields = api_fields(answer.columns)
        statistics: Resource = {"totalBytesProcessed": str(answer.bytes_processed)}
        reads = [dict(zip(("datasetId", "tableId"), name.split("."), strict=True)) for name in answer.reads]
        statistics["referencedTables"] = [{"projectId": PROJECT, **read} for read in reads]
        if dry:
            statistics["schema"] = {"fields": fields}
        elif "destinationTable" in details:
            self._store(details, fields, [dict(row) for row in answer.rows])
        return {"query": statistics, "totalBytesProcessed": str(answer.bytes_processed)}

    def _answer_to(self, sql: str) -> Answer:
        if sql not in self.answers:
            raise Refused(400, "invalidQuery", f"no answer is registered for: {sql}")
        return self.answers[sql]

    def _store(self, details: Resource, fields: list[Resource], rows: list[Resource]) -> None:
        """What a job does to its destination, by its write disposition and partition decorator."""
        to = details["destinationTable"]
        name, _, partition = to["tableId"].partition("$")
        key = (to["datasetId"], name)
        self._found(self.datasets, key[0])
        layout: Resource = {part: details[part] for part in ("timePartitioning", "clustering") if part in details}
        table = self.tables.get(key)
        if table is not None and (table["type"] == "VIEW" or any(table.get(k) != layout.get(k) for k in _LAYOUT)):
            raise Refused(400, "invalid", f"Incompatible table partitioning specification of {key}: {layout}")
        if table is None or (details["writeDisposition"] == "WRITE_TRUNCATE" and not partition):
            self._put_table(key, {"schema": {"fields": fields}, **layout}, "TABLE")
            self.rows[key] = rows
            return
        if type_texts(canonical(fields)) != type_texts(table["schema"]["fields"]):
            raise Refused(400, "invalid", f"Provided Schema does not match Table {key}")
        if partition and any(self._partition_of(table, row) != partition for row in rows):
            raise Refused(400, "invalid", f"rows outside of the partition ${partition}")
        kept = self.rows[key]
        if details["writeDisposition"] == "WRITE_TRUNCATE":
            kept = [row for row in kept if self._partition_of(table, row) != partition]
        self.rows[key] = kept + rows

    @staticmethod
    def _partition_of(table: Resource, row: Mapping[str, Any]) -> str:
        partitioning = table["timePartitioning"]
        return str(row[partitioning["field"]].strftime(_PARTITION[partitioning["type"]]))

    def _seen(self, job: Resource) -> Resource:
        shown = {key: value for key, value in job.items() if key != "left"}
        return shown if job["left"] <= 0 else shown | {"status": {"state": "RUNNING"}}

    def _get_job(self, job_id: str) -> Resource:
        job = self._found(self.jobs, job_id)
        job["left"] -= 1
        return self._seen(job)

    def _results(self, job_id: str, query: Mapping[str, str]) -> Resource:
        job = self._found(self.jobs, job_id)
        answer = self._answer_to(job["configuration"]["query"]["query"])
        shown = answer.rows if query.get("maxResults") != "0" else []
        types = [(name, parse(text)) for name, text in answer.columns.items()]
        rows = [{"f": [{"v": cells(type_, row.get(name))} for name, type_ in types]} for row in shown]
        return {
            "kind": "bigquery#getQueryResultsResponse",
            "jobReference": job["jobReference"],
            "jobComplete": True,
            "schema": {"fields": api_fields(answer.columns)},
            "totalRows": str(len(answer.rows)),
            **({"rows": rows} if rows else {}),
        }
