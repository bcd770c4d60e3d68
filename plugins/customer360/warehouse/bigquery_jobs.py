"""BigQuery jobs: names that survive a lost answer or a killed worker, labels, waiting, and errors people can act on."""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

import requests
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from customer360.errors import BudgetError, WarehouseError
from customer360.project.names import TableName
from customer360.warehouse.port import JobStats, RunInfo

Job: TypeAlias = bigquery.LoadJob | bigquery.CopyJob | bigquery.QueryJob
ERRORS = (
    exceptions.GoogleAPIError,
    auth_exceptions.GoogleAuthError,
    requests.RequestException,
    ConnectionError,
    TimeoutError,
)
_RETRYABLE = {
    "backendError", "badGateway", "conditionNotMet", "internalError", "jobBackendError", "jobInternalError",
    "jobRateLimitExceeded", "rateLimitExceeded", "resourceInUse", "serviceUnavailable", "tableUnavailable",
}  # fmt: skip
# jobs.get sometimes says 404 for a moment after jobs.insert said 409: the job is there, so ask again.
_AFTER_CONFLICT = DEFAULT_RETRY.with_predicate(
    lambda error: isinstance(error, exceptions.NotFound) or DEFAULT_RETRY._predicate(error)
).with_timeout(60.0)


@dataclass(frozen=True)
class Submission:
    """A job under way. `attached` if an earlier try of the same task started it."""

    job: Job
    attempt: int
    attached: bool


class Jobs:
    """Starts jobs in one location and waits for them."""

    def __init__(self, client: bigquery.Client, location: str, labels: Mapping[str, str]) -> None:
        self.client, self.location = client, location
        self._labels = dict(labels)

    def labels(self, run: RunInfo | None, model: TableName | None = None) -> dict[str, str]:
        """The deployment's labels, and who runs what for which day."""
        own = {"model": str(model)} if model else {}
        if run:
            own |= {"dag": run.dag_id, "task": run.task_id, "run_date": run.run_date.isoformat()}
        return label_texts(self._labels | own)

    @staticmethod
    def name(run: RunInfo | None, *content: object) -> str:
        """The job's id, but for the attempt: the same for the same content in the same task of the same run."""
        if run is None:
            return f"c360-{uuid.uuid4().hex}"
        digest = hashlib.sha256(repr((run.run_id, *content)).encode()).hexdigest()[:24]
        readable = re.sub(r"[^A-Za-z0-9_]+", "_", f"{run.dag_id}__{run.task_id}")[:200]
        return f"c360-{readable}-{run.run_date:%Y%m%d}-{digest}"

    def run(self, name: str, start: Callable[[str], Job], *, doing: str, once: bool = False) -> Job:
        """Start a job, or find it under way, and wait for it. Raises WarehouseError when it fails."""
        return self.finish(self.submit(name, start, doing=doing, once=once), name, start, doing=doing)

    def submit(
        self, name: str, start: Callable[[str], Job], *, doing: str, once: bool = False, attempt: int = 0
    ) -> Submission:
        """Start `name`, without waiting; attach to it if an earlier try left it running.

        A job that an earlier try saw finished is started again under the next attempt's id, because its inputs may have
        changed since ("clear this task and what follows"). `once` (for appends) takes an earlier success as done.
        """
        while True:
            job_id = f"{name}-{attempt}"
            with self.errors(doing, job_id):
                job = self._find(job_id)
                if job is None:
                    return Submission(self._start(job_id, start), attempt, attached=False)
            if job.state != "DONE" or (once and job.error_result is None):
                return Submission(job, attempt, attached=True)
            attempt += 1

    def finish(self, submission: Submission, name: str, start: Callable[[str], Job], *, doing: str) -> Job:
        """Wait for a job. One that an earlier try started and that failed is started again."""
        try:
            return self._wait(submission.job, doing)
        except WarehouseError:
            if not submission.attached:
                raise
        again = self.submit(name, start, doing=doing, attempt=submission.attempt + 1)
        return self._wait(again.job, doing)

    def succeeded(self, name: str) -> Job | None:
        """The latest attempt of `name`, if it ended well."""
        attempt, latest = 0, None
        with self.errors("look for an earlier job"):
            while (job := self._find(f"{name}-{attempt}")) is not None:
                attempt, latest = attempt + 1, job
        return latest if latest is not None and latest.state == "DONE" and latest.error_result is None else None

    def _start(self, job_id: str, start: Callable[[str], Job]) -> Job:
        try:
            return start(job_id)
        except exceptions.Conflict:
            # There was no such job just now: the client's retry met the job whose answer was lost.
            return self.client.get_job(job_id, location=self.location, retry=_AFTER_CONFLICT)  # type: ignore[return-value]

    def _find(self, job_id: str) -> Job | None:
        try:
            return self.client.get_job(job_id, location=self.location)  # type: ignore[return-value]
        except exceptions.NotFound:
            return None

    def _wait(self, job: Job, doing: str) -> Job:
        with self.errors(doing, job.job_id):
            job.result()
        return job

    def url(self, job_id: str) -> str:
        """The job's page in Google's console."""
        return (
            f"https://console.cloud.google.com/bigquery?project={quote(self.client.project)}"
            f"&j=bq:{quote(self.location)}:{quote(job_id)}&page=queryresults"
        )

    def stats(self, job: Job, started: float, *, rows: int, processed: int | None) -> JobStats:
        """What a finished job did, since `started` (monotonic seconds)."""
        return JobStats(
            rows=rows,
            bytes_processed=None if processed is None else int(processed),
            seconds=time.monotonic() - started,
            job_id=job.job_id,
            url=self.url(job.job_id),
        )

    @contextmanager
    def errors(self, doing: str, job_id: str | None = None) -> Iterator[None]:
        """Google's errors as ours, with Google's message, the job's page, and whether a retry helps."""
        try:
            yield
        except ERRORS as error:
            reason, message = _reason(error)
            where = f" ({self.url(job_id)})" if job_id else ""
            kind = BudgetError if reason == "bytesBilledLimitExceeded" else WarehouseError
            raised = kind(f"{doing} in BigQuery: {message}{where}")
            raised.retry_helps = _retry_helps(error, reason)
            raise raised from error


def label_texts(labels: Mapping[str, Any]) -> dict[str, str]:
    """Labels as BigQuery takes them: lower case, digits, `_`, `-`, at most 63 characters; keys begin with a letter."""
    clean = {
        re.sub(r"[^a-z0-9_-]", "_", key.lower())[:63]: re.sub(r"[^a-z0-9_-]", "_", str(value).lower())[:63]
        for key, value in labels.items()
    }
    return {key if key[:1].isalpha() else f"l{key}"[:63]: value for key, value in clean.items()}


def _reason(error: BaseException) -> tuple[str, str]:
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        return _reason(error.cause)
    if isinstance(error, exceptions.GoogleAPICallError):
        first = error.errors[0] if error.errors and isinstance(error.errors[0], dict) else {}
        return str(first.get("reason", "")), str(first.get("message") or error.message)
    return "", str(error) or type(error).__name__


def _retry_helps(error: BaseException, reason: str) -> bool:
    if reason:  # it says more than the status: the client makes a 500 of every reason it does not know
        return reason in _RETRYABLE
    if isinstance(error, exceptions.GoogleAPICallError):
        return isinstance(error, (exceptions.ServerError, exceptions.TooManyRequests, exceptions.PreconditionFailed))
    if isinstance(error, auth_exceptions.GoogleAuthError):
        return error.retryable or isinstance(error, auth_exceptions.TransportError)
    return True
