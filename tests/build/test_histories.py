"""After any history of new, changed, late, repeated and deleted rows, in whatever order and with whatever days missed,
the incremental tables are what a full rebuild from raw gives, cell by cell.

`make test-histories` runs HISTORIES=200 of them.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT

from build.deliveries import LOADS, ROWS, RUNS, SNAPSHOT_LOADS, Sources
from build.histories import FAMILIES, History, project_of
from customer360.project import load_project

HISTORIES = int(os.environ.get("C360_HISTORIES", "0"))
SWEEP = range(2, 202)
DAYS = 4


def family_of(seed: int) -> str:
    return list(FAMILIES)[seed % len(FAMILIES)]


def random_of(seed: int) -> Random:
    return Random(f"{family_of(seed)} {seed}")


@pytest.mark.parametrize("seed", [0, 1])
def test_incremental_is_full(seed: int, tmp_path: Path) -> None:
    History(tmp_path, family_of(seed), random_of(seed)).tell(days=3)


@pytest.mark.skipif(not HISTORIES, reason="long: make test-histories (C360_HISTORIES=200)")
@pytest.mark.parametrize("seed", range(SWEEP.start, SWEEP.start + HISTORIES))
def test_incremental_is_full_whatever_happens(seed: int, tmp_path: Path) -> None:
    History(tmp_path, family_of(seed), random_of(seed)).tell(DAYS)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_sweep_has_every_kind_of_event(family: str) -> None:
    """Judged by what is delivered: nothing is built here."""
    kinds: Counter[str] = Counter()
    for seed in SWEEP:
        if family_of(seed) == family:
            sources = Sources(FAMILIES[family], random_of(seed))
            *_, last = sources.story(DAYS)
            assert not last.dies
            kinds += sources.kinds
    wanted = ROWS + LOADS + RUNS + SNAPSHOT_LOADS * (family == "responses")
    assert {kind: kinds[kind] for kind in wanted if kinds[kind] < 3} == {}


def test_every_incremental_table_is_in_a_history() -> None:
    incremental = {name for name, model in load_project(ROOT).models.items() if model.incremental}
    assert incremental <= {name for family in FAMILIES for name in project_of(family).models}
