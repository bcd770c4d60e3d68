"""Tables that Python computes: one step for all of a room, written whole, and declared rightly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import open_build, settings_for

from customer360.build import Build
from customer360.build.computed import _ROOMS, Computation, remembering
from customer360.errors import ProjectError
from customer360.project import TableName, load_project

ROOT = Path(__file__).resolve().parents[2]
A, B = TableName("core", "int_one"), TableName("core", "int_two")
_YAML = (
    "description: N. One row per n.\nowner: nobody\nbuilt_by: {room}\nreads: [{reads}]\ncolumns:\n"
    "  - {{name: n, type: INT64, description: n}}\n"
)


def declare(home: Path, name: TableName, room: str = "testing", reads: str = "core.fct_a") -> None:
    folder = home / "sql" / name.dataset / name.table
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(_YAML.format(room=room, reads=reads))


def test_every_room_that_a_model_names_is_there() -> None:
    rooms = {model.built_by for model in load_project(ROOT).models.values() if model.built_by}
    assert rooms == _ROOMS.keys()


def test_what_is_computed_together_is_one_step_and_selected_together(home: Path) -> None:
    declare(home, A)
    declare(home, B)
    graph = load_project(home).graph
    assert graph.together(B) == (A, B)
    assert graph.steps([B, TableName("core", "int_b"), A]) == (A, TableName("core", "int_b"))
    assert graph.select(["core.int_two"]) == (A, B)
    assert {A, B} <= graph.downstream(TableName("core", "fct_a"))


@pytest.mark.parametrize(
    ("room", "reads", "message"),
    [
        ("testing", "core.fct_x", "core.int_two reads core.fct_x, which is not in this project"),
        ("testing", "core.int_b", "computed together by testing, but read different tables"),
        ("testing", "fct_a", "reads: 'fct_a' is not dataset.table"),
        ("''\nnothing: 1", "core.fct_a", "unknown key 'nothing'"),
    ],
)
def test_wrong_declarations_are_refused(home: Path, room: str, reads: str, message: str) -> None:
    declare(home, A)
    declare(home, B, room, reads)
    with pytest.raises(ProjectError, match=message):
        load_project(home)


def test_a_folder_without_query_or_builder_says_what_it_could_be(home: Path) -> None:
    declare(home, A)
    (home / "sql/core/int_one/model.yaml").write_text("description: N. One row per n.\nowner: x\ncolumns: [1]\n")
    with pytest.raises(ProjectError, match=r"has no query.sql.*built_by"):
        load_project(home)


def test_an_unknown_room_is_refused_when_it_is_to_compute(home: Path, start: Callable[..., Build]) -> None:
    declare(home, A, "nobody")
    build = start(1)
    build.write(TableName("core", "fct_a"))
    fresh = Build(load_project(home), build.settings, build.warehouse, build.run)
    with pytest.raises(ProjectError, match=r"built_by is 'nobody'.*identity"):
        fresh.write(A)


def test_rows_replace_a_candidate_and_what_killed_tries_left_is_swept(home: Path, start: Callable[..., Build]) -> None:
    declare(home, A)
    build = start(1)
    step = Computation(load_project(home), build.settings, build.warehouse, build.run, [A], {})
    left = TableName("core", "__int_one_20240101_deadbeef")
    spec = step.project.models[A].spec
    build.warehouse.write(spec, "SELECT 1 AS n", target=left)
    for numbers in ([1, 2], [3], []):
        stats = step.write_rows(A, pa.table({"n": pa.array(numbers, pa.int64())}))
        found = build.warehouse.query(f"SELECT n FROM {A.candidate(build.run.run_date)}")
        assert (stats.rows, sorted(found["n"].to_pylist())) == (len(numbers), numbers)
    assert [n for n in build.warehouse.tables("core") if n.table.startswith("__")] == []


def test_a_day_in_the_middle_of_a_rebuild_has_all_that_its_expectations_look_at(tmp_path: Path) -> None:
    """On a first day nothing else is published: what an audit reads of its own layer must be built with it."""
    build = open_build(settings_for(tmp_path), "rebuild")
    build.ensure()
    names = set(remembering(build.project, build.warehouse, build.run))
    build.warehouse.close()
    layers = {name.dataset for name in names}
    assert {"staging", "identity"} <= layers
    assert names == {name for name in build.project.models if name.dataset in layers}
    # Who is who needs neither, but expectations of orders and of redemptions do.
    assert {str(name) for name in names} >= {
        "staging.stg_commerce__product_catalog",
        "staging.stg_commerce__promotions",
    }
