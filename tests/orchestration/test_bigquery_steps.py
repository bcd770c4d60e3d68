"""Steps on BigQuery, against the contract server: links, deferral, and jobs that die with their task."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cloud_server import CloudServer, Fault

from customer360.errors import WarehouseError
from orchestration.bigquery import MODEL, context, started, write_step, writing

if TYPE_CHECKING:
    from airflow.sdk.exceptions import TaskDeferred

    from customer360.orchestration.bigquery_trigger import BigQueryJobTrigger


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServer]:
    """A server that has the raw tables, empty."""
    from customer360.orchestration.operators import EnsureTables

    with CloudServer(tmp_path_factory.mktemp("cloud")) as server, pytest.MonkeyPatch.context() as environment:
        for name, value in server.environment.items():
            environment.setenv(name, value)
        EnsureTables(task_id="ensure", run_date="2024-06-30").execute(context())
        yield server


@pytest.fixture
def server(cloud: CloudServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CloudServer:
    """The same, with nothing of the test before."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("C360_DATA", str(tmp_path))
    cloud.faults.clear()
    cloud.log.clear()
    return cloud


def slow(seconds: float) -> Fault:
    return Fault("slow", method="bigquery.jobs.insert", when=writing, seconds=seconds)


def state(server: CloudServer, job_id: str) -> tuple[str, str | None]:
    """A job's state, and why it ended badly."""
    status = server.jobs[job_id]["status"]
    return status["state"], status.get("errorResult", {}).get("reason")


def assert_stopped(server: CloudServer) -> None:
    """The one job of the model was cancelled, and nothing was started in its place."""
    (job_id,) = started(server)
    assert state(server, job_id) == ("DONE", "stopped")
    assert server.executed.get(job_id, 0) == 0


def defer(step: Any, in_context: Any) -> TaskDeferred:
    from airflow.sdk.exceptions import TaskDeferred

    with pytest.raises(TaskDeferred) as deferred:
        step.execute(in_context)
    return deferred.value


def as_the_triggerer_makes_it(deferred: TaskDeferred, **changes: Any) -> BigQueryJobTrigger:
    from airflow.sdk.module_loading import import_string

    path, arguments = deferred.trigger.serialize()
    return import_string(path)(**{**arguments, "poll_interval": 0.05, **changes})


async def events(trigger: BigQueryJobTrigger) -> list[dict[str, Any]]:
    try:
        return [event.payload async for event in trigger.run()]
    finally:
        await trigger.cleanup()


@contextmanager
def after(seconds: float, act: Callable[[], None], ready: Callable[[], Any] = lambda: True) -> Iterator[None]:
    """Interrupts the main thread as the signal of a killed task does, once `ready`, and goes on there afterwards."""

    def interrupt(*_: Any) -> None:
        if ready():
            act()
        else:
            signal.setitimer(signal.ITIMER_REAL, 0.2)

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_short_job_is_waited_for_where_it_was_started(server: CloudServer) -> None:
    step, in_context = write_step(deferrable=True), context()
    server.faults.append(slow(0.8))
    step.execute(in_context)
    (job_id,) = started(server)
    assert server.executed[job_id] == 1
    assert job_id in in_context["ti"].pushed["warehouse_job"]
    (link,) = step.operator_extra_links
    assert link.get_link(step, ti_key=in_context["ti"]) == in_context["ti"].pushed["warehouse_job"]


def test_a_long_job_gives_the_worker_back_and_is_done_once(server: CloudServer) -> None:
    step, in_context = write_step(deferrable=True, patience=0, execution_timeout=timedelta(minutes=5)), context()
    server.faults.append(slow(1.5))
    deferred = defer(step, in_context)
    assert server.executed.get(started(server)[0], 0) == 0
    assert started(server)[0] in in_context["ti"].pushed["warehouse_job"]  # people can follow it while it runs
    trigger = as_the_triggerer_makes_it(deferred)
    assert timedelta(minutes=4) < datetime.fromisoformat(str(trigger.deadline)) - datetime.now(UTC)
    assert deferred.timeout is not None and deferred.timeout > timedelta(minutes=5)

    (event,) = asyncio.run(events(trigger))
    assert event == {"job_id": started(server)[0], "status": "done", "message": ""}
    again, in_context = write_step(deferrable=True), context()  # in another worker
    getattr(again, deferred.method_name)(in_context, event)
    (job_id,) = started(server)
    assert server.executed[job_id] == 1
    assert [row["table_name"] for row in server.rows("ops", "jobs") if row["job_id"] == job_id] == [MODEL]
    assert job_id in in_context["ti"].pushed["warehouse_job"]


def test_without_leave_to_defer_the_worker_waits(server: CloudServer) -> None:
    server.faults.append(slow(1.0))
    write_step(deferrable=False, patience=0).execute(context())
    (job_id,) = started(server)
    assert server.executed[job_id] == 1


def test_deferring_is_airflows_setting_unless_ours_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not write_step().deferrable
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "True")
    assert write_step().deferrable
    assert not write_step(deferrable=False).deferrable


