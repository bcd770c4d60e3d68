"""Maintenance on BigQuery: stale tables of dead runs go, days are told how long they last, and nothing else changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from customer360.project import TableName
from customer360.warehouse.upkeep import Tidied, Upkeep
from warehouse.conftest import BigQueryBench
from warehouse.shared import ONE, TOTALS, VISITS, write_totals

SCRATCH = TableName("core", "__totals_20240131_1a2b3c4d")


def tidy(cloud: BigQueryBench, *, later: int, days: int | None = None, dry_run: bool = False) -> Tidied:
    now = datetime.now(UTC) + timedelta(days=later)
    partitions = {} if days is None else {VISITS: now.date() - timedelta(days=days)}
    upkeep = Upkeep(now, ("core", "nowhere"), candidates=timedelta(days=3), partitions=partitions)
    return cloud.warehouse.maintain(upkeep, dry_run=dry_run)


def test_candidates_and_scratch_tables_go_after_their_time(cloud: BigQueryBench) -> None:
    candidate = write_totals(cloud)
    cloud.warehouse.write(TOTALS, ONE)
    cloud.warehouse.write(TOTALS, ONE, target=SCRATCH)
    assert tidy(cloud, later=2).tables == ()
    assert set(tidy(cloud, later=4, dry_run=True).tables) == {candidate, SCRATCH}
    assert len(cloud.warehouse.tables("core")) == 3
    assert set(tidy(cloud, later=4).tables) == {candidate, SCRATCH}
    assert cloud.warehouse.tables("core") == [TOTALS.name]


def test_days_of_a_table_are_told_once_how_long_they_last(cloud: BigQueryBench) -> None:
    cloud.warehouse.ensure([VISITS])
    assert tidy(cloud, later=0, days=400, dry_run=True).notes
    assert expiration(cloud) is None
    assert tidy(cloud, later=0, days=400).notes == ("days of raw_web.visits now expire after 400 days",)
    assert expiration(cloud) == 400 * 86_400_000
    assert tidy(cloud, later=5, days=400).notes == ()
    cloud.warehouse.ensure([VISITS])  # a run that comes by leaves it
    tidy(cloud, later=0)
    assert expiration(cloud) == 400 * 86_400_000


def expiration(cloud: BigQueryBench) -> int | None:
    table = cloud.warehouse.client.get_table(f"{cloud.warehouse.client.project}.{VISITS.name}")
    found: int | None = table.time_partitioning.expiration_ms
    return found
