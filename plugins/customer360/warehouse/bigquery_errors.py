"""What Google's clients raise: the reason in it, whether a retry helps, and what people can do about it."""

from __future__ import annotations

from typing import Any

import requests
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions

ERRORS = (
    exceptions.GoogleAPIError,
    auth_exceptions.GoogleAuthError,
    requests.RequestException,
    ConnectionError,
    TimeoutError,
)
# stopped: cancelled, by somebody or with an earlier try's task; the next try starts another job.
_RETRYABLE = {
    "backendError", "badGateway", "conditionNotMet", "internalError", "jobBackendError", "jobInternalError",
    "jobRateLimitExceeded", "rateLimitExceeded", "resourceInUse", "serviceUnavailable", "stopped", "tableUnavailable",
    "userRateLimitExceeded",
}  # fmt: skip
_THROTTLED = {"jobRateLimitExceeded", "rateLimitExceeded", "userRateLimitExceeded"}
_STATUS = "https://status.cloud.google.com"
_BY_ITSELF = "The task is tried again by itself"
_DOCTOR = "`c360 doctor` says what is missing and how to give it; then clear the task."
_CREDENTIALS = (
    "Google refuses the credentials of the Google connection: renew them (`c360 doctor` says whose they are), then"
    " clear the task."
)
_ADVICE = {
    "accessDenied": _DOCTOR,
    "authError": _CREDENTIALS,
    "billingNotEnabled": _DOCTOR,
    "bytesBilledLimitExceeded": (
        "Read fewer columns or partitions, or raise budget_bytes in model.yaml (or C360_BUDGET_BYTES)."
    ),
    "notFound": (
        "`c360 plan` says which tables are missing, `c360 doctor` whether project and location are right; then clear"
        " the task that makes what is missing."
    ),
    "quotaExceeded": (
        "A quota of the project is used up: wait until it is renewed, or raise it at"
        " https://console.cloud.google.com/iam-admin/quotas?project={project}; then clear the task."
    ),
    "stopped": (
        f"The job was cancelled: its page says when, the audit log by whom. {_BY_ITSELF}, and when you clear the task."
    ),
}


def reason_and_message(error: BaseException) -> tuple[str, str]:
    """Google's reason, empty where none is given, and its words."""
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        return reason_and_message(error.cause)
    if isinstance(error, exceptions.GoogleAPICallError):
        first = _first(error.errors) or _first_in(error.response)
        return str(first.get("reason", "")), str(first.get("message") or error.message)
    if (response := getattr(error, "response", None)) is not None:
        first = _first_in(response)
        return str(first.get("reason", "")), str(first.get("message") or error)
    return "", str(error) or type(error).__name__


def _first(errors: Any) -> dict[str, Any]:
    return errors[0] if errors and isinstance(errors[0], dict) else {}


def _first_in(response: Any) -> dict[str, Any]:
    """Uploads raise what has the answer and not what it says."""
    try:
        return _first(response.json()["error"]["errors"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def throttled(error: BaseException | None) -> bool:
    """Whether it is only that too much was asked in a short time."""
    return error is not None and reason_and_message(error)[0] in _THROTTLED


def retry_helps(error: BaseException) -> bool:
    """Whether the same call may succeed later."""
    reason, message = reason_and_message(error)
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        error = error.cause
    if reason == "notFound" and "gs://" in message:
        return True  # another load of the same date has removed the extract: the next try lands its own
    if reason:  # it says more than the status: the client makes a 500 of every reason it does not know
        return reason in _RETRYABLE
    if isinstance(error, exceptions.GoogleAPICallError):
        return isinstance(error, (exceptions.ServerError, exceptions.TooManyRequests, exceptions.PreconditionFailed))
    if isinstance(error, auth_exceptions.GoogleAuthError):
        # A gateway's page in place of what the token endpoint says: the library tries 500 and 503 again, not 502.
        page = "<html" in str(error).lower()
        return page or bool(error.retryable) or isinstance(error, auth_exceptions.TransportError)
    return True


def advice(error: BaseException, project: str) -> str:
    """What to do: a sentence or two, or nothing where Google's own words say it."""
    reason, _ = reason_and_message(error)
    if reason in _ADVICE and not (reason == "notFound" and retry_helps(error)):
        return _ADVICE[reason].format(project=project)
    if retry_helps(error):
        return f"{_BY_ITSELF}. If this goes on, {_STATUS} tells of outages; clear the task when they are over."
    return _CREDENTIALS if isinstance(error, auth_exceptions.GoogleAuthError) else ""
