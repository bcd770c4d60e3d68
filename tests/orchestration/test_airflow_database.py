"""Two processes that write to the local Airflow's database: the second waits, whatever it has read before."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from customer360.orchestration.airflow_database import CONNECT_ARGS


def engine(folder: Path, connect_args: dict[str, Any]) -> Engine:
    """As Airflow opens its database."""
    made = create_engine(f"sqlite:///{folder / 'airflow.db'}", connect_args=connect_args)
    with made.begin() as connection:
        connection.execute(text("PRAGMA journal_mode = WAL"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS runs (day TEXT)"))
    return made


def create_runs(made: Engine, days: int) -> None:
    """What Airflow does to create a backfill: per day a savepoint, a look, and a change."""
    with Session(made) as session:
        for day in range(days):
            with session.begin_nested():
                session.execute(text("SELECT COUNT(*) FROM runs")).scalar()
                time.sleep(0.002)
                session.execute(text("INSERT INTO runs VALUES (:day)"), {"day": f"backfill {day}"})
        session.commit()


def somebody_writes(made: Engine, stop: threading.Event) -> None:
    """A scheduler, which commits all the time."""
    while not stop.is_set():
        with made.begin() as connection:
            connection.execute(text("INSERT INTO runs VALUES ('heartbeat')"))
        time.sleep(0.001)


@pytest.mark.parametrize("ours", [True, False])
def test_many_runs_are_created_while_somebody_else_writes(ours: bool, tmp_path: Path) -> None:
    arguments = CONNECT_ARGS if ours else {}
    scheduler, api_server = engine(tmp_path, arguments), engine(tmp_path, arguments)
    stop = threading.Event()
    thread = threading.Thread(target=somebody_writes, args=(scheduler, stop))
    thread.start()
    try:
        if not ours:  # what the rest of this test is worth
            with pytest.raises(OperationalError, match="database is locked"):
                create_runs(api_server, 500)
            return
        create_runs(api_server, 500)
        with api_server.connect() as connection:
            found = connection.execute(text("SELECT COUNT(*) FROM runs WHERE day LIKE 'backfill%'")).scalar()
        assert found == 500
    finally:
        stop.set()
        thread.join()


def test_what_was_rolled_back_is_not_there(tmp_path: Path) -> None:
    made = engine(tmp_path, CONNECT_ARGS)
    with Session(made) as session:
        with session.begin_nested():
            session.execute(text("INSERT INTO runs VALUES ('kept')"))
        with session.begin_nested() as savepoint:
            session.execute(text("INSERT INTO runs VALUES ('undone')"))
            savepoint.rollback()
        session.commit()
        session.execute(text("INSERT INTO runs VALUES ('never committed')"))
    with made.connect() as connection:
        assert connection.execute(text("SELECT day FROM runs")).scalars().all() == ["kept"]
