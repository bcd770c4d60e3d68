"""Waits for a BigQuery job in Airflow's triggerer, so that no worker does.

Not the provider's BigQueryInsertJobTrigger: it speaks to BigQuery through gcloud-aio, another HTTP stack with
credentials, retries and an emulator address (`host:port`, no scheme) of its own, so what is tested would not be what
runs. It also knows no deadline. This one asks through the client that everything else uses, in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from customer360.errors import Customer360Error

if TYPE_CHECKING:
    from customer360.warehouse.bigquery import BigQueryWarehouse

DONE, TIMEOUT, UNKNOWN = "done", "timeout", "unknown"

_LONGEST_INTERVAL = 30.0
_CALL_TIMEOUT = 60.0
_FAILURES_IN_A_ROW = 5
T = TypeVar("T")


class BigQueryJobTrigger(BaseTrigger):
    """Yields one event, `{"job_id", "status", "message"}`, once the job needs nobody to wait for it any more.

    status: `done` (well or not: the task finds out), `timeout` (past the deadline: it was cancelled), `unknown` (it
    cannot be asked about from here, and may still run).
    deadline: an ISO time with its zone. Airflow's own time-out of a deferral would leave the job running.
    poll_interval: seconds, growing to 30.
    """

    def __init__(self, *, job_id: str, deadline: str | None = None, poll_interval: float = 5.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.job_id, self.deadline, self.poll_interval = job_id, deadline, poll_interval
        self._opened: BigQueryWarehouse | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {"job_id": self.job_id, "deadline": self.deadline, "poll_interval": self.poll_interval}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        interval, failures = self.poll_interval, 0
        while True:
            try:
                if not await self._call(lambda: self._warehouse().is_running(self.job_id)):
                    yield self._event(DONE)
                    return
                failures = 0
            except (Customer360Error, TimeoutError) as error:
                failures += 1
                said = str(error) or f"no answer in {_CALL_TIMEOUT:.0f} s"
                self.log.warning("Cannot ask about job %s: %s", self.job_id, said)
                if failures == _FAILURES_IN_A_ROW or not getattr(error, "retry_helps", True):
                    yield self._event(UNKNOWN, said)
                    return
            if (remaining := self._remaining()) <= 0:
                await self.on_kill()
                yield self._event(TIMEOUT)
                return
            await asyncio.sleep(min(interval, remaining))
            interval = min(interval * 1.5, _LONGEST_INTERVAL)

    async def on_kill(self) -> None:
        """Cancel the job. Airflow calls this when a person clears or marks the task, not when a triggerer restarts."""
        self.log.info("Cancelling job %s", self.job_id)
        try:
            await self._call(lambda: self._warehouse().cancel(self.job_id))
        except (Customer360Error, TimeoutError) as error:
            self.log.warning("Could not cancel job %s, which runs on: %s", self.job_id, error)

    async def cleanup(self) -> None:
        if self._opened is not None:
            await asyncio.to_thread(self._opened.close)

    async def _call(self, function: Callable[[], T]) -> T:
        """Do it in a thread: the client blocks, and other triggers share this loop. TimeoutError if it takes long."""
        return await asyncio.wait_for(asyncio.to_thread(function), _CALL_TIMEOUT)

    def _warehouse(self) -> BigQueryWarehouse:
        """Opened in the thread that asks first: imports, Airflow's connections and credentials block too."""
        if self._opened is None:
            from customer360.orchestration.connections import open_bigquery
            from customer360.settings import load_settings

            self._opened = open_bigquery(load_settings())
        return self._opened

    def _remaining(self) -> float:
        if self.deadline is None:
            return _LONGEST_INTERVAL
        return (datetime.fromisoformat(self.deadline) - datetime.now(UTC)).total_seconds()

    def _event(self, status: str, message: str = "") -> TriggerEvent:
        return TriggerEvent({"job_id": self.job_id, "status": status, "message": message})  # type: ignore[no-untyped-call]
