"""Histories of which Google's reference implementation runs every statement: what a run looks up and what it writes, and
the full rebuild from raw that the tables are held against.

`make test` runs one, `make test-histories` one of each family.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

import pytest
from reference.lake import ReferenceLake, arrow, rebuilt

from build.deliveries import LOADS, ROWS, RUNS, SNAPSHOT_LOADS, Sources
from build.histories import FAMILIES, History, Raw, Rows, raw_rows, rows_of
from build.test_histories import HISTORIES
from customer360.build import Build
from customer360.errors import Customer360Error
from customer360.project import TableName
from customer360.warehouse.local import LocalWarehouse

# Of each family one that holds much: see the last test.
SEEDS = {"commerce": 1827, "sessions": 2292, "events": 2383, "responses": 451, "support": 427, "redemptions": 94}
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
    history = History(tmp_path, "redemptions", random_of("redemptions"), lake=ReferenceLake, rebuild=rebuilt_by_google)
    day, *_ = [step.day for step in history.sources.story(1)]
    build = history.open(day)
    history.run(build)
    assert [text[:50] for text in history.differences(build)] == ["staging.stg_commerce__promotion_redemptions: missi"]


def test_the_lake_does_not_compute(tmp_path: Path) -> None:
    """A function that the embedded warehouse does not know."""
    asked = "SELECT SOUNDEX('Ann') AS code, [DATE '2024-02-29'] AS days, 0.5 AS number, STRUCT(b'a' AS bytes) AS parts"
    with pytest.raises(Customer360Error, match="SOUNDEX"):
        LocalWarehouse(tmp_path / "lake").query(asked)
    given = ReferenceLake(tmp_path / "lake").query(asked)
    assert str(given.to_pylist()) == (
        "[{'code': 'A500', 'days': [datetime.date(2024, 2, 29)], 'number': 0.5, 'parts': {'bytes': b'a'}}]"
    )


def test_these_histories_have_every_kind_of_event() -> None:
    kinds: Counter[str] = Counter()
    for family, tables in FAMILIES.items():
        sources = Sources(tables, random_of(family))
        assert list(sources.story(DAYS))
        kinds += sources.kinds
    assert {*ROWS, *LOADS, *SNAPSHOT_LOADS, *RUNS} <= kinds.keys()
