"""The rules of the house, as tests: direction of imports, what each folder may hold, and that docs match the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer360.project import Project, load_project

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "plugins" / "customer360"

# Each room may import from the rooms in earlier lines and from itself. `project` reads SQL, so it may use the part of
# the dialect that parses; `googlesql` in turn knows nothing of projects.
LAYERS = [
    {"errors"},
    {"settings"},
    {"terminal"},
    {"googlesql"},
    {"project"},
    {"warehouse"},
    {"sources", "quality", "lineage"},
    {"identity", "scoring", "history"},
    {"customers"},
    {"sample"},
    {"build"},
    {"doctor"},
    {"orchestration"},
    {"cli"},
]
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
LAYER_PREFIXES = {"staging": ("stg_",), "core": ("fct_", "int_"), "identity": ("identity_",), "dashboards": ("agg_",)}
DATASETS = ["staging", "identity", "core", "marts", "dashboards"]


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield node.module or "", node.lineno
            if node.module == "customer360":
                yield from ((f"customer360.{alias.name}", node.lineno) for alias in node.names if alias.name in RANK)


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(ROOT)


def test_there_is_something_to_check() -> None:
    assert len(modules()) > 25
    assert {room(path) for path in modules()} - {"__init__"} <= RANK.keys(), "a new room needs its place in LAYERS"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    own = room(path)
    if own == "__init__":
        return
    for module, line in imports(path):
        if module.startswith("customer360."):
            other = module.split(".")[1]
            allowed = RANK[other] < RANK[own] or other == own
            assert allowed, f"{path}:{line}: {own} must not import {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_orchestration_imports_airflow(path: Path) -> None:
    if room(path) == "orchestration":
        return
    found = [line for module, line in imports(path) if module.split(".")[0] == "airflow"]
    assert not found, f"{path}:{found[0]}: only orchestration and dags import Airflow"


def test_only_settings_reads_the_environment() -> None:
    readers = [
        path
        for path in modules()
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text(encoding="utf-8")) and path.name != "settings.py"
    ]
    # The local Airflow is a child process: it is given an environment, made from this one.
    assert all(room(path) == "orchestration" for path in readers), readers


def test_dag_files_are_wiring_under_a_manual() -> None:
    files = sorted((ROOT / "dags").glob("*.py"))
    assert files
    for path in files:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        manual = ast.get_docstring(tree)
        assert manual and len(manual) > 200, f"{path}: the docstring is the Dag's manual"
        code = len(text.splitlines()) - len(manual.splitlines())
        assert code <= 60, f"{path}: {code} lines of wiring"
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)], f"{path}: no helpers"
        assert "Variable.get" not in text
        assert not re.search(r"\bSELECT\b", text.replace(manual, "")), f"{path}: no SQL"


def test_models_are_named_by_their_layer(project: Project) -> None:
    assert project.models
    for name in project.models:
        assert name.dataset in DATASETS, f"{name}: unknown dataset"
        prefixes = LAYER_PREFIXES.get(name.dataset)
        assert not prefixes or name.table.startswith(prefixes), f"{name} should begin with {' or '.join(prefixes)}"


def test_layers_read_downwards(project: Project) -> None:
    for model in project.models.values():
        for reference in model.references:
            where = f"{model.file}:{reference.line}"
            if reference.name.dataset.startswith("raw_"):
                assert model.name.dataset == "staging", f"{where}: only staging reads raw tables"
            else:
                assert DATASETS.index(reference.name.dataset) <= DATASETS.index(model.name.dataset), where


def test_the_last_select_names_its_columns(project: Project) -> None:
    from customer360.googlesql.parse import parse_query

    for model in (each for each in project.models.values() if not each.built_by):
        query = parse_query(model.sql)
        assert not query.is_star, f"{model.path}/query.sql ends in SELECT *"


def test_folders_hold_what_they_may() -> None:
    kinds = {path.suffix for path in (ROOT / "sql").rglob("*") if path.is_file()}
    assert kinds == {".sql", ".yaml"}
    assert {path.suffix for path in (ROOT / "expectations").rglob("*") if path.is_file()} == {".json"}
    assert not [p for p in (ROOT / "terraform").rglob("*.tf") if 'google_bigquery_table"' in p.read_text()]


def test_airflow_does_not_run_the_package_as_plugins() -> None:
    # Airflow executes every .py under plugins/ as a top-level module named by its stem; a types.py would replace the
    # standard library's.
    assert "customer360/" in (ROOT / "plugins" / ".airflowignore").read_text().split()


def test_rooms_are_small() -> None:
    grown = {str(p.relative_to(ROOT)): n for p in modules() if (n := len(p.read_text().splitlines())) > 350}
    assert not grown, f"would two modules be easier to live in? {grown}"
