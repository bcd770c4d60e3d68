from __future__ import annotations

import pyarrow as pa
import pytest

from customer360.errors import ProjectError
from customer360.googlesql import types


@pytest.mark.parametrize(
    ("googlesql", "duckdb", "arrow"),
    [
        ("STRING", "VARCHAR", pa.string()),
        ("INT64", "BIGINT", pa.int64()),
        ("NUMERIC", "DECIMAL(38, 9)", pa.decimal128(38, 9)),
        ("FLOAT64", "DOUBLE", pa.float64()),
        ("BOOL", "BOOLEAN", pa.bool_()),
        ("DATE", "DATE", pa.date32()),
        ("DATETIME", "TIMESTAMP", pa.timestamp("us")),
        ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", pa.timestamp("us", tz="UTC")),
        ("BYTES", "BLOB", pa.binary()),
        ("JSON", "JSON", pa.string()),
        ("ARRAY<STRING>", "VARCHAR[]", pa.list_(pa.string())),
        (
            "ARRAY<STRUCT<category STRING, weight NUMERIC>>",
            'STRUCT("category" VARCHAR, "weight" DECIMAL(38, 9))[]',
            pa.list_(pa.struct([("category", pa.string()), ("weight", pa.decimal128(38, 9))])),
        ),
        ("STRUCT<a STRUCT<b ARRAY<INT64>>>", 'STRUCT("a" STRUCT("b" BIGINT[]))', None),
    ],
)
def test_a_type_has_one_name_in_each_system(googlesql: str, duckdb: str, arrow: pa.DataType | None) -> None:
    assert types.to_duckdb(googlesql) == duckdb
    assert types.from_duckdb(duckdb) == googlesql
    assert types.normalise(googlesql.lower().replace(", ", ",\n ")) == googlesql
    if arrow is not None:
        assert types.to_arrow(googlesql) == arrow


@pytest.mark.parametrize(
    "text", ["INT32", "NUMERIC(10, 2)", "ARRAY", "ARRAY<INT64", "STRUCT<a>", "STRING STRING", "", ">"]
)
def test_what_is_no_type_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(ProjectError, match="is not a type") as caught:
        types.parse(text)
    assert "NUMERIC, FLOAT64" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["INTEGER", "HUGEINT", "DECIMAL(18,3)", "FLOAT", "STRUCT(a INTEGER)", "INTEGER[]", "TIME"]
)
def test_a_type_of_duckdb_that_stores_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ProjectError):
        types.from_duckdb(text)


def test_duckdb_spells_its_types_as_it_likes() -> None:
    assert types.from_duckdb('STRUCT(a BIGINT, "order" DECIMAL(38,9), t TIMESTAMP WITH TIME ZONE)[]') == (
        "ARRAY<STRUCT<a INT64, order NUMERIC, t TIMESTAMP>>"
    )
