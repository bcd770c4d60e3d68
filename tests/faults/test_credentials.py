"""Tokens that expire in the middle of a day, and credentials that Google refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cloud_server import CloudServer, Fault
from google.auth.credentials import AnonymousCredentials

from customer360.errors import SourceError, WarehouseError
from faults import shop
from faults.oracle import Undisturbed, check
from faults.scenario import Day, Worker

ASKED = "oauth2.token"


def expire(server: CloudServer, *, at: tuple[int, ...]) -> None:
    """All tokens are revoked just before these requests of a day."""

    def when(_: object) -> bool:
        if len(server.log) in at:
            server.expire_tokens()
        return False

    server.faults.append(Fault("delay", when=when, times=1))


def test_tokens_that_expire_are_renewed_in_silence(new_day: Callable[[], Day], undisturbed: Undisturbed) -> None:
    day = new_day()
    expire(day.server, at=tuple(range(3, 150, 7)))
    assert day.run().error is None
    assert set(day.outcome.tries.values()) == {1}
    assert len(day.server.sent(ASKED)) > 10
    check(day, undisturbed)


@pytest.mark.parametrize("kind", ["status", "reset_before", "reset_after", "truncated"])
def test_a_token_is_asked_for_again(new_day: Callable[[], Day], undisturbed: Undisturbed, kind: str) -> None:
    day = new_day()
    expire(day.server, at=(10, 50, 90))
    faults = [Fault(kind, ASKED, skip=skip) for skip in (0, 2)]  # type: ignore[arg-type]
    day.server.faults += faults
    assert day.run().error is None
    assert not any(fault.times for fault in faults)
    check(day, undisturbed)


def test_a_gateway_that_fails_between_is_no_fault_of_the_credentials(
    new_day: Callable[[], Day], undisturbed: Undisturbed
) -> None:
    """google-auth takes a 502 for a refusal: the task is tried again, and nobody is sent to renew what is good."""
    day = new_day()
    day.server.faults.append(Fault("status", ASKED, status=502))
    assert day.run().error is None
    (error,) = day.outcome.errors
    assert error.retry_helps
    assert "renew" not in str(error)
    check(day, undisturbed)


def test_credentials_that_google_refuses_fail_with_what_to_do(
    new_day: Callable[[], Day], undisturbed: Undisturbed
) -> None:
    """A key that was deleted in the middle of the day. With a new one the day goes on where it stopped."""
    day = new_day()
    expire(day.server, at=(60,))
    refused = Fault("status", ASKED, skip=1, times=1000, status=400, reason="invalid_grant", message="Invalid JWT")
    day.server.faults.append(refused)
    error = day.run().error
    assert isinstance(error, WarehouseError)
    assert not error.retry_helps
    assert "renew them" in str(error) and "Invalid JWT" in str(error)
    assert day.outcome.tries[day.outcome.failed or ""] == 1
    refused.times = 0
    assert day.run().error is None
    check(day, undisturbed)


def test_a_bucket_that_refuses_the_credentials_says_what_to_do(new_day: Callable[[], Day]) -> None:
    day = new_day()
    worker = Worker(day.server, "step", day.files, 1, AnonymousCredentials())
    with pytest.raises(SourceError, match=r"put gs://landing/a\.parquet: .*renew them") as caught:
        worker.landing.place(day.files["small"], "gs://landing/a.parquet")
    assert not caught.value.retry_helps
    with pytest.raises(WarehouseError, match="renew them"):
        worker.warehouse.ensure([shop.VISITS])
