"""What is known to go wrong with BigQuery, one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cloud_server import Entry, Fault

from customer360.errors import SourceError, WarehouseError
from faults import shop
from faults.conftest import Clock
from faults.kinds import KINDS
from faults.scenario import Day, Killed, Worker

RUN = shop.run_of("step")
CANDIDATE = shop.TOTALS.name.candidate(shop.SECOND)
ONE, TWO = ("SELECT 1 AS visitors, 2 AS pages", "SELECT 3 AS visitors, 4 AS pages")


def for_real(entry: Entry) -> bool:
    return bool(entry.configuration) and not entry.dry_run


@pytest.fixture
def day(new_day: Callable[[], Day]) -> Day:
    return new_day()


@pytest.fixture
def new_worker(day: Day) -> Callable[[], Worker]:
    """A worker with the same task."""
    return lambda: Worker(day.server, RUN.task_id, day.files, 1, day.credentials)


def address(name: str) -> str:
    return f"gs://landing/{name}.parquet"


def placed(worker: Worker, folder: Path, name: str, visitor: str) -> str:
    file = shop.parquet(folder, shop.VISITS, shop.visits(shop.SECOND, visitor), name)
    worker.landing.place(file, address(name))
    return address(name)


@pytest.mark.parametrize("hidden", [False, True], ids=["seen", "not seen at first"])
def test_a_load_that_a_lost_worker_left_never_overwrites_the_newer_one(
    day: Day, new_worker: Callable[[], Worker], tmp_path: Path, hidden: bool
) -> None:
    first, second = new_worker(), new_worker()
    first.warehouse.ensure([shop.VISITS])
    old, new = placed(first, tmp_path, "old", "Old"), placed(first, tmp_path, "new", "New")
    day.server.faults.append(Fault("slow", "bigquery.jobs.insert", polls=6))
    if hidden:
        day.server.faults.append(Fault("not_found_after", "bigquery.jobs.insert", polls=1))
    first.dies_at("bigquery.jobs.insert")
    with pytest.raises(Killed):
        first.warehouse.load(shop.VISITS, [old], partition=shop.SECOND, run=RUN)
    (left,) = day.server.jobs
    second.warehouse.load(shop.VISITS, [new], partition=shop.SECOND, run=RUN)
    assert [row["visitor"] for row in day.server.rows("raw_web", "visits")] == ["New"]
    assert day.server.jobs[left]["status"]["errorResult"]["reason"] == "stopped"
    assert left not in day.server.executed


def test_a_deferred_job_that_somebody_cancels_says_so_and_runs_when_the_task_does(
    day: Day, new_worker: Callable[[], Worker]
) -> None:
    day.server.faults.append(Fault("slow", "bigquery.jobs.insert", polls=50))
    job_id = new_worker().warehouse.start_write(shop.TOTALS, ONE, target=CANDIDATE, run=RUN)
    assert job_id is not None
    day.server.client(credentials=day.credentials).cancel_job(job_id, location="EU")
    worker = new_worker()
    assert not worker.warehouse.is_running(job_id)
    with pytest.raises(
        WarehouseError, match=r"write core\.totals.*cancelled.*bq:EU:c360.*when you clear the task"
    ) as caught:
        worker.warehouse.write(shop.TOTALS, ONE, target=CANDIDATE, run=RUN, job_id=job_id)
    assert caught.value.retry_helps
    again = new_worker().warehouse.write(shop.TOTALS, ONE, target=CANDIDATE, run=RUN)
    assert day.server.executed == {again.job_id: 1}


def test_a_query_whose_answer_is_lost_runs_once(day: Day, new_worker: Callable[[], Worker]) -> None:
    day.server.faults += [Fault(kind, "bigquery.jobs.insert") for kind in ("reset_after", "truncated")]
    assert new_worker().warehouse.query("SELECT 1 AS one").to_pylist() == [{"one": 1}]
    assert [*day.server.executed.values()] == [1]


def test_pages_that_end_early_are_asked_for_again(day: Day, new_worker: Callable[[], Worker]) -> None:
    pages = "bigquery.jobs.getQueryResults"
    day.server.faults += [Fault("truncated", pages, skip=skip, times=2) for skip in (0, 3)]
    found = new_worker().warehouse.query("SELECT n FROM UNNEST(GENERATE_ARRAY(1, 7)) AS n ORDER BY n")
    assert found.column("n").to_pylist() == [1, 2, 3, 4, 5, 6, 7]
    assert sum(entry.fault is not None for entry in day.server.sent(pages)) == 4


@pytest.mark.parametrize("late", [0, 3], ids=["at once", "after a while"])
def test_a_job_that_fails_says_so_within_a_minute(
    day: Day, new_worker: Callable[[], Worker], clock: Clock, late: int
) -> None:
    """The client cannot tell a failed job's backendError from a request's, and would ask again for ten minutes."""
    day.server.faults.append(Fault("job_error", when=for_real, reason="backendError", polls=late))
    began = clock.monotonic()
    with pytest.raises(WarehouseError, match=r"write core\.totals.*tried again by itself") as caught:
        new_worker().warehouse.write(shop.TOTALS, ONE, run=RUN)
    assert caught.value.retry_helps
    assert clock.monotonic() - began < timedelta(minutes=1).total_seconds()


@pytest.mark.parametrize("made", ["bigquery.datasets.insert", "bigquery.tables.insert"])
def test_what_was_just_made_may_not_be_seen_for_a_while(day: Day, new_worker: Callable[[], Worker], made: str) -> None:
    day.server.faults += [Fault("not_found_after", made, polls=4), Fault("reset_after", made)]
    new_worker().warehouse.ensure([shop.VISITS])
    new_worker().warehouse.ensure([shop.VISITS])
    assert [entry.status for entry in day.server.sent(made)] == [None, 409]


@pytest.mark.parametrize("kind", ["403 quotaExceeded", "job: quotaExceeded"])
def test_a_quota_is_not_asked_for_again_and_again(
    day: Day, new_worker: Callable[[], Worker], clock: Clock, kind: str
) -> None:
    day.server.faults.append(KINDS[kind](method="bigquery.jobs.insert", when=for_real, times=100))
    began = clock.monotonic()
    with pytest.raises(WarehouseError, match=r"imports per project.*wait until .*iam-admin/quotas\?project=") as caught:
        new_worker().warehouse.write(shop.TOTALS, ONE, run=RUN)
    assert not caught.value.retry_helps
    assert len([entry for entry in day.server.sent("bigquery.jobs.insert") if for_real(entry)]) == 1
    assert clock.monotonic() - began < 10


def test_an_outage_ends_with_a_sentence(day: Day, new_worker: Callable[[], Worker], clock: Clock) -> None:
    """Google's client asks for ten minutes; then the task's own retries begin."""
    day.server.faults.append(Fault("status", "bigquery.*", times=10_000, message="Backend is out"))
    began = clock.monotonic()
    with pytest.raises(WarehouseError, match=r"Backend is out.*tried again by itself.*https://status\.cloud") as caught:
        new_worker().warehouse.write(shop.TOTALS, ONE, run=RUN)
    assert caught.value.retry_helps
    assert 300 < clock.monotonic() - began < 700


def test_a_bucket_s_outage_ends_with_a_sentence(day: Day, new_worker: Callable[[], Worker], tmp_path: Path) -> None:
    day.server.faults.append(Fault("status", "storage.*", times=10_000, message="Backend is out"))
    with pytest.raises(SourceError, match=r"put gs://landing/a\.parquet.*Backend is out.*tried again by") as caught:
        placed(new_worker(), tmp_path, "a", "Ada")
    assert caught.value.retry_helps


def test_what_retry_after_says_is_not_waited_for(day: Day, new_worker: Callable[[], Worker], clock: Clock) -> None:
    """Google's clients keep to a back-off of their own. This notices when a release of them changes that."""
    day.server.faults.append(Fault("status", "bigquery.datasets.get", retry_after="500"))
    began = clock.monotonic()
    new_worker().warehouse.ensure([shop.VISITS])
    assert clock.monotonic() - began < 30
