"""`ops.runs`: who changed which table, from how many rows to how many."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from customer360 import __version__
from customer360.build import Build
from customer360.settings import load_settings

Start = Callable[..., Build]
Load = Callable[..., None]


def started_by(build: Build, person: str | None, run_type: str) -> Build:
    return replace(build, run=replace(build.run, run_by=person, run_type=run_type, code_version="1+gabc"))


def whole(build: Build) -> None:
    for names in build.project.graph.layers().values():
        for name in names:
            build.write(name)
        build.publish(names)


def test_each_change_of_a_table_has_its_author_and_the_rows_before_and_after(start: Start, load_raw: Load) -> None:
    first = started_by(start(1), "ada", "command line")
    load_raw(first, ["1", "2"])
    whole(first)
    second = started_by(start(2), None, "scheduled")
    load_raw(second, ["1", "2", "3"])
    whole(second)
    whole(second)  # cleared, and run again: before is still what the run found
    found = second.warehouse.query(
        "SELECT run_id, run_by, run_type, operation, rows_before, rows_after, times, code_version, seconds > 0 AS timed"
        " FROM ops.runs WHERE table_name = 'core.fct_a' ORDER BY run_date"
    ).to_pylist()
    same = {"operation": "publish", "code_version": "1+gabc", "timed": True}
    assert found == [
        {"run_id": "run_1", "run_by": "ada", "run_type": "command line", "rows_before": None, "rows_after": 2, "times": 1} | same,
        {"run_id": "run_2", "run_by": None, "run_type": "scheduled", "rows_before": 2, "rows_after": 3, "times": 2} | same,
    ]  # fmt: skip
    (row,) = second.warehouse.query(
        "SELECT SUM(jobs.seconds) = ANY_VALUE(runs.seconds) AS agree FROM ops.jobs AS jobs CROSS JOIN ops.runs AS runs"
        " WHERE jobs.table_name = 'core.fct_a' AND jobs.run_id = 'run_2'"
        " AND runs.table_name = 'core.fct_a' AND runs.run_id = 'run_2'"
    ).to_pylist()
    assert row == {"agree": True}  # two writes and two publishes


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_code_s_version_names_the_project_s_commit(tmp_path: Path) -> None:
    def version(home: Path, **environment: str) -> str:
        return load_settings({"C360_HOME": str(home), **environment}).code_version

    for name in ("bare", "clean", "changed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        if name != "bare":
            git(tmp_path / name, "init", "-q")
            git(tmp_path / name, "add", "file")
            git(tmp_path / name, "commit", "-q", "-m", "first")
    (tmp_path / "changed" / "file").write_text("more")
    assert version(tmp_path / "bare") == __version__
    assert version(tmp_path / "bare", C360_COMMIT="abc") == f"{__version__}+gabc"
    assert version(tmp_path / "clean") == f"{__version__}+g{git(tmp_path / 'clean', 'rev-parse', '--short=12', 'HEAD')}"
    assert version(tmp_path / "changed").endswith("-dirty")
