"""The project's own lineage, read once."""

from __future__ import annotations

from pathlib import Path

import pytest
from reference.cases import declared_parameters

from customer360.lineage import Lineage
from customer360.project import Project, load_project

ROOT = Path(__file__).parents[2]


def parameter_types() -> dict[str, str]:
    return {name: type_ for name, (type_, _) in declared_parameters({}).items()}


@pytest.fixture(scope="session")
def project() -> Project:
    return load_project(ROOT)


@pytest.fixture(scope="session")
def lineage(project: Project) -> Lineage:
    return Lineage(project, parameter_types())
