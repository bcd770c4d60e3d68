"""Jobs: their ids, their states, when their work is done, and that it is done once."""

from __future__ import annotations

import hashlib
import re
import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, RLock, Timer
from typing import Any

import pyarrow as pa

from cloud_server.answers import Refused, Resource
from cloud_server.bigquery_queries import Plan, Queries
from cloud_server.bigquery_tables import Tables, check_labels
from cloud_server.bigquery_work import Outcome, Work
from cloud_server.faults import Fault
from cloud_server.wire import api_fields

_USER = "pipeline@test-project.iam.gserviceaccount.com"


@dataclass
class Run:
    """A job and what it needs to be done. `rows`: of a query without a destination."""

    resource: Resource
    media: bytes | None = None
    plan: Plan | None = None
    fault: Fault | None = None
    polls: int = 0
    rows: pa.Table | None = None
    timer: Timer | None = None
    done: Event = field(default_factory=Event)

    @property
    def job_id(self) -> str:
        return str(self.resource["jobReference"]["jobId"])

    @property
    def kind(self) -> str:
        return next(kind for kind in ("load", "copy", "query") if kind in self.resource["configuration"])

    @property
    def details(self) -> Resource:
        return dict(self.resource["configuration"][self.kind])


class Jobs:
    """The jobs of one project. `jobs` are their resources by id, `executed` how often each one's work was done."""

    def __init__(self, tables: Tables, queries: Queries, work: Work, violations: list[str]) -> None:
        self.tables, self.queries, self.work, self.violations = tables, queries, work, violations
        self.jobs: dict[str, Resource] = {}
        self.runs: dict[str, Run] = {}
        self.executed: dict[str, int] = {}
        self.lock = RLock()

    def close(self) -> None:
        for run in list(self.runs.values()):
            if run.timer is not None:
                run.timer.cancel()

    def forget(self) -> None:
        self.close()
        for known in (self.jobs, self.runs, self.executed):
            known.clear()

    # -- starting

    def insert(self, body: Resource, media: bytes | None = None, fault: Fault | None = None) -> Run:
        """Start a job. A query that does not compile is refused at once, other failures are the job's own."""
        configuration = body["configuration"]
        check_labels(configuration)
        run = Run(self._resource(body), media=media, fault=fault)
        if configuration.get("dryRun"):
            return self._dry(run)
        with self.lock:
            if run.job_id in self.jobs:
                raise Refused(409, "duplicate", f"Already Exists: Job {run.resource['id']}")
            self.jobs[run.job_id], self.runs[run.job_id] = run.resource, run
        if run.kind == "query" and not (fault and fault.kind == "job_error"):
            self._plan_or_forget(run)
        self._begin(run)
        return run

    def _plan_or_forget(self, run: Run) -> None:
        try:
            with self.tables.store.lock:
                run.plan = self.queries.plan(run.details)
        except BaseException:
            with self.lock:
                del self.jobs[run.job_id], self.runs[run.job_id]
            raise

    def _resource(self, body: Resource) -> Resource:
        reference = body.get("jobReference", {})
        job_id = reference.get("jobId") or f"job_{uuid.uuid4().hex}"
        location = reference.get("location") or self.tables.location
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,1024}", job_id):
            raise Refused(400, "invalid", f"Invalid job ID {job_id!r}")
        if location.lower() != self.tables.location.lower():
            raise Refused(404, "notFound", f"Not found: the project's datasets are not in location {location}")
        now = str(self.tables.clock.now())
        return {
            "kind": "bigquery#job",
            "etag": now,
            "id": f"{self.tables.project}:{self.tables.location}.{job_id}",
            "jobReference": {"projectId": self.tables.project, "jobId": job_id, "location": self.tables.location},
            "configuration": _with_type(body["configuration"]),
            "status": {"state": "RUNNING"},
            "statistics": {"creationTime": now, "startTime": now},
            "user_email": _USER,
        }

    def _dry(self, run: Run) -> Run:
        if run.kind != "query":
            raise Refused(400, "invalid", "dryRun is for queries")
        with self.tables.store.lock:
            run.plan = self.queries.plan(run.details)
        run.resource["status"] = {"state": "DONE"}
        run.resource["statistics"] |= self._query_statistics(run.plan, dry=True)
        # A dry run leaves no job behind.
        del run.resource["jobReference"]["jobId"]
        return run

    def _begin(self, run: Run) -> None:
        fault = run.fault
        run.polls = fault.polls if fault else 0
        if fault and fault.seconds:
            run.timer = Timer(fault.seconds, self._end, (run,))
            run.timer.daemon = True
            run.timer.start()
        elif fault and fault.kind == "cancelled":
            run.polls = max(run.polls, 1)
        elif not run.polls:
            self._end(run)

    # -- ending

    def _end(self, run: Run) -> None:
        with self.tables.store.lock:
            if run.done.is_set():
                return
            fault = run.fault
            if fault and fault.kind == "job_error":
                self._finish(run, {"reason": fault.reason, "message": fault.text})
            elif fault and fault.kind == "cancelled":
                self._finish(run, _STOPPED)
            else:
                self._execute(run)

    def _execute(self, run: Run) -> None:
        times = self.executed[run.job_id] = self.executed.get(run.job_id, 0) + 1
        if times > 1:
            self.violations.append(f"job {run.job_id} was executed {times} times")
        try:
            outcome = self._outcome(run)
        except Refused as error:
            self._finish(run, error.problem)
            return
        except Exception as error:  # noqa: BLE001 - a fault of the server's own, in a thread that nobody waits for
            self.violations.append(f"job {run.job_id}: {traceback.format_exc()}")
            self._finish(run, {"reason": "internalError", "message": str(error)})
            return
        run.rows = outcome.rows
        statistics = run.resource["statistics"]
        if run.plan is not None:
            statistics |= self._query_statistics(run.plan)
            run.resource["outputRows"] = outcome.statistics["outputRows"]
        else:
            statistics |= outcome.statistics
        self._finish(run, None)

    def _outcome(self, run: Run) -> Outcome:
        if run.kind == "load":
            return self.work.load(run.details, run.media)
        if run.kind == "copy":
            return self.work.copy(run.details)
        if run.fault is not None and run.fault.kind == "slow":
            run.plan = self.queries.plan(run.details)  # what it reads may have changed since
        assert run.plan is not None
        return self.work.query(run.details, run.plan)

    def _finish(self, run: Run, problem: Resource | None) -> None:
        resource = run.resource
        resource["status"] = {"state": "DONE"}
        if problem is not None:
            resource["status"] |= {"errorResult": problem, "errors": [problem]}
        ended = self.tables.clock.now()
        statistics = resource["statistics"]
        statistics["endTime"] = resource["etag"] = str(ended)
        statistics["totalSlotMs"] = str(ended - int(statistics["startTime"]))
        if "query" in statistics:
            statistics["query"]["totalSlotMs"] = statistics["totalSlotMs"]
        run.media = None
        run.done.set()

    def _query_statistics(self, plan: Plan, *, dry: bool = False) -> Resource:
        tables = [self.tables.reference(key) for key in plan.reads]
        query: Resource = {
            "statementType": "SELECT",
            "totalBytesProcessed": str(plan.bytes),
            "totalBytesBilled": "0" if dry else str(plan.billed),
            "cacheHit": False,
            "referencedTables": tables,
        }
        if dry:
            query |= {"schema": {"fields": api_fields(plan.columns)}, "totalBytesProcessedAccuracy": "PRECISE"}
        return {"query": query, "totalBytesProcessed": str(plan.bytes)}

    # -- looking

    def find(self, job_id: str, location: str | None) -> Run:
        place = self.tables.location
        if job_id not in self.runs or (location or place).lower() != place.lower():
            raise Refused(404, "notFound", f"Not found: Job {self.tables.project}:{location or place}.{job_id}")
        return self.runs[job_id]

    def poll(self, run: Run) -> None:
        """Someone looks at a job: one that was to be seen running for some polls ends after them."""
        with self.lock:
            ends = not run.done.is_set() and run.timer is None and run.polls <= 0
            run.polls -= 1
        if ends:
            self._end(run)

    def end_all(self) -> None:
        for run in list(self.runs.values()):
            while not run.done.is_set() and run.timer is None:
                self.poll(run)

    def wait(self, run: Run, seconds: float) -> bool:
        """Whether a job is done, waiting for one that runs for a time."""
        self.poll(run)
        return run.done.wait(seconds if run.timer is not None else 0)

    def cancel(self, run: Run) -> Resource:
        """The job ends as stopped, if it has not ended. https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/cancel"""
        with self.tables.store.lock:
            if not run.done.is_set():
                if run.timer is not None:
                    run.timer.cancel()
                self._finish(run, _STOPPED)
        return {"kind": "bigquery#jobCancelResponse", "job": self.shown(run)}

    def shown(self, run: Run) -> Resource:
        """The resource as it is answered."""
        resource = run.resource
        shown = {key: value for key, value in resource.items() if key != "outputRows"}
        if run.kind == "query" and "destinationTable" not in run.details and not run.details.get("dryRun"):
            details = {**run.details, "destinationTable": self.anonymous(run)}
            if not resource["configuration"].get("dryRun"):
                shown["configuration"] = {**resource["configuration"], "query": details}
        return shown

    def anonymous(self, run: Run) -> Resource:
        """Where the result of a query without a destination is said to be."""
        name = hashlib.sha256(run.resource["id"].encode()).hexdigest()[:40]
        return self.tables.reference((f"_{name}", f"anon{name}"))

    def list(self, query: Mapping[str, str]) -> Resource:
        states = {"done": "DONE", "running": "RUNNING", "pending": "PENDING"}
        wanted = states.get(query.get("stateFilter", ""))
        runs = [run for run in self.runs.values() if wanted in (None, run.resource["status"]["state"])]
        runs.sort(key=lambda run: int(run.resource["statistics"]["creationTime"]), reverse=True)
        at, size = int(query.get("pageToken") or 0), int(query.get("maxResults") or 1000)
        parts = ("kind", "id", "jobReference", "statistics", "user_email", "status", "configuration")
        listed = []
        for run in runs[at : at + size]:
            shown = self.shown(run)
            item = {part: shown[part] for part in parts} | {"state": shown["status"]["state"]}
            if problem := shown["status"].get("errorResult"):
                item["errorResult"] = problem
            if query.get("projection", "full").lower() == "minimal":
                del item["configuration"]
            listed.append(item)
        token = {"nextPageToken": str(at + size)} if at + size < len(runs) else {}
        return {"kind": "bigquery#jobList", "etag": str(time.time_ns()), "jobs": listed, **token}


_STOPPED = {"reason": "stopped", "message": "Job execution was cancelled: User requested cancellation"}


def _with_type(configuration: Mapping[str, Any]) -> Resource:
    kind = next((kind for kind in ("load", "copy", "query") if kind in configuration), None)
    if kind is None:
        raise Refused(501, "notImplemented", "the contract server runs load, copy and query jobs")
    return {**configuration, "jobType": kind.upper()}
