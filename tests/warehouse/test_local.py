"""What only the embedded warehouse promises: one lock for all processes, atomic groups, time travel, a movable folder."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from customer360.errors import WarehouseBusyError, WarehouseError
from customer360.project import Column, TableName, TableSpec
from customer360.settings import Parameter
from customer360.warehouse.lake import write_lock
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import Publication, RunInfo

FACTS = TableSpec(
    TableName("core", "facts"),
    (Column("id", "INT64", "The id."), Column("amount", "NUMERIC", "Money.")),
    "Facts. One row per id.",
)
SUMS = TableSpec(TableName("core", "sums"), (Column("total", "NUMERIC", "Sum."),), "Sums. One row per table.")
MANY = "SELECT id, CAST(1.5 AS NUMERIC) AS amount FROM UNNEST(GENERATE_ARRAY(1, @n)) AS id"


def run(day: int) -> RunInfo:
    return RunInfo(f"run_{day}", date(2024, 1, day))


def build(warehouse: LocalWarehouse, day: int, rows: int) -> list[Publication]:
    """Candidates of facts and of a sum over them."""
    info = run(day)
    facts, sums = (spec.name.candidate(info.run_date) for spec in (FACTS, SUMS))
    warehouse.write(FACTS, MANY, target=facts, parameters={"n": Parameter("INT64", rows)}, run=info)
    warehouse.write(
        SUMS, "SELECT SUM(amount) AS total FROM core.facts", target=sums, renames={FACTS.name: facts}, run=info
    )
    return [Publication(FACTS, facts), Publication(SUMS, sums)]


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[LocalWarehouse]:
    schemas = {str(spec.name): spec.schema for spec in (FACTS, SUMS)}
    warehouse = LocalWarehouse(tmp_path / "lake", schemas=schemas, lock_timeout=10)
    yield warehouse
    warehouse.close()


def state(warehouse: LocalWarehouse, as_of: str | None = None) -> tuple[int, str]:
    rows = warehouse.query(
        "SELECT (SELECT COUNT(*) FROM core.facts) AS n, (SELECT total FROM core.sums) AS total", as_of=as_of
    ).to_pylist()
    return rows[0]["n"], str(rows[0]["total"])


def test_a_group_is_published_together_and_candidates_are_gone(lake: LocalWarehouse) -> None:
    lake.publish(build(lake, 1, 10), run=run(1))
    assert state(lake) == (10, "15.000000000")
    assert lake.tables("core") == [FACTS.name, SUMS.name]


def test_a_failed_publish_changes_nothing(lake: LocalWarehouse) -> None:
    lake.publish(build(lake, 1, 10), run=run(1))
    publications = build(lake, 2, 20)
    lake.drop([publications[1].candidate])
    with pytest.raises(WarehouseError, match="publish"):
        lake.publish(publications, run=run(2))
    assert state(lake) == (10, "15.000000000")


def test_what_a_run_left_can_be_read_later(lake: LocalWarehouse) -> None:
    for day in (1, 2, 3):
        lake.publish(build(lake, day, 10 * day), run=run(day))
    assert [state(lake, f"run_{day}")[0] for day in (1, 2, 3)] == [10, 20, 30]
    with pytest.raises(WarehouseError, match="no such run"):
        state(lake, "run_9")


def test_publishing_copies_no_data(lake: LocalWarehouse) -> None:
    publications = build(lake, 1, 1000)
    files = lambda: {p: p.stat().st_ino for p in (lake.folder / "data").rglob("*.parquet")}  # noqa: E731
    before = files()
    lake.publish(publications, run=run(1))
    assert before and files() == before


def test_a_query_that_gives_other_types_is_refused_and_nothing_is_written(lake: LocalWarehouse) -> None:
    with pytest.raises(WarehouseError, match=r"core\.sums.*'total', 'INT64'.*'total', 'NUMERIC'"):
        lake.write(SUMS, "SELECT 1 AS total")
    assert lake.columns(SUMS.name) is None


def test_an_unknown_table_is_named(lake: LocalWarehouse) -> None:
    with pytest.raises(WarehouseError, match=r"no table core\.nothing"):
        lake.query("SELECT 1 AS one FROM core.nothing")


def test_the_folder_can_be_moved(lake: LocalWarehouse, tmp_path: Path) -> None:
    lake.publish(build(lake, 1, 10), run=run(1))
    lake.close()
    (tmp_path / "lake").rename(tmp_path / "elsewhere")
    moved = LocalWarehouse(tmp_path / "elsewhere")
    assert state(moved) == (10, "15.000000000")
    moved.close()


def test_a_second_writer_waits_and_then_says_so(lake: LocalWarehouse) -> None:
    lake.publish(build(lake, 1, 10), run=run(1))
    impatient = LocalWarehouse(lake.folder, lock_timeout=0.2)
    with write_lock(lake.folder, 1), pytest.raises(WarehouseBusyError, match="C360_LOCK_TIMEOUT") as caught:
        impatient.append(SUMS, pa.table({"total": pa.array([1], pa.decimal128(38, 9))}))
    assert caught.value.retry_helps
    assert state(impatient)[0] == 10, "reading takes no lock"
    impatient.close()


def test_readers_see_all_of_a_publish_or_none_of_it(lake: LocalWarehouse) -> None:
    lake.publish(build(lake, 1, 10), run=run(1))
    context = multiprocessing.get_context("spawn")
    stop, seen = context.Event(), context.Queue()
    reader = context.Process(target=_read, args=(lake.folder, stop, seen))
    reader.start()
    for day in range(2, 8):
        lake.publish(build(lake, day, 10 * day), run=run(day))
    time.sleep(0.5)
    stop.set()
    states = set(seen.get(timeout=30))
    reader.join(30)
    assert states and states <= {(10 * day, f"{15 * day}.000000000") for day in range(1, 8)}


def _read(folder: Path, stop, seen) -> None:  # type: ignore[no-untyped-def]
    warehouse = LocalWarehouse(folder)
    states = [state(warehouse)]
    while not stop.is_set():
        states.append(state(warehouse))
    seen.put(states)


def test_a_process_killed_while_writing_leaves_no_trace_and_no_lock(lake: LocalWarehouse) -> None:
    lake.publish(build(lake, 1, 10), run=run(1))
    script = textwrap.dedent(f"""
        from pathlib import Path
        from customer360.warehouse.local import LocalWarehouse
        warehouse = LocalWarehouse(Path({str(lake.folder)!r}))
        with warehouse._transaction("die") as connection:
            connection.execute("DELETE FROM core.facts")
            connection.execute("INSERT INTO core.facts SELECT i, i FROM range(100000) AS t(i)")
            print("writing", flush=True)
            input()
    """)
    victim = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    assert victim.stdout.readline().strip() == "writing"
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait(10)
    assert state(lake) == (10, "15.000000000")
    lake.publish(build(lake, 2, 20), run=run(2))
    assert state(lake) == (20, "30.000000000")


def test_small_tables_are_at_hand_while_one_asks(lake: LocalWarehouse) -> None:
    lake.publish(build(lake, 1, rows=20_000), run=run(1))
    both = [FACTS.name, SUMS.name]
    with lake.at_hand(both, maximum_bytes=10_000_000) as copies:
        assert set(copies) == set(both)
        facts = f"SELECT COUNT(*) AS n, SUM(amount) AS total FROM {copies[FACTS.name]}"
        there = lake.query(facts).to_pylist()
        lake.publish(build(lake, 2, rows=7), run=run(2))
        assert lake.query(facts).to_pylist() == there == [{"n": 20_000, "total": 30_000}]  # as they were
        assert LocalWarehouse(lake.folder).columns(copies[FACTS.name]) is None
    with lake.at_hand([*both, TableName("core", "nobody")], maximum_bytes=2000) as copies:
        assert set(copies) == set(both)  # what is not there is left to whoever asks about it
    lake.publish(build(lake, 3, rows=20_000), run=run(3))
    with lake.at_hand(both, maximum_bytes=2000) as copies:
        assert set(copies) == {SUMS.name}
        kept = copies[SUMS.name]
    with pytest.raises(WarehouseError):
        lake.query(f"SELECT * FROM {kept}")


def test_a_view_is_not_copied_for_it_may_be_of_any_size(lake: LocalWarehouse) -> None:
    lake.publish(build(lake, 1, rows=20_000), run=run(1))
    view = replace(FACTS, name=TableName("core", "all_facts"), partition=None)
    lake.create_view(view, f"SELECT * FROM {FACTS.name}")
    with lake.at_hand([view.name, SUMS.name], maximum_bytes=10_000_000) as copies:
        assert set(copies) == {SUMS.name}


def test_a_value_that_says_corrupt_is_no_damaged_file(tmp_path: Path) -> None:
    warehouse = LocalWarehouse(tmp_path)
    with pytest.raises(WarehouseError, match="corrupt") as raised:
        warehouse.query("SELECT CAST('corrupt' AS INT64) AS n")
    assert "Put the files back" not in str(raised.value)
    warehouse.close()
