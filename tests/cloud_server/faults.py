"""What is recorded of every request, and what can be made to go wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

Kind = Literal[
    "status", "reset_before", "reset_after", "truncated", "job_error", "slow", "cancelled", "not_found_after",
    "unauthorized", "broken_upload", "delay",
]  # fmt: skip
# Kinds that need a job, something that is created, or an upload.
_OF_JOBS = frozenset({"job_error", "slow", "cancelled"})
_CREATING = ("bigquery.datasets.insert", "bigquery.tables.insert", "bigquery.jobs.*insert*", "storage.*.insert*")


@dataclass
class Entry:
    """A request. `status` None: the connection was dropped. The chunks of a resumable upload have the method of what
    they finish and `.chunk`, such as `bigquery.jobs.insert.chunk`; the body is that of the request that began it."""

    time: float
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any] | None = None
    media: bytes | None = field(default=None, repr=False)
    upload: bool = False
    status: int | None = None
    fault: Fault | None = None
    job_id: str | None = None

    @property
    def configuration(self) -> dict[str, Any]:
        """The configuration of the job that is asked for; empty for other requests."""
        return dict((self.body or {}).get("configuration", {}))

    @property
    def dry_run(self) -> bool:
        return bool(self.configuration.get("dryRun") or (self.body or {}).get("dryRun"))

    @property
    def destination(self) -> str:
        """`dataset.table` that a job is to write, with its partition; empty for other requests."""
        for kind in ("load", "copy", "query"):
            to = self.configuration.get(kind, {}).get("destinationTable")
            if to:
                return f"{to['datasetId']}.{to['tableId']}"
        return ""


def always(_: Entry) -> bool:
    return True


@dataclass
class Fault:
    """The next `times` requests that fit, after `skip` of them, go wrong.

    status: answered with `status`, `reason`, `message` and `retry_after`, nothing is done.
    reset_before, reset_after: the connection is reset, before or after it is done. truncated: it is done, the answer's
    body ends early. delay: `seconds` before anything. unauthorized: 401.
    broken_upload: the connection is reset after half of the upload's body was read.
    job_error: the job that is started fails with `reason` and `message`, at once or after `polls` or `seconds`; its
    work is not done. cancelled: it ends with the reason `stopped`, in the same way. slow: it runs for `seconds`, or is
    seen running `polls` times by jobs.get and jobs.getQueryResults; its work happens when it ends. Dry runs start no
    job, so these pass them by.
    not_found_after: what is created answers 404 to its next `polls` GETs, at least one.
    """

    kind: Kind
    method: str = "*"
    when: Callable[[Entry], bool] = always
    skip: int = 0
    times: int = 1
    status: int = 503
    reason: str = "backendError"
    message: str = ""
    retry_after: str | None = None
    seconds: float = 0.0
    polls: int = 0

    def fits(self, entry: Entry) -> bool:
        """Whether it could happen to this request at all."""
        if self.times <= 0 or not fnmatchcase(entry.method, self.method):
            return False
        if self.kind in _OF_JOBS and (entry.dry_run or entry.method not in _STARTING):
            return False
        if self.kind == "not_found_after" and not any(fnmatchcase(entry.method, name) for name in _CREATING):
            return False
        if self.kind == "broken_upload" and not entry.upload:
            return False
        return self.when(entry)

    def takes(self, entry: Entry) -> bool:
        """Whether this request goes wrong; counts it."""
        if not self.fits(entry):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    @property
    def text(self) -> str:
        return self.message or f"injected: {self.kind} {self.reason}"


_STARTING = frozenset({"bigquery.jobs.insert", "bigquery.jobs.query"})