def test_a_job_that_fails_fails_the_task_with_bigquerys_words_and_the_jobs_page(server: CloudServer) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    server.faults.append(
        Fault("job_error", "bigquery.jobs.insert", writing, reason="invalidQuery", message="no such x")
    )
    with pytest.raises(AirflowFailException, match=r"no such x.*console\.cloud\.google\.com"):
        write_step(deferrable=True, patience=0).execute(context())


def test_a_killed_task_takes_its_job_along_and_starts_no_other(server: CloudServer) -> None:
    step = write_step()
    server.faults.append(slow(60))
    # Not AirflowFailException: whether a killed task is tried again is for Airflow to say.
    with after(1.0, step.on_kill), pytest.raises(WarehouseError):
        step.execute(context())
    assert_stopped(server)


def test_a_task_that_is_killed_before_it_begins_starts_nothing(server: CloudServer) -> None:
    step = write_step()
    step.on_kill()
    with pytest.raises(WarehouseError, match="stopped before it had begun"):
        step.execute(context())
    assert started(server) == []


def test_killing_neither_raises_nor_hangs_when_bigquery_does_not_answer(server: CloudServer) -> None:
    step = write_step()
    server.faults.extend([slow(4), Fault("reset_before", "bigquery.jobs.cancel", times=100)])
    before = time.monotonic()
    with after(1.0, step.on_kill, lambda: started(server)):
        step.execute(context())
    assert 3 < time.monotonic() - before < 45, "nobody could stop the job, so the step saw it through"
    (only,) = started(server)
    assert server.executed[only] == 1


def test_a_task_that_times_out_takes_its_job_along(server: CloudServer) -> None:
    from airflow.sdk.exceptions import AirflowTaskTimeout
    from airflow.sdk.execution_time.task_runner import _run_execute_callable

    step = write_step(execution_timeout=timedelta(seconds=2))
    server.faults.append(slow(60))
    with pytest.raises(AirflowTaskTimeout):
        _run_execute_callable(context(), step.execute, step)
    assert_stopped(server)


def test_clearing_a_deferred_task_cancels_its_job(server: CloudServer) -> None:
    server.faults.append(slow(60))
    trigger = as_the_triggerer_makes_it(defer(write_step(deferrable=True, patience=0), context()))

    async def killed() -> None:
        """What the triggerer does when a person acts on the task."""
        running = asyncio.create_task(events(trigger))
        await asyncio.sleep(0.5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await trigger.on_kill()

    asyncio.run(killed())
    assert_stopped(server)


def test_a_triggerer_that_restarts_leaves_the_job_alone(server: CloudServer) -> None:
    server.faults.append(slow(2.0))
    deferred = defer(write_step(deferrable=True, patience=0), context())

    async def restarted() -> None:
        running = asyncio.create_task(events(as_the_triggerer_makes_it(deferred)))
        await asyncio.sleep(0.5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(restarted())
    assert server.sent("bigquery.jobs.cancel") == []
    (event,) = asyncio.run(events(as_the_triggerer_makes_it(deferred)))
    assert event["status"] == "done"
    assert server.executed[started(server)[0]] == 1


def test_past_the_deadline_the_trigger_cancels_the_job_and_the_task_says_so(server: CloudServer) -> None:
    from airflow.sdk.exceptions import AirflowTaskTimeout

    step = write_step(deferrable=True, patience=0, execution_timeout=timedelta(seconds=3))
    server.faults.append(slow(60))
    (event,) = asyncio.run(events(as_the_triggerer_makes_it(defer(step, context()))))
    assert event["status"] == "timeout"
    with pytest.raises(AirflowTaskTimeout, match=r"execution_timeout, 0:00:03, and was cancelled: https://console"):
        step.resume(context(), event)
    assert_stopped(server)


def test_what_the_triggerer_cannot_see_for_a_while_it_asks_about_again(
    server: CloudServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer360.orchestration.bigquery_trigger._CALL_TIMEOUT", 0.3)
    server.faults.append(slow(1.0))
    deferred = defer(write_step(deferrable=True, patience=0), context())
    server.faults.append(Fault("delay", "bigquery.jobs.get", seconds=1.0, times=2))
    (event,) = asyncio.run(events(as_the_triggerer_makes_it(deferred)))
    assert event["status"] == "done"


def test_what_the_triggerer_may_not_see_the_worker_waits_for(server: CloudServer) -> None:
    step = write_step(deferrable=True, patience=0)
    server.faults.append(slow(1.5))
    deferred = defer(step, context())
    server.faults.append(Fault("status", "bigquery.jobs.get", status=403, reason="accessDenied", message="not yours"))
    (event,) = asyncio.run(events(as_the_triggerer_makes_it(deferred)))
    assert event["status"] == "unknown" and "not yours" in event["message"]
    step.resume(context(), event)
    (job_id,) = started(server)
    assert server.executed[job_id] == 1


def test_a_cleared_task_that_meets_its_dying_job_starts_another(server: CloudServer) -> None:
    """Clearing lets the new try begin before the triggerer has cancelled the job of the one before."""
    server.faults.append(slow(60))
    trigger = as_the_triggerer_makes_it(defer(write_step(deferrable=True, patience=0), context()))
    step = write_step()
    with after(1.0, lambda: asyncio.run(trigger.on_kill())):
        step.execute(context())
    first, second = started(server)
    assert state(server, first) == ("DONE", "stopped")
    assert server.executed == server.executed | {second: 1}
