"""Reading sql/: what is refused says where and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer360.errors import ProjectError
from customer360.project import Column, Project, TableName, TableSpec, load_project

MODEL = """\
description: A table for a test. One row per thing.
owner: nobody
columns:
  - {name: id, type: STRING, description: the id}
"""
CONTRACT = MODEL.replace("the id}", "the id, required: true}") + "key: [id]\n"


def project(root: Path, **queries: str) -> Project:
    """A project with a contract raw_x.things and one model per keyword: `staging__a="SELECT …"`."""
    folder = root / "sql" / "raw_x" / "things"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(CONTRACT)
    for name, query in queries.items():
        folder = root.joinpath("sql", *name.split("__"))
        folder.mkdir(parents=True)
        (folder / "model.yaml").write_text(MODEL)
        (folder / "query.sql").write_text(query)
    return load_project(root)


def test_references_are_parsed_and_order_follows_them(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        core__z="WITH a AS (SELECT id FROM staging.a) SELECT id FROM a",
        staging__a="SELECT id FROM raw_x.things",
        core__b="SELECT id FROM core.z",
    )
    assert [str(name) for name in found.graph.order] == ["staging.a", "core.z", "core.b"]
    assert found.graph.layers() == {
        "staging": (TableName("staging", "a"),),
        "core": (TableName("core", "z"), TableName("core", "b")),
    }


def test_an_unknown_reference_is_refused_by_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(
        ProjectError, match=r"a/query\.sql:3: staging\.a reads raw_x\.thing, .* \(did you mean raw_x\.things\?\)"
    ):
        project(tmp_path, staging__a="SELECT\n  id\nFROM raw_x.thing")


def test_a_cycle_is_refused_by_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"query\.sql:2: cycle: core\.\w → core\.\w → core\.\w"):
        project(tmp_path, core__a="SELECT id\nFROM core.b", core__b="SELECT id\nFROM core.a")


def test_datasets_that_read_each_other_are_refused(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        core__a="SELECT id FROM raw_x.things",
        marts__b="SELECT id FROM core.a",
        core__c="SELECT id FROM marts.b",
    )
    with pytest.raises(ProjectError, match="datasets read each other"):
        found.graph.layers()


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("core.b", {"core.b"}),
        ("b", {"core.b"}),
        ("+core.b", {"staging.a", "core.b"}),
        ("staging.a+", {"staging.a", "core.b", "marts.c"}),
        ("+core.b+", {"staging.a", "core.b", "marts.c"}),
        ("core", {"core.b"}),
        ("core.*", {"core.b"}),
    ],
)
def test_selection(tmp_path: Path, selector: str, expected: set[str]) -> None:
    found = project(
        tmp_path,
        staging__a="SELECT id FROM raw_x.things",
        core__b="SELECT id FROM staging.a",
        marts__c="SELECT id FROM core.b",
        marts__d="SELECT id FROM raw_x.things",
    )
    assert {str(name) for name in found.graph.select([selector])} == expected


def test_an_unknown_selection_names_the_nearest(tmp_path: Path) -> None:
    found = project(tmp_path, core__orders="SELECT id FROM raw_x.things")
    with pytest.raises(ProjectError, match=r"did you mean core\.orders"):
        found.graph.select(["core.order"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MODEL.replace("One row per thing", "Rows"), "grain"),
        (MODEL.replace("owner: nobody\n", ""), "owner is missing"),
        (MODEL + "colour: red\n", "unknown key 'colour'"),
        (MODEL.replace("STRING", "VARCHAR"), "VARCHAR"),
        (MODEL + "cluster_by: [age]\n", "age is named"),
        (MODEL + "materialized: cube\n", "table or view"),
        (MODEL + "schedule: hourly\n", r"schedule is 'hourly' \(daily or weekly\)"),
        (MODEL + "partition_by: {column: id, granularity: HOUR}\n", r"granularity is 'HOUR' \(DAY or MONTH or YEAR\)"),
        ("description: [", "not YAML"),
        (MODEL + "  - {name: id, type: INT64, description: again}\n", "listed twice"),
        (MODEL + "  - {name: x, type: INT64}\n", "needs name, type and description"),
    ],
)
def test_a_bad_model_yaml_is_refused_by_file(tmp_path: Path, text: str, message: str) -> None:
    folder = tmp_path / "sql" / "core" / "a"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(text)
    (folder / "query.sql").write_text("SELECT '1' AS id")
    with pytest.raises(ProjectError, match=message) as caught:
        load_project(tmp_path)
    assert "model.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONTRACT + "new_columns: keep\n", r"new_columns is 'keep' \(ignore or add or fail\)"),
        (CONTRACT + "customer_system: crm\n", "unknown key 'customer_system'"),
        (CONTRACT.replace("key: [id]\n", ""), "needs a key"),
        (
            CONTRACT.replace("STRING", "JSON"),
            r"id is JSON, which BigQuery loads from no Parquet file \(type: STRING, f",
        ),
        (CONTRACT.replace("STRING", "INT64, format: json"), "id has a format but is INT64"),
        (CONTRACT.replace("STRING", "STRING, format: xml"), r"format is 'xml' \(json\)"),
        (CONTRACT.replace(", required: true", ""), r"id is key or event_time but not required \(required: true\)"),
        (
            CONTRACT.replace("key:", "  - {name: at, type: DATE, description: when}\nevent_time: at\nkey:"),
            "at is key or event_time but not required",
        ),
    ],
)
def test_a_bad_contract_is_refused_by_file(tmp_path: Path, text: str, message: str) -> None:
    folder = tmp_path / "sql" / "raw_x" / "things"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(text)
    with pytest.raises(ProjectError, match=rf"things/model\.yaml: .*{message}"):
        load_project(tmp_path)


def test_a_table_has_its_arrow_schema() -> None:
    columns = (Column("id", "STRING", ""), Column("amount", "NUMERIC", ""), Column("tags", "ARRAY<STRING>", ""))
    schema = TableSpec(TableName("core", "a"), columns, "A. One row per id.").arrow_schema
    assert schema.names == ["id", "amount", "tags"]
    assert [str(type_) for type_ in schema.types] == ["string", "decimal128(38, 9)", "list<item: string>"]


def test_sql_that_is_no_select_is_refused_by_file(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"a/query\.sql"):
        project(tmp_path, core__a="DROP TABLE raw_x.things")


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="C360_HOME"):
        load_project(tmp_path)


def test_names() -> None:
    from datetime import date

    name = TableName.parse("core.fct_orders")
    candidate = name.candidate(date(2024, 6, 30))
    assert str(candidate) == "core.fct_orders__candidate_20240630"
    assert candidate.is_candidate and candidate.published == name and not name.is_candidate
    with pytest.raises(ValueError, match=r"dataset\.table"):
        TableName.parse("project.core.fct_orders")
