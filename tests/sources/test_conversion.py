"""What text is read as, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from customer360.sources.conversion import converted
from customer360.warehouse.duckdb_session import connect

REFUSED = object()


@pytest.fixture(scope="module")
def session() -> duckdb.DuckDBPyConnection:
    return connect()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        ("INT64", "12", 12), ("INT64", " +12\t", 12), ("INT64", "-0012", -12), ("INT64", "9223372036854775807", 2**63 - 1),
        ("INT64", "9223372036854775808", REFUSED), ("INT64", "3.0", REFUSED), ("INT64", "1e3", REFUSED),
        ("INT64", "1_000", REFUSED), ("INT64", "0x1F", REFUSED), ("INT64", "1,000", REFUSED), ("INT64", "", None),
        ("NUMERIC", "12.50", Decimal("12.5")), ("NUMERIC", "-.5", Decimal("-0.5")), ("NUMERIC", "5.", Decimal(5)),
        ("NUMERIC", "0.0000000005", Decimal("1e-9")), ("NUMERIC", "-0.0000000005", Decimal("-1e-9")),
        ("NUMERIC", "1234567890.123456789", Decimal("1234567890.123456789")), ("NUMERIC", "1e3", Decimal(1000)),
        ("NUMERIC", "99999999999999999999999999999.999999999", Decimal("99999999999999999999999999999.999999999")),
        ("NUMERIC", "100000000000000000000000000000", REFUSED), ("NUMERIC", "NaN", REFUSED), ("NUMERIC", "inf", REFUSED),
        ("NUMERIC", "1,50", REFUSED), ("NUMERIC", "€ 5", REFUSED), ("NUMERIC", " ", None),
        ("FLOAT64", "1.5e-3", 0.0015), ("FLOAT64", "nan", REFUSED), ("FLOAT64", "1e400", REFUSED),
        ("DATE", "2024-02-29", date(2024, 2, 29)), ("DATE", "2024-02-29T00:00:00Z", date(2024, 2, 29)),
        ("DATE", "2024-02-29 00:00:00.000", date(2024, 2, 29)), ("DATE", "2023-02-29", REFUSED),
        ("DATE", "2024-02-29 10:00:00", REFUSED), ("DATE", "29.02.2024", REFUSED), ("DATE", "2024-2-9", REFUSED),
        ("DATE", "20240229", REFUSED), ("DATE", "today", REFUSED),
        ("TIMESTAMP", "2024-06-30T10:11:12.123456Z", utc(2024, 6, 30, 10, 11, 12, 123456)),
        ("TIMESTAMP", "2024-06-30 10:11:12", utc(2024, 6, 30, 10, 11, 12)),
        ("TIMESTAMP", "2024-06-30 10:11", utc(2024, 6, 30, 10, 11)), ("TIMESTAMP", "2024-06-30", utc(2024, 6, 30)),
        ("TIMESTAMP", "2024-06-30T10:11:12+02:00", utc(2024, 6, 30, 8, 11, 12)),
        ("TIMESTAMP", "2024-06-30T00:11:12.5-0330", utc(2024, 6, 30, 3, 41, 12, 500000)),
        ("TIMESTAMP", "2024-06-30 10:11:12 UTC", utc(2024, 6, 30, 10, 11, 12)),
        ("TIMESTAMP", "9999-12-31 23:59:59", utc(9999, 12, 31, 23, 59, 59)),
        ("TIMESTAMP", "1719742272", REFUSED), ("TIMESTAMP", "2024-06-30 24:00:00", REFUSED),
        ("TIMESTAMP", "2024-06-31", REFUSED), ("TIMESTAMP", "06/30/2024", REFUSED), ("TIMESTAMP", "infinity", REFUSED),
        ("BOOL", "TRUE", True), ("BOOL", "f", False), ("BOOL", "0", False), ("BOOL", "yes", REFUSED),
        ("JSON", '{"a": 1}', '{"a": 1}'), ("JSON", "{a", REFUSED),
        ("JSON", '{"a": NaN}', REFUSED), ("JSON", "[1,]", REFUSED), ("JSON", '"NaN, ]"', '"NaN, ]"'),
        ("STRING", " as it is ", " as it is "), ("STRING", "", ""),
    ],
)  # fmt: skip
def test_text_is_read_strictly(session: duckdb.DuckDBPyConnection, target: str, text: str, expected: Any) -> None:
    conversion = converted("given", "VARCHAR", target)
    assert conversion is not None
    query = f"SELECT {conversion.value}, {conversion.present} FROM (SELECT ?::VARCHAR AS given)"
    (value, present) = session.execute(query, [text]).fetchone() or ()
    assert value == (None if expected is REFUSED else expected)
    assert present is (expected is not None)


@pytest.mark.parametrize(
    ("source", "target"),
    [("DOUBLE", "STRING"), ("DECIMAL(9,2)", "STRING"), ("BLOB", "STRING"), ("BOOLEAN", "NUMERIC"), ("DATE", "INT64"),
     ("INTEGER", "DATE"), ("BIGINT", "TIMESTAMP"), ("INTEGER[]", "STRING"), ("STRUCT(a INTEGER)", "STRING"), ("TIME", "TIMESTAMP")],
)  # fmt: skip
def test_types_that_do_not_go_together(source: str, target: str) -> None:
    assert converted("given", source, target) is None


@pytest.mark.parametrize("offset", ["-00:01", "+00:01"])
def test_years_that_bigquery_cannot_store_are_out_of_range(session: duckdb.DuckDBPyConnection, offset: str) -> None:
    from customer360.sources.conversion import RANGES

    moment = f"9999-12-31T23:59:30{offset}" if offset.startswith("-") else f"0001-01-01T00:00:30{offset}"
    conversion = converted(f"'{moment}'", "VARCHAR", "TIMESTAMP")
    assert conversion is not None
    assert session.execute(f"SELECT ({conversion.value}) {RANGES['TIMESTAMP']}").fetchone() == (False,)
