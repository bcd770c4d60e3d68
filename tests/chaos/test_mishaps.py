"""Disks, files and locks that go wrong: a clear error with the way out, the last good tables intact, and the way out
works."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from orchestration.processes import environment

from chaos.conftest import SWEEP, Shop
from chaos.oracle import differences, fingerprint, fingerprints, state
from chaos.points import Kill
from chaos.privileges import read_only, small_disk
from chaos.reader import look
from chaos.worker import Ended, Task, attempt, context, run, steps, together
from customer360.orchestration.components import kill_sessions, only_one
from customer360.project import TableName
from customer360.warehouse.lake import write_lock

NewTask = Callable[..., Task]
C360 = Path(sys.executable).parent / "c360"
LONG = pytest.mark.skipif(not SWEEP, reason="make test-chaos")
_DAMAGED = "core.fct_order_lines"


def said(ended: Ended, step: str, error: str, *words: str) -> str:
    """The message that a step failed with, of that class and with these words in it."""
    assert ended.error and ended.step, "nothing went wrong"
    assert re.fullmatch(step, ended.step), f"{ended.step} failed: {ended.error}"
    text = ended.error[ended.error.rindex("customer360.errors.") :]
    assert re.match(rf"customer360\.errors\.{error}: ", text), text
    assert [word for word in words if not re.search(word, text)] == [], text
    return text


def goes_on(shop: Shop, task: Task) -> None:
    """Done as the message says, the day comes to what it should. In the sweep only: it takes a day's time each."""
    if SWEEP:
        run(task)
        assert differences(state(task), shop.states[task.day]) == []


# -- disks


def test_a_full_disk_says_so_and_the_day_goes_on_when_there_is_room(
    shop: Shop, second_day: NewTask, tmp_path: Path
) -> None:
    """Filled up at three places of a day; at each, what was published is as it was."""
    task = second_day()
    size = sum(file.stat().st_size for file in task.data.rglob("*") if file.is_file())
    try:
        disk = small_disk(tmp_path / "disk", 3 * size // 1024 + 20_000)
        disk.__enter__()
    except PermissionError as error:
        pytest.skip(f"this account may not mount a small disk: {error}")
    try:
        task = replace(task, data=Path(shutil.copytree(task.data, tmp_path / "disk" / "data")))
        filler = tmp_path / "disk" / "filler"
        full = (
            r"the disk of .* is full",
            r"as it was\. Make room \(`c360 maintain`",
            "run this step again and what follows",
        )
        for first, room in (("ensure_tables", 0), ("load_web.website_behavior", 60), ("staging.write_.*", 200)):
            done = run_until(task, first)
            filler.write_bytes(bytes(max(0, shutil.disk_usage(filler.parent).free - room * 1024)))
            said(attempt(replace(task, first=done)), ".*", "WarehouseUnavailableError", *full)
            filler.unlink()
            assert half_published(shop, task) == []
        goes_on(shop, replace(task, first=done))
    finally:
        disk.__exit__(None, None, None)


def half_published(shop: Shop, task: Task) -> list[str]:
    """What of the published layers is neither wholly of one day nor wholly of the other."""
    build = task.open()
    try:
        return look(build.warehouse.connection, build.project, shop.tables)[1]
    finally:
        build.warehouse.close()


def run_until(task: Task, step: str) -> str:
    """Let a run come to a step (a pattern) and die before it; the step's name."""
    name = next(name for name in steps(task) if re.fullmatch(step, name))
    if name != "ensure_tables":
        assert attempt(replace(task, kill=Kill(name, "in step"))).step == name
    return name


@pytest.mark.parametrize("folder", ["lake", "lake/data", "landing", "tmp"])
def test_a_folder_that_may_not_be_written_to(shop: Shop, second_day: NewTask, folder: str) -> None:
    task = second_day()
    with read_only(task.data / folder):
        ended = attempt(replace(task, like_others=True))
    words = (
        rf"may not write in \S*{folder.partition('/')[0]} ",
        "Permission denied|readonly",
        "as it was",
        r"chown -R \S+ '/",
    )
    said(ended, "ensure_tables|load_.*", "WarehouseError", *words)
    assert fingerprints(task) == shop.tables[min(shop.tables)]
    goes_on(shop, replace(task, first=ended.step, like_others=True))


# -- files


@pytest.mark.parametrize(
    "damage", ["gone", pytest.param("cut off", marks=LONG), pytest.param("other bytes", marks=LONG)]
)
def test_a_damaged_file_is_named_and_full_makes_the_table_anew(shop: Shop, second_day: NewTask, damage: str) -> None:
    task = second_day()
    build = task.open()
    files = build.warehouse.connection.execute(
        "SELECT data_file FROM ducklake_list_files('lake', 'fct_order_lines', schema => 'core')"
    ).fetchall()
    build.warehouse.close()
    for file in (Path(path) for (path,) in files):
        whole = file.read_bytes()
        file.unlink()
        if damage == "cut off":
            file.write_bytes(whole[:-100])
        elif damage == "other bytes":
            file.write_bytes(whole[:4] + bytes(0xFF ^ byte for byte in whole[4:400]) + whole[400:])
    ended = attempt(task)
    named = [rf"Damaged: (?=.*{re.escape(path)} \(of {_DAMAGED}\))" for (path,) in files[:1]]
    if damage == "other bytes":  # linked into the candidate without being read: the audit reads it
        said(ended, r"core\.audit", "AuditError", "nothing was published", rf"{_DAMAGED}: .* could not be evaluated")
    else:
        said(ended, r"core\..*", "WarehouseError", *named, "as it was", r"back from a copy.*`c360 run --full --date")
    others = {name: found for name, found in shop.tables[min(shop.tables)].items() if name.startswith("marts")}
    assert others.items() <= fingerprints_of(task, others).items()
    goes_on(
        shop, replace(task, full=True, first="staging.write_stg_commerce__purchase_transactions", run_id="manual__full")
    )


def fingerprints_of(task: Task, names: dict[str, str]) -> dict[str, str]:
    build = task.open()
    try:
        return {name: fingerprint(build.warehouse.connection, build.project, TableName.parse(name)) for name in names}
    finally:
        build.warehouse.close()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("gone", "its catalog .* is gone or empty"),
        ("empty", "its catalog .* is gone or empty"),
        ("cut off", "the catalog .* is damaged"),
        ("other bytes", "the catalog .* is damaged"),
    ],
)
def test_a_lost_catalog_is_never_taken_for_a_new_lake(second_day: NewTask, damage: str, words: str) -> None:
    task = second_day()
    catalog = task.data / "lake" / "catalog.sqlite"
    whole = catalog.read_bytes()
    catalog.unlink()
    if damage != "gone":
        catalog.write_bytes(
            {"empty": b"", "cut off": whole[:20_000], "other bytes": bytes(8192) + whole[8192:]}[damage]
        )
    before = {path: path.stat().st_ino for path in (task.data / "lake" / "data").rglob("*.parquet")}
    said(attempt(task), "ensure_tables", "WarehouseError", words, r"back from a copy; or begin anew.*rm -r '/")
    catalog.write_bytes(whole)
    assert {path: path.stat().st_ino for path in before} == before
    assert fingerprints(task)


