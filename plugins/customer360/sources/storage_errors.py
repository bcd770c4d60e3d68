"""What Google's storage client raises, as this package's errors: what to do, and whether a retry helps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from customer360.errors import SourceError, SourceUnreachableError


@contextmanager
def storage_errors(doing: str, project: str, hints: Mapping[int, str]) -> Iterator[None]:
    """`doing`: what the block does; `hints`: what to do about a status that no retry helps."""
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

    from customer360.warehouse import bigquery_errors as google

    try:
        yield
    except (*google.ERRORS, InvalidResponse, DataCorruption) as error:
        reason, message = google.reason_and_message(error)
        code = getattr(error, "code", None) or getattr(getattr(error, "response", None), "status_code", None)
        code = code if isinstance(code, int) else 0
        refused = 400 <= code < 500 and code not in (408, 412, 429)
        helps = google.retry_helps(error) if reason or not code else not refused
        of_google = google.advice(error, project)
        hint = hints.get(code, "") if reason not in ("quotaExceeded", "rateLimitExceeded") and not helps else ""
        raised = (SourceUnreachableError if helps else SourceError)(f"{doing}: {message}. {hint or of_google}".rstrip())
        raise raised from error
