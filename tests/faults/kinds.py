"""What can go wrong, by name, and where: the requests that an undisturbed day makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from cloud_server import Entry, Fault

Make = Callable[..., Fault]
_LIMIT, _QUOTA = "Exceeded rate limits", "Quota exceeded: Your project exceeded quota for imports per project"
KINDS: dict[str, Make] = {
    "429": partial(Fault, "status", status=429, reason="rateLimitExceeded", message=_LIMIT),
    "429 with Retry-After": partial(
        Fault, "status", status=429, reason="rateLimitExceeded", message=_LIMIT, retry_after="7"
    ),
    "503": partial(Fault, "status", status=503, reason="backendError"),
    "503 with Retry-After": partial(Fault, "status", status=503, reason="backendError", retry_after="7"),
    "500 backendError": partial(Fault, "status", status=500, reason="backendError"),
    "502": partial(Fault, "status", status=502, reason="badGateway"),
    "403 rateLimitExceeded": partial(Fault, "status", status=403, reason="rateLimitExceeded", message=_LIMIT),
    "403 quotaExceeded": partial(Fault, "status", status=403, reason="quotaExceeded", message=_QUOTA),
    "401": partial(Fault, "unauthorized"),
    "reset before": partial(Fault, "reset_before"),
    "reset after": partial(Fault, "reset_after"),
    "answer ends early": partial(Fault, "truncated"),
    "upload broken in the middle": partial(Fault, "broken_upload"),
    "not found at first": partial(Fault, "not_found_after", polls=1),
    "slow job": partial(Fault, "slow", polls=3),
    "job cancelled": partial(Fault, "cancelled", polls=1),
    "job: backendError": partial(Fault, "job_error", reason="backendError"),
    "job: backendError, late": partial(Fault, "job_error", reason="backendError", polls=2),
    "job: jobBackendError": partial(Fault, "job_error", reason="jobBackendError"),
    "job: rateLimitExceeded": partial(Fault, "job_error", reason="rateLimitExceeded", message=_LIMIT),
    "job: quotaExceeded": partial(Fault, "job_error", reason="quotaExceeded", message=_QUOTA),
}
# What is put right within a try: nobody notices but for the time it takes. Not
# 502, which google-auth does not ask for a token again.
SILENT = frozenset(
    {"429", "429 with Retry-After", "503", "503 with Retry-After", "500 backendError", "reset before"}
    | {"reset after", "answer ends early", "upload broken in the middle", "not found at first", "slow job"}
)


def places(kind: str, log: Sequence[Entry]) -> dict[str, list[int]]:
    """Where a fault of this kind can strike: method → the numbers of its requests that fit, as `skip` counts them."""
    fault = KINDS[kind]()
    found: dict[str, list[int]] = {}
    for entry in log:
        if fault.fits(entry):
            of = found.setdefault(entry.method, [])
            of.append(len(of))
    return found
