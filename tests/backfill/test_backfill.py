"""Airflow's own backfill and `c360 rebuild` over days of the sample shop: the tables are those of as many daily runs.

`make test-backfill DAYS=60` takes hours, `make test-backfill DAYS=60 PROJECT=small` an hour. Sources are as they are when
the days are run, in all three alike.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from chaos.shop import small_project
from conftest import RUN_DATE, settings_for
from orchestration.processes import left_behind
from rich.console import Console

from backfill.days import Runs, Tables, as_published, differences, rebuild, run_daily, say, tables, until, window
from customer360.orchestration.components import free_port
from customer360.orchestration.headless import DAG_ID, running
from customer360.orchestration.local_airflow import LocalAirflow
from customer360.sample import generate
from customer360.settings import Settings

DAYS = until(RUN_DATE, int(os.environ.get("C360_BACKFILL_DAYS", "2")))
# A project of a third of the tables, without scores.
SMALL = os.environ.get("C360_BACKFILL_PROJECT") == "small"
# Enough people who bought more than once for scores.
CUSTOMERS = 400
# What was published on each day: a rebuild publishes the last one only.
_BY_DAY = ("marts.customer_360_history", "marts.customer_360_daily")

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the shop is, and the data folders of each way to run its days."""
    made = tmp_path_factory.mktemp("backfill")
    generate(made / "shop", customers=CUSTOMERS, days=500, seed=11, until=RUN_DATE)
    if SMALL:
        small_project(made / "home")
    yield made
    for pid in left_behind(made / "airflow" / "airflow"):
        psutil.Process(pid).kill()


def settings(folder: Path, name: str) -> Settings:
    places = {"C360_SHOP": folder / "shop"}
    if SMALL:
        places |= {"C360_HOME": folder / "home", "C360_SOURCES": folder / "home" / "bindings"}
    return settings_for(folder / name, **{name: str(place) for name, place in places.items()})


@pytest.fixture(scope="module")
def daily(folder: Path) -> Tables:
    """What daily runs leave."""
    began = time.monotonic()
    for day in DAYS:
        run_daily(settings(folder, "daily"), folder / "shop", day)
        say(f"daily run of {day}: {time.monotonic() - began:.0f} s in all")
    return tables(settings(folder, "daily"))


@pytest.mark.skipif(SMALL, reason="the small project has less")
def test_there_is_something_to_get_wrong(folder: Path, daily: Tables) -> None:
    assert len(daily) > 80
    for name in ("core.int_person_scores", "identity.identity_id_history", "quarantine.crm__customer_info"):
        assert daily[name], name
    days = [as_published(settings(folder, "daily"), day) for day in DAYS]
    assert all(days) and days[0] != days[-1]


@pytest.mark.airflow
def test_a_backfill_through_the_api_leaves_what_daily_runs_leave(folder: Path, daily: Tables) -> None:
    airflow = LocalAirflow(settings(folder, "airflow"), port=free_port())
    with running(airflow, console=Console(quiet=True)) as (api, components):
        runs = Runs(api, components)
        body = {"dag_id": DAG_ID, **window(DAYS[0], DAYS[-1]), "max_active_runs": 1}
        foreseen = api.call("POST", "/backfills/dry_run", json=body)["backfills"]
        assert [run["logical_date"][:10] for run in foreseen] == [str(day) for day in DAYS]
        made = api.call("POST", "/backfills", json=body)
        states = runs.follow(patience=600.0 * len(DAYS))
        assert set(states.values()) == {"success"}, {day: runs.errors(day) for day in DAYS}
        # The scheduler looks for backfills that are over now and then.
        ended = time.monotonic() + 120
        while not api.call("GET", f"/backfills/{made['id']}")["completed_at"]:
            assert time.monotonic() < ended, "the backfill is over and not said to be"
            time.sleep(1)
    assert differences(tables(airflow.settings), daily) == []


def test_a_bulk_rebuild_leaves_what_daily_runs_leave(folder: Path, daily: Tables) -> None:
    began = time.monotonic()
    rebuild(settings(folder, "rebuild"), DAYS[0], DAYS[-1])
    say(f"c360 rebuild: {time.monotonic() - began:.0f} s")
    assert differences(tables(settings(folder, "rebuild")), daily, but=_BY_DAY) == []
    if SMALL:
        say("not looked at: the last day as history has it, whose query is for the whole project's columns")
    else:
        assert as_published(settings(folder, "rebuild"), DAYS[-1]) == as_published(settings(folder, "daily"), DAYS[-1])
