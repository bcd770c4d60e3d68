"""Rows of queries and tables, a page at a time, in BigQuery's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any

import pyarrow as pa

from cloud_server.answers import Refused, Resource
from cloud_server.bigquery_jobs import Jobs, Run
from cloud_server.bigquery_tables import Tables
from cloud_server.wire import api_fields, columns_of, rows_of
from customer360.project.names import TableName
from customer360.warehouse.duckdb_text import identifier
from customer360.warehouse.lake_tables import quoted

# Google's pages end at 10 MB or so; ours at rows, so that a test need not read 10 MB to see a second page.
PAGE_ROWS = 10_000


class Results:
    """jobs.getQueryResults, jobs.query and tabledata.list."""

    def __init__(self, tables: Tables, jobs: Jobs) -> None:
        self.tables, self.jobs = tables, jobs
        self._requests: dict[str, Run] = {}
        self._read_before: dict[Any, pa.Table] = {}
        self._lock = RLock()

    def query(self, body: Resource, fault: Any) -> tuple[Resource, Run]:
        """jobs.query: a job and the first page of what it gives. The same requestId is the same job, run once."""
        parts = (
            "query", "queryParameters", "parameterMode", "defaultDataset", "maximumBytesBilled", "useQueryCache",
            "writeIncrementalResults", "continuous",
        )  # fmt: skip
        # Legacy SQL is the default of the API here as well.
        details = {"useLegacySql": True} | {part: body[part] for part in (*parts, "useLegacySql") if part in body}
        configuration: Resource = {"query": details}
        for part in ("labels", "dryRun", "jobTimeoutMs"):
            if part in body:
                configuration[part] = body[part]
        request = body.get("requestId")
        with self._lock:
            run = self._requests.get(request or "")
            if run is None:
                job = {"configuration": configuration, "jobReference": {"location": body.get("location", "")}}
                run = self.jobs.insert(job, None, fault)
                if request:
                    self._requests[request] = run
        if configuration.get("dryRun"):
            assert run.plan is not None
            fields = {"fields": api_fields(run.plan.columns)}
            answer = {"kind": "bigquery#queryResponse", "schema": fields, "jobComplete": True, "cacheHit": False}
            return answer | {
                "totalBytesProcessed": str(run.plan.bytes),
                "jobReference": {"projectId": self.tables.project},
            }, run
        options = {f"formatOptions.{key}": str(value) for key, value in body.get("formatOptions", {}).items()}
        page = {key: str(body[key]) for key in ("maxResults", "timeoutMs") if key in body}
        answer = self.page(run, page | options) | {"kind": "bigquery#queryResponse"}
        return {part: value for part, value in answer.items() if part != "etag"}, run

    def page(self, run: Run, query: Mapping[str, str]) -> Resource:
        """A page of a query's rows; its failure as an HTTP error, as the service does it."""
        base: Resource = {
            "kind": "bigquery#getQueryResultsResponse",
            "jobReference": run.resource["jobReference"],
        }
        if run.kind != "query":
            raise Refused(400, "invalid", f"Job {run.job_id} is not a query")
        if not self.jobs.wait(run, min(float(query.get("timeoutMs") or 10_000) / 1000, 10)):
            return base | {"jobComplete": False}
        problem = run.resource["status"].get("errorResult")
        if problem:
            raise Refused.because(problem["reason"], problem["message"])
        assert run.plan is not None
        total = int(run.resource["outputRows"])
        rows, token = self._rows(run, total, query)
        processed = run.resource["statistics"]["totalBytesProcessed"]
        answer = base | {
            "etag": run.resource["etag"],
            "jobComplete": True,
            "schema": {"fields": api_fields(run.plan.columns)},
            "totalRows": str(total),
            "totalBytesProcessed": processed,
            "cacheHit": False,
        }
        return answer | ({"rows": rows} if rows else {}) | ({"pageToken": token} if token else {})

    def _rows(self, run: Run, total: int, query: Mapping[str, str]) -> tuple[list[Resource], str | None]:
        assert run.plan is not None
        at, count = _slice(query)
        columns = run.plan.columns
        if count == 0:
            return [], None
        if run.rows is not None:
            found = run.rows.slice(at, count)
        else:
            to = run.details["destinationTable"]
            found = self._read(TableName(to["datasetId"], to["tableId"].partition("$")[0]), columns, at, count)
        rows = rows_of(found, columns, int64_timestamps=_int64(query))
        return rows, str(at + count) if at + count < total else None

    def list(self, key: tuple[str, str], query: Mapping[str, str]) -> Resource:
        """tabledata.list"""
        name, _, _ = key[1].partition("$")
        anonymous = self._anonymous(key)
        if anonymous is not None:
            page = self.page(anonymous, query)
            kept = {part: page[part] for part in ("totalRows", "rows", "pageToken") if part in page}
            return {"kind": "bigquery#tableDataList", "etag": page["etag"], **kept}
        table = self.tables.find((key[0], name))
        if table["type"] != "TABLE":
            raise Refused(400, "invalid", f"Cannot list a table of type {table['type']}.")
        columns = columns_of(table["schema"]["fields"])
        selected = query.get("selectedFields")
        if selected:
            columns = {name: columns[name] for name in columns if name in selected.split(",")}
        total, _ = self.tables.count((key[0], name))
        at, count = _slice(query)
        found = self._read(TableName(key[0], name), columns, at, count)
        rows = rows_of(found, columns, int64_timestamps=_int64(query))
        answer: Resource = {"kind": "bigquery#tableDataList", "etag": table["etag"], "totalRows": str(total)}
        token = {"pageToken": str(at + count)} if at + count < total else {}
        return answer | ({"rows": rows} if rows else {}) | token

    def anonymous_table(self, key: tuple[str, str]) -> Resource | None:
        """tables.get of the table that a query's result is said to be in."""
        run = self._anonymous(key)
        if run is None or run.plan is None:
            return None
        return {
            "kind": "bigquery#table",
            "id": f"{self.tables.project}:{key[0]}.{key[1]}",
            "etag": run.resource["etag"],
            "tableReference": self.tables.reference(key),
            "type": "TABLE",
            "location": self.tables.location,
            "schema": {"fields": api_fields(run.plan.columns)},
            "numRows": str(run.resource.get("outputRows", 0)),
        }

    def _anonymous(self, key: tuple[str, str]) -> Run | None:
        if not key[1].startswith("anon"):
            return None
        reference = self.tables.reference(key)
        return next((run for run in self.jobs.runs.values() if self.jobs.anonymous(run) == reference), None)

    def _read(self, name: TableName, columns: Mapping[str, str], at: int, count: int) -> Any:
        """A slice of a table. It has no order, so that all pages are cut from what the first one read."""
        version = (name, tuple(columns), self.tables.find((name.dataset, name.table))["etag"])
        with self._lock:
            if at == 0 or version not in self._read_before:
                names = ", ".join(identifier(column) for column in columns)
                self._read_before = {version: self.tables.store.read(f"SELECT {names} FROM {quoted(name)}")}
            return self._read_before[version].slice(at, count)


def _slice(query: Mapping[str, str]) -> tuple[int, int]:
    at = int(query.get("pageToken") or query.get("startIndex") or 0)
    asked = query.get("maxResults")
    return at, PAGE_ROWS if asked is None else min(int(asked), PAGE_ROWS)


def _int64(query: Mapping[str, str]) -> bool:
    return query.get("formatOptions.useInt64Timestamp", "false").lower() == "true"
