"""After any history of new, changed, late, repeated and deleted rows, in whatever order and with whatever days missed,
the incremental tables are what a full rebuild from raw gives, cell by cell.

`make test-histories` runs HISTORIES=200 of them.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from build.histories import FAMILIES, START, History

HISTORIES = int(os.environ.get("C360_HISTORIES", "0"))


def tell(folder: Path, family: str, seed: int, days: int) -> None:
    """One history, held against a full rebuild after every day."""
    history = History(folder, family, Random(f"{family} {seed}"))
    day = START
    told = []
    for _ in range(days):
        build = history.open(day)
        told += history.happen(build, day)
        if history.random.random() < 0.2:
            history.run(build, until="write")
            told.append(f"{day} died before its last publish")
            build.warehouse.close()
            build = history.open(day)
            if history.random.random() < 0.5:
                told += history.happen(build, day)
        history.run(build)
        told.append(f"{day} was built")
        differences = history.differences(build)
        build.warehouse.close()
        assert not differences, "\n".join([f"{family}, seed {seed}", *told, *differences])
        day += timedelta(days=history.random.choice([0, 1, 1, 1, 2, 5]))


@pytest.mark.parametrize("family", ["commerce", "sessions"])
def test_incremental_is_full(family: str, tmp_path: Path) -> None:
    tell(tmp_path, family, seed=1, days=3)


@pytest.mark.skipif(not HISTORIES, reason="long: make test-histories (C360_HISTORIES=200)")
@pytest.mark.parametrize("seed", range(2, 2 + HISTORIES))
def test_incremental_is_full_whatever_happens(seed: int, tmp_path: Path) -> None:
    tell(tmp_path, list(FAMILIES)[seed % len(FAMILIES)], seed, days=4)
