"""BigQuery jobs: names that survive a lost answer or a killed worker, labels, waiting, and errors people can act on."""

from __future__ import annotations

import hashlib
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import quote

from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from customer360 import __version__
from customer360.errors import BudgetError, WarehouseError
from customer360.project.names import TableName
from customer360.warehouse.bigquery_errors import ERRORS, advice, reason_and_message, retry_helps
from customer360.warehouse.port import JobStats, RunInfo

log = logging.getLogger(__name__)

Job: TypeAlias = bigquery.LoadJob | bigquery.CopyJob | bigquery.QueryJob
_NO_RETRY = DEFAULT_RETRY.with_predicate(lambda _: False)
_CANCEL_TIMEOUT = 10.0  # seconds: a dying task has a few left
CONTENT = "content"  # the label that tells whether a running job does what is wanted now
# jobs.get sometimes says 404 for a moment after jobs.insert: the job is there, so ask again.
AFTER_CREATION = DEFAULT_RETRY.with_predicate(
    lambda error: isinstance(error, exceptions.NotFound) or DEFAULT_RETRY._predicate(error)
).with_timeout(60.0)
WAITING = AFTER_CREATION.with_timeout(30.0)


@dataclass(frozen=True)
class Step:
    """One job to be done. `name` is its id but for the attempt, `content` what its label says of it, `start` sends it
    under an id, and `doing` says it in an error: write core.fct_orders. `newest_input`: when what it reads was last
    changed; a job that began before that is not joined."""

    name: str
    doing: str
    start: Callable[[str], Job]
    content: str | None = None
    newest_input: Callable[[], datetime | None] = lambda: None


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
        self.deployment = label_texts(labels)
        self.whose: RunInfo | None = None  # on what says nothing else
        self._under_way: dict[str, bool] = {}  # by id: whether an earlier try of the same task started it
        self._cancelled = False

    def labels(self, run: RunInfo | None, model: TableName | None = None, content: str | None = None) -> dict[str, str]:
        """The deployment's labels, and who runs what for which day; `content` tells tries of a step apart."""
        own = {"version": __version__} | ({"model": str(model)} if model else {})
        own |= {CONTENT: content} if content else {}
        if run := run or self.whose:
            own |= {"dag": run.dag_id, "task": run.task_id, "run_date": run.run_date.isoformat()}
        return self.deployment | label_texts(own)

    @staticmethod
    def name(run: RunInfo | None, *step: object) -> str:
        """The job's id, but for the attempt: the same for the same step in the same task of the same run."""
        if run is None:
            return f"c360-{uuid.uuid4().hex}"
        digest = digest_of(run.run_id, *step)
        readable = re.sub(r"[^A-Za-z0-9_]+", "_", f"{run.dag_id}__{run.task_id}")[:200]
        return f"c360-{readable}-{run.run_date:%Y%m%d}-{digest}"

    def run(self, step: Step, *, once: bool = False) -> Job:
        """Start a job, or find it under way, and wait for it. Raises WarehouseError when it fails."""
        return self.finish(self.submit(step, once=once), step)

    def submit(self, step: Step, *, once: bool = False, attempt: int = 0) -> Submission:
        """Start a step's job, without waiting; attach to it if an earlier try left it running.

        A running job of other content (the SQL or the rows have changed since), or one that began before what it reads
        was changed, is stopped first: it must not end after the new one. A job that has finished is started again under
        the next attempt's id, because its inputs may have changed since ("clear this task and what follows"). `once`
        (for appends) takes an earlier success as done.
        """
        doing = step.doing
        while True:
            job_id = f"{step.name}-{attempt}"
            with self.errors(doing, job_id):
                job = self.find(job_id)
                if unknown := job is None:
                    self._under_way[job_id] = False
                    job = self._start(job_id, step.start)
            running, same = job.state != "DONE", job.labels.get(CONTENT) == step.content
            if unknown and same:
                return Submission(job, attempt, attached=False)
            if running and same and job.started is not None:
                with self.errors(doing, job_id):
                    newest = step.newest_input()
                same = newest is None or newest < job.started
            if (running and same) or (once and not running and job.error_result is None):
                self._under_way[job_id] = True
                return Submission(job, attempt, attached=True)
            if running:
                self._stop(job, doing)
            attempt += 1

    def _stop(self, job: Job, doing: str) -> None:
        """Stop a job that a lost worker left behind, and wait until it is at its end, whichever."""
        log.warning("%s: stopping %s, which an earlier try left running", doing, self.url(job.job_id))
        with self.errors(f"stop an earlier job to {doing}", job.job_id):
            job.cancel()
            job.exception()  # type: ignore[no-untyped-call]

    def finish(self, submission: Submission, step: Step) -> Job:
        """Wait for a job. One that an earlier try started and that failed is started again."""
        try:
            return self.wait(submission.job, step.doing)
        except WarehouseError:
            if not submission.attached or self._cancelled:
                raise
        return self.wait(self.submit(step, attempt=submission.attempt + 1).job, step.doing)

    def may_start_again(self, job_id: str) -> bool:
        """Of a job that failed: whether an earlier try started it. It may have been cancelled with that try's task."""
        return self._under_way.get(job_id, False) and not self._cancelled

    def succeeded(self, name: str) -> Job | None:
        """The latest attempt of `name`, if it ended well."""
        attempt, latest = 0, None
        with self.errors("look for an earlier job", f"{name}-0"):
            while (job := self.find(f"{name}-{attempt}")) is not None:
                attempt, latest = attempt + 1, job
        return latest if latest is not None and latest.state == "DONE" and latest.error_result is None else None

    def _start(self, job_id: str, start: Callable[[str], Job]) -> Job:
        if self._cancelled:
            raise WarehouseError(f"{job_id} is not started: this task was stopped")
        try:
            return start(job_id)
        except exceptions.Conflict:
            # There was no such job just now: the client's retry met the job whose answer was lost. Or the job of a lost
            # worker, which was not to be seen yet: its content tells.
            return self.known(job_id)

    def known(self, job_id: str) -> Job:
        """A job that was started for sure. Google's NotFound is raised if it is not to be seen for a minute."""
        return self.client.get_job(job_id, location=self.location, retry=AFTER_CREATION)  # type: ignore[return-value]

    def find(self, job_id: str) -> Job | None:
        """The job as it is now; None where there is none."""
        try:
            return self.client.get_job(job_id, location=self.location)  # type: ignore[return-value]
        except exceptions.NotFound:
            return None

    def wait(self, job: Job, doing: str) -> Job:
        """Wait until a job is done. Raises WarehouseError when it failed."""
        self._under_way.setdefault(job.job_id, False)
        with self.errors(doing, job.job_id):
            while not self._is_over(job):
                pass
        self._under_way.pop(job.job_id, None)
        return job

    @staticmethod
    def _is_over(job: Job) -> bool:
        """Wait for a job, as long as waiting works. Raises Google's error for a job that failed.

        jobs.getQueryResults gives the failure of a query as its own, and the client then asks for ten minutes more
        whenever it is one that a request may have too: the job's state tells them apart.
        """
        try:
            job.result(retry=WAITING)
        except exceptions.RetryError:
            job.reload()
            failure = job.exception() if job.state == "DONE" else None  # type: ignore[no-untyped-call]
            if failure is not None:
                raise failure from None
            return bool(job.state == "DONE")
        return True

    @contextmanager
    def cancellable(self, job_id: str) -> Iterator[None]:
        """Meanwhile, `cancel` stops this job too."""
        self._under_way[job_id] = False
        try:
            yield
        finally:
            self._under_way.pop(job_id, None)

    def cancel(self, job_id: str | None = None) -> list[str]:
        """Ask for a job, or all that are under way, to be stopped. Nothing is started again after that."""
        self._cancelled = True
        asked = [job_id] if job_id else list(self._under_way)
        for each in asked:
            try:
                self.client.cancel_job(each, location=self.location, retry=_NO_RETRY, timeout=_CANCEL_TIMEOUT)
            except ERRORS as error:  # the task dies anyway; the job ends by itself
                log.warning("could not cancel %s: %s", self.url(each), error)
        return asked

    def url(self, job_id: str) -> str:
        """The job's page in Google's console."""
        return (
            f"https://console.cloud.google.com/bigquery?project={quote(self.client.project)}"
            f"&j=bq:{quote(self.location)}:{quote(job_id)}&page=queryresults"
        )

    def stats(self, job: Job, started: float, *, rows: int, processed: int | None) -> JobStats:
        """What a finished job did, since `started` (monotonic seconds). Loads and copies use slots that nobody pays."""
        return JobStats(
            rows=rows,
            bytes_processed=None if processed is None else int(processed),
            bytes_billed=job.total_bytes_billed if isinstance(job, bigquery.QueryJob) else None,
            slot_ms=job.slot_millis if isinstance(job, bigquery.QueryJob) else None,
            seconds=time.monotonic() - started,
            job_id=job.job_id,
            url=self.url(job.job_id),
        )

    @contextmanager
    def errors(self, doing: str, job_id: str | None = None) -> Iterator[None]:
        """Google's errors as ours: Google's message, the job's page, what to do, and whether a retry helps."""
        try:
            yield
        except ERRORS as error:
            reason, message = reason_and_message(error)
            where = f" ({self.url(job_id)})" if job_id else ""
            kind = BudgetError if reason == "bytesBilledLimitExceeded" else WarehouseError
            what_to_do = advice(error, self.client.project)
            raised = kind(f"{doing} in BigQuery: {message.rstrip('.')}{where}{what_to_do and f'. {what_to_do}'}")
            raised.retry_helps = retry_helps(error)
            raise raised from error


def digest_of(*parts: object) -> str:
    """What names content: the same for the same parts, on every machine."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def label_texts(labels: Mapping[str, Any]) -> dict[str, str]:
    """Labels as BigQuery takes them: lower case, digits, `_`, `-`, at most 63 characters; keys begin with a letter."""
    clean = {
        re.sub(r"[^a-z0-9_-]", "_", key.lower())[:63]: re.sub(r"[^a-z0-9_-]", "_", str(value).lower())[:63]
        for key, value in labels.items()
    }
    return {key if key[:1].isalpha() else f"l{key}"[:63]: value for key, value in clean.items()}
