"""Histories of which Google's reference implementation runs every statement: what a run looks up and what it writes, and
the full rebuild from raw that the tables are held against.

`make test` runs one, `make test-histories` one of each family.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from reference.lake import ReferenceLake, arrow, rebuilt

from build.deliveries import LOADS, ROWS, RUNS, SNAPSHOT_LOADS, START, Sources
from build.histories import FAMILIES, History, Raw, Rows, raw_rows, rows_of
from build.test_histories import HISTORIES
from customer360.build import Build
from customer360.errors import Customer360Error
from customer360.project import TableName
from customer360.warehouse.local import LocalWarehouse

# Of each family one that holds much: see the last test.
SEEDS = {"commerce": 1449, "sessions": 1662, "events": 3366, "responses": 2854, "support": 1291, "redemptions": 2636}
DAYS = 3


def random_of(family: str) -> Random:
    return Random(f"{family} by Google {SEEDS[family]}")


def rebuilt_by_google(build: Build, raw: Raw, models: Iterable[TableName]) -> Rows:
    tables = rebuilt(build.project, raw_rows(raw), build.parameters)
    return {name: rows_of(arrow(tables[name])) for name in models}


@pytest.mark.parametrize("family", FAMILIES)
def test_incremental_is_full(family: str, tmp_path: Path) -> None:
    if family != "commerce" and not HISTORIES:
        pytest.skip("long: make test-histories")
    history = History(tmp_path, family, random_of(family), lake=ReferenceLake, rebuild=rebuilt_by_google)
    lake = history.tell(DAYS).warehouse
    assert isinstance(lake, ReferenceLake)
    in_part = {name for name, partitions in lake.writes if partitions}
    assert in_part == {name for name, model in history.project.models.items() if model.incremental}
    assert lake.queries > 2 * len(lake.writes), "what is looked up is Google's answer too"


def test_a_row_that_is_missing_is_found(tmp_path: Path) -> None:
    history = History(tmp_path, "redemptions", Random(0), lake=ReferenceLake, rebuild=rebuilt_by_google)
    build = history.open(START)
    at = datetime(2024, 3, 1, tzinfo=UTC)
    first, second = ({"redemption_id": key, "order_id": "O", "redeemed_at": at} for key in "AB")
    history.deliver(build, "raw_commerce.promotion_redemptions", START, [first])
    history.run(build)
    assert history.differences(build) == []
    history.sources.raw["raw_commerce.promotion_redemptions"][START] = [first, second]
    (difference,) = history.differences(build)
    assert "missing" in difference and "'redemption_id': 'B'" in difference and "'A'" not in difference


def test_the_lake_does_not_compute(tmp_path: Path) -> None:
    """A function that the embedded warehouse does not know, and every type as that would give it."""
    asked = "SELECT SOUNDEX('Ann') AS code"
    with pytest.raises(Customer360Error, match="SOUNDEX"):
        LocalWarehouse(tmp_path / "lake").query(asked)
    lake = ReferenceLake(tmp_path / "lake")
    assert lake.query(asked).to_pylist() == [{"code": "A500"}]
    values = (
        "SELECT [DATE '2024-02-29'] AS days, 0.5 AS f, NUMERIC '1.50' AS n, STRUCT('a' AS b, TRUE AS t) AS s,"
        " TIMESTAMP '2024-02-29 10:00:00.5+00' AS ts, JSON '{\"a\": 1}' AS j, CAST(NULL AS INT64) AS i"
    )
    assert lake.query(values).equals(LocalWarehouse(tmp_path / "lake").query(values).cast(lake.query(values).schema))


def test_these_histories_have_every_kind_of_event() -> None:
    kinds: Counter[str] = Counter()
    for family, tables in FAMILIES.items():
        sources = Sources(tables, random_of(family))
        assert list(sources.story(DAYS))
        kinds += sources.kinds
    assert {*ROWS, *LOADS, *SNAPSHOT_LOADS, *RUNS} <= kinds.keys()