# -- locks, and two at once


def test_what_dead_processes_leave_hinders_nobody(shop: Shop, second_day: NewTask) -> None:
    """A lock file with a dead process's number, and a write-ahead log that is none."""
    task = second_day()
    lake = task.data / "lake"
    (lake / "write.lock").write_text("999999")
    (lake / "catalog.sqlite-wal").write_bytes(os.urandom(50_000))
    (lake / "catalog.sqlite-shm").write_bytes(os.urandom(32_768))
    assert fingerprints(task) == shop.tables[min(shop.tables)]
    ended = attempt(replace(task, kill=Kill("load_crm.customer_info", "in commit", 1, 0.001)))
    assert ended.step == "load_crm.customer_info"
    began = time.monotonic()
    with write_lock(lake, timeout=5):  # the killed process held it
        assert time.monotonic() - began < 5


def test_somebody_writes_for_longer_than_a_run_waits(second_day: NewTask) -> None:
    task = replace(second_day(), lock_timeout=0.2)
    with write_lock(task.data / "lake", timeout=5):
        ended = attempt(task)
    said(
        ended,
        "ensure_tables",
        "WarehouseBusyError",
        "another process has been writing",
        "wait for it, or raise C360_LOCK",
    )


@LONG
@pytest.mark.parametrize("days", ["one day", "two days"])
def test_two_schedulers_runs_at_once(shop: Shop, second_day: NewTask, days: str) -> None:
    """Each comes to its end or says what to do; no table is another than a day's alone; done, the tables are an
    undisturbed run's."""
    task = second_day()
    other = replace(task, run_id="manual__other")
    if days == "two days":  # the day that is published, again
        first = min(shop.tables)
        other = replace(task, run_id="manual__earlier", day=first, sources=task.sources.parent / str(first))
    for ended in together(task, other):
        if ended.error:
            said(
                ended,
                ".*",
                "(Warehouse|Audit)Error",
                "clear|run the write of each again|at a time|could not be evaluated",
            )
    assert half_published(shop, task) == []
    if other.day != task.day:
        run(replace(other, run_id="manual__cleared"))
    run(replace(task, run_id="scheduled__again"))
    assert differences(state(task), shop.states[task.day]) == []


def test_two_demos_at_once_in_one_folder(tmp_path: Path) -> None:
    """The second is refused at once; after a kill of the first, its lock and its numbers hinder nobody."""
    home = tmp_path / "airflow"
    ready = context().Event()
    holder = context().Process(target=_hold, args=(home, ready), daemon=True)
    holder.start()
    assert ready.wait(60)
    env = environment(C360_DATA=tmp_path)
    second = subprocess.run([C360, "demo"], env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    assert re.search(
        r"another c360 demo or up is at work in \S+; wait for it, or give this one a folder", second.stderr
    )
    assert not list((tmp_path).glob("lake*"))
    os.kill(holder.pid or 0, signal.SIGKILL)
    holder.join(10)
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)  # it has got a dead scheduler's number
    try:
        (home / "running.json").write_text(f'{{"command": "demo", "sessions": {{"scheduler": {bystander.pid}}}}}')
        with only_one(home):
            assert kill_sessions(home, {bystander.pid}) == 0
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def _hold(home: Path, ready) -> None:  # type: ignore[no-untyped-def]
    with only_one(home):
        ready.set()
        time.sleep(120)


def test_an_error_of_the_disk_is_one_sentence_on_the_command_line(second_day: NewTask) -> None:
    task = second_day()
    (task.data / "lake" / "catalog.sqlite").write_bytes(b"")
    env = environment(
        C360_DATA=task.data, C360_HOME=task.home, C360_SOURCES=task.home / "bindings", C360_SHOP=task.sources
    )
    done = subprocess.run([C360, "status"], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("c360: open the lake") and "Traceback" not in done.stderr
