"""The project's own suites: every table has one, and each says only what can be said."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from reference import zetasql_engine

from customer360.googlesql import allow, parse
from customer360.project import Project, TableName, load_project
from customer360.quality import Suite
from customer360.quality.queries import google_sql
from customer360.quality.suites import read_suite
from customer360.settings import Settings
from quality.conftest import ROOT, SUITES, suites

PARAMETERS = Settings().parameters(date(2026, 1, 1))


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(ROOT)


@pytest.fixture
def suite(path: Path) -> Suite:
    return read_suite(path)


def test_every_table_has_a_suite_and_every_suite_a_table(project: Project) -> None:
    tables = {name for name, model in project.models.items() if model.materialized == "table"}
    assert {TableName(path.parent.name, path.stem) for path in SUITES} == tables
    assert {name.dataset for name in tables} >= {"staging", "identity", "core", "marts", "dashboards"}


@suites
def test_it_names_columns_that_exist(suite: Suite, project: Project) -> None:
    named = {*suite.key, *(column for expectation in suite.expectations for column in expectation.columns)}
    assert named <= project.schema(suite.table).keys()


@suites
def test_something_in_it_stops_a_publish(suite: Suite) -> None:
    assert any(expectation.severity == "critical" for expectation in suite.expectations)


@suites
def test_great_expectations_accepts_its_arguments(suite: Suite) -> None:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    for expectation in suite.expectations:
        ExpectationConfiguration(type=expectation.type, kwargs=dict(expectation.kwargs)).to_domain_obj()
        wanted = {value["$PARAMETER"] for value in expectation.kwargs.values() if isinstance(value, dict)}
        assert wanted <= PARAMETERS.keys()


@suites
def test_its_queries_are_google_sql_over_the_project_s_tables(suite: Suite, path: Path, project: Project) -> None:
    types = {name: parameter.type for name, parameter in PARAMETERS.items()}
    for expectation in suite.expectations:
        if expectation.query is not None:
            sql = google_sql(expectation.query, suite.table)
            query = parse.parse_query(sql, path=path)
            allow.check(query, path=path)
            read = {f"{reference.dataset}.{reference.table}" for reference in parse.references(query, path=path)}
            schemas = {name: project.schemas[name] for name in read}
            assert zetasql_engine.analyze(sql, schemas=schemas, parameters=types)
