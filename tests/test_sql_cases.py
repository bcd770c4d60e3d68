"""Every model analyses on Google's analyzer, and every case beside a model holds on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest
from reference.cases import ENGINES, cases_of, check_case, check_columns, read_case

from customer360.project import Model, Project, load_project

_ROOT = Path(__file__).resolve().parents[1]
_PROJECT = load_project(_ROOT)
# What Python computes has no query; tests/identity and tests/scoring look at it.
_MODELS = [pytest.param(model, id=f"{name}-model") for name, model in _PROJECT.models.items() if not model.built_by]
_CASES = [
    pytest.param(model, path, engine, id=f"{model.name}-{path.stem}-{engine}")
    for model in _PROJECT.models.values()
    for path in model.cases
    for engine in ENGINES
]


@pytest.fixture(scope="module")
def project() -> Project:
    return _PROJECT


def test_there_are_models_and_cases() -> None:
    assert _MODELS and _CASES


@pytest.mark.parametrize("model", _MODELS)
def test_columns_are_those_of_model_yaml(model: Model, project: Project) -> None:
    difference = check_columns(model, project)
    assert not difference, f"{model.path}\n{difference}"


@pytest.mark.parametrize("model", _MODELS)
def test_model_has_a_case(model: Model) -> None:
    assert cases_of(model), f"{model.path / 'tests'} holds no case"


@pytest.mark.parametrize(("model", "path", "engine"), _CASES)
def test_case(model: Model, path: Path, engine: str, project: Project) -> None:
    difference = check_case(read_case(model, path), project, engine)
    assert not difference, f"{path.relative_to(_ROOT)} on {engine}\n{difference}"
