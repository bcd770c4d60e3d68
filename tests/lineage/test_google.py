"""The same columns by Google's own analyzer, which numbers them: for every model, and for each construct by itself."""

from __future__ import annotations

import pytest

from customer360.lineage import Lineage, trace_query
from customer360.project import Project
from lineage import resolved
from lineage.conftest import parameter_types

SCHEMAS = {
    "d.t": {
        "a": "INT64", "b": "STRING", "tags": "ARRAY<STRING>", "s": "STRUCT<u INT64, v INT64>",
        "arr": "ARRAY<STRUCT<x INT64, y STRING>>",
    },
    "d.u": {"a": "INT64", "c": "STRING", "f": "NUMERIC"},
}  # fmt: skip
# A query, and the sources of its columns that the analyzer must confirm.
CONSTRUCTS = {
    "a join, its condition in no value": ("SELECT t.b, u.c FROM d.t LEFT JOIN d.u ON t.a = u.a", ["t.b", "u.c"]),
    "a cte read twice": (
        "WITH x AS (SELECT a, b AS k FROM d.t) SELECT one.k, two.a FROM x AS one JOIN x AS two ON one.k = two.k",
        ["t.b", "t.a"],
    ),
    "a cte that hides another": (
        "WITH x AS (SELECT a FROM d.t) SELECT a FROM (WITH x AS (SELECT f AS a FROM d.u) SELECT a FROM x)",
        ["u.f"],
    ),
    "union": ("SELECT b FROM d.t UNION ALL SELECT c FROM d.u", ["t.b u.c"]),
    "unnest": ("SELECT e.x, n FROM d.t CROSS JOIN UNNEST(arr) AS e WITH OFFSET AS n", ["t.arr", "t.arr"]),
    "unnest of strings": ("SELECT tag, b FROM d.t, UNNEST(tags) AS tag", ["t.tags", "t.b"]),
    "fields": ("SELECT s.u, t.s.v, arr[SAFE_OFFSET(a)].x FROM d.t", ["t.s", "t.s", "t.arr t.a"]),
    "a subquery as an array": (
        "SELECT ARRAY(SELECT AS STRUCT e.x, b FROM UNNEST(arr) AS e WHERE e.y = b) AS z FROM d.t",
        ["t.arr t.b"],
    ),
    "a subquery as a value": ("SELECT (SELECT MAX(c) FROM d.u WHERE u.a = t.a) AS m FROM d.t", ["u.c u.a t.a"]),
    "exists": ("SELECT EXISTS(SELECT 1 FROM d.u WHERE u.a = t.a) AS e FROM d.t", ["u.a t.a"]),
    "in": (
        "SELECT b IN (SELECT c FROM d.u WHERE f > 1) AS i, b IN UNNEST(tags) FROM d.t",
        ["t.b u.c u.f", "t.b t.tags"],
    ),
    "if and case": (
        "SELECT IF(t.a > 1, b, c) AS i, CASE f WHEN 1 THEN b END AS k FROM d.t CROSS JOIN d.u",
        ["t.a t.b u.c", "u.f t.b"],
    ),
    "aggregates in an order": (
        "SELECT ANY_VALUE(c HAVING MAX f) AS z, ARRAY_AGG(c ORDER BY a LIMIT 1) AS y FROM d.u",
        ["u.c u.f", "u.c u.a"],
    ),
    "named windows": (
        "SELECT LAG(c) OVER (w ORDER BY a) AS l, ROW_NUMBER() OVER w AS n FROM d.u WINDOW w AS (PARTITION BY f)",
        ["u.c u.f u.a", "u.f"],
    ),
    "what decides rows is in no value": (
        "SELECT b FROM d.t WHERE a > 1 QUALIFY ROW_NUMBER() OVER (ORDER BY s.u) = 1 ORDER BY a LIMIT 3",
        ["t.b"],
    ),
    "a count is of rows": ("SELECT b, COUNT(*) AS n FROM d.t WHERE a > 1 GROUP BY b", ["t.b", ""]),
}


def expected(text: str) -> set[str]:
    return {f"d.{name}" for name in text.split()}


@pytest.mark.parametrize(("sql", "sources"), CONSTRUCTS.values(), ids=CONSTRUCTS)
def test_each_construct_is_followed(sql: str, sources: list[str]) -> None:
    wanted = [expected(text) for text in sources]
    assert list(resolved.lineage(sql, SCHEMAS, {}).values()) == wanted
    found = trace_query(sql, SCHEMAS, {}).columns.values()
    assert [{str(source.node) for source in value.sources if source.node.is_column} for value in found] == wanted


def test_fields_of_a_struct_made_in_the_query_are_told_apart() -> None:
    # Google's tree does not say: an aggregate of a STRUCT refers to it as a whole.
    sql = "SELECT e.p FROM (SELECT ARRAY_AGG(STRUCT(a AS p, c AS q)) AS es FROM d.u) AS x CROSS JOIN UNNEST(x.es) AS e"
    (value,) = trace_query(sql, SCHEMAS, {}).columns.values()
    assert {str(source.node) for source in value.sources} == {"d.u.a"}


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT b FROM d.t JOIN d.u ON t.a = u.a WHERE f > 1", "JOIN t.a, JOIN u.a, FILTER u.f"),
        ("SELECT TRIM(b) AS k FROM d.t GROUP BY k HAVING MAX(a) > 1", "GROUP_BY t.b, FILTER t.a"),
        ("SELECT b FROM d.t QUALIFY ROW_NUMBER() OVER (PARTITION BY b ORDER BY a) = 1", "WINDOW t.b, WINDOW t.a"),
        ("SELECT DISTINCT b FROM d.t", "GROUP_BY t.b"),
        ("SELECT b FROM d.t ORDER BY a LIMIT 1", "SORT t.a"),
        ("SELECT b FROM d.t ORDER BY a", ""),
        ("SELECT a FROM d.t EXCEPT DISTINCT SELECT a FROM d.u", "GROUP_BY t.a, GROUP_BY u.a"),
        ("SELECT tag FROM d.t, UNNEST(tags) AS tag", "READ t.tags"),
        ("SELECT n.b FROM (SELECT b FROM d.t WHERE a > 1) AS n", "FILTER t.a"),
    ],
)
def test_what_decides_rows_is_told_by_kind(sql: str, rows: str) -> None:
    found = {f"{s.kind} {s.node}" for s in trace_query(sql, SCHEMAS, {}).rows if s.node.is_column}
    assert found == {part.replace(" ", " d.") for part in rows.split(", ") if part}


def test_every_column_of_every_model_is_as_google_resolves_it(project: Project, lineage: Lineage) -> None:
    types, compared = parameter_types(), 0
    for name, model in project.models.items():
        if not model.sql:
            continue
        schemas = {str(reference.name): project.schema(reference.name) for reference in model.references}
        wanted = resolved.lineage(model.sql, schemas, {key: types[key] for key in model.parameters})
        found = {
            column: {str(source.node) for source in value.sources if source.node.is_column}
            for column, value in lineage.trace(str(name)).columns.items()
        }
        for column, sources in wanted.items():
            assert found[column] <= sources, f"{name}.{column}"
            # Fields of a STRUCT are told apart here, and not there.
            assert found[column] == sources or "STRUCT" in model.sql, f"{name}.{column}"
        compared += sum(map(len, wanted.values()))
    assert compared > 700
