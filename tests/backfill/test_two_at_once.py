"""A daily run in the middle of a backfill: Airflow runs both at once, and the warehouse lets no two days mix.

What fails says so; after what the runbook says to do, nothing is lost.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psutil
import pytest
from chaos.shop import DAYS, make_project, make_sources
from conftest import ROOT, settings_for
from orchestration.processes import left_behind
from orchestration.test_local_airflow import C360
from rich.console import Console

from backfill.days import Runs, Tables, differences, run_daily, tables, until, window
from customer360.orchestration.components import free_port
from customer360.orchestration.headless import DAG_ID, running
from customer360.orchestration.local_airflow import LocalAirflow
from customer360.settings import Settings

# The last of them is the daily run's.
ALL = until(DAYS[-1], 4)
# Who is known since when, and what was published on which day: a day that ran ahead has seen everybody before.
_SINCE = ("valid_from",)
_BY_DAY = ("marts.customer_360_history", "marts.customer_360_daily")

pytestmark = [pytest.mark.airflow, pytest.mark.long]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    make_project(tmp_path / "home")
    make_sources(tmp_path / "sources")
    yield tmp_path
    for pid in left_behind(tmp_path / "airflow" / "airflow"):
        psutil.Process(pid).kill()


def settings(folder: Path, name: str) -> Settings:
    return settings_for(
        folder / name,
        C360_HOME=str(folder / "home"),
        C360_SOURCES=str(folder / "home" / "bindings"),
        C360_SHOP=str(folder / "sources" / str(DAYS[-1])),
    )


def create_backfill(settings: Settings, first: date, last: date, *more: str) -> str:
    """As somebody types it who has read the runbook."""
    asked = window(first, last)
    command = [
        C360, "airflow", "backfill", "create", "--dag-id", DAG_ID, "--max-active-runs", "1",
        "--from-date", asked["from_date"], "--to-date", asked["to_date"], *more,
    ]  # fmt: skip
    done = subprocess.run(
        command, env=dict(settings.environment), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def in_order(folder: Path) -> Tables:
    """The same days, one after the other."""
    for day in ALL:
        run_daily(settings(folder, "daily"), folder / "sources" / str(DAYS[-1]), day)
    return tables(settings(folder, "daily"), without=_SINCE)


def test_a_daily_run_in_the_middle_of_a_backfill(folder: Path) -> None:
    own = settings(folder, "airflow")
    *days, newest = ALL
    with running(LocalAirflow(own, port=free_port()), console=Console(quiet=True)) as (api, components):
        runs = Runs(api, components)
        planned = create_backfill(own, days[0], days[-1], "--dry-run")
        assert [str(day) for day in ALL if f"{day} 02:00" in planned] == [str(day) for day in days]
        create_backfill(own, days[0], days[-1])
        runs.wait_for(days[1], "staging.publish", patience=1200)
        api.start_run(DAG_ID, newest)
        states = runs.follow(patience=2400)

        # The newer day is done; of those that met it each failed task says why, and what to do.
        assert states[str(newest)] == states[str(days[0])] == "success"
        failed = [day for day in days if states[str(day)] == "failed"]
        assert failed
        for day in failed:
            said = runs.errors(day)
            assert said and all("is at a newer day than" in text or "just now" in text for text in said.values()), said
            assert all("--reprocess-behavior failed" in text for text in said.values()), said

        create_backfill(own, days[0], days[-1], "--reprocess-behavior", "failed")
        assert set(runs.follow(patience=2400).values()) == {"success"}
        api.start_run(DAG_ID, newest)
        assert set(runs.follow(patience=1200).values()) == {"success"}
    assert differences(tables(own, without=_SINCE), in_order(folder), but=_BY_DAY) == []
