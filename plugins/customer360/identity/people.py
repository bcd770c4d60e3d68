"""The whole of a day: from what sources say to who is who."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from customer360.googlesql.parse import parse_query, references
from customer360.googlesql.rename import rename_tables
from customer360.identity.configuration import IdentityConfig
from customer360.identity.normalise import VALUES, normalise_new, rules_of
from customer360.identity.resolve import Resolution, resolve
from customer360.identity.tables import OBSERVATIONS, Tables
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.port import JobStats, RunInfo, Warehouse

_OBSERVATIONS_SQL = Path(__file__).with_name("sql") / "observations.sql"


def resolve_people(
    warehouse: Warehouse,
    *,
    sightings: TableName,
    decisions: TableName,
    config: IdentityConfig,
    run: RunInfo,
    specs: Mapping[str, TableSpec],
    maximum_bytes: int | None = None,
    memory_limit: str = "2GB",
) -> tuple[Resolution, dict[TableName, JobStats]]:
    """Spell the values of `sightings` alike and resolve the people of the run's day into its candidates.

    sightings, decisions: where identity.identity_sightings and identity.identity_decisions are. What was published
    before is the state that ids are kept from. Returns what was found, and what writing each published table did.
    """
    normalise_new(warehouse, sightings, config)
    observations = OBSERVATIONS.candidate(run.run_date)
    stats = warehouse.write(
        specs["observations"],
        _observations(sightings),
        target=observations,
        parameters={"rules": Parameter("STRING", rules_of(config))},
        maximum_bytes=maximum_bytes,
        run=run,
    )
    target = Tables().candidates(run.run_date)
    resolution = resolve(
        warehouse,
        observations,
        config=config,
        run=run,
        specs=specs,
        overrides=decisions,
        previous=published(warehouse),
        target=target,
        maximum_bytes=maximum_bytes,
        memory_limit=memory_limit,
    )
    written = {name: resolution.jobs[target.by_role[role]] for role, name in Tables().by_role.items()}
    return resolution, {OBSERVATIONS: stats, **written}


def published(warehouse: Warehouse) -> Tables | None:
    """The state that an earlier run left; None where there is none, or only a part of it."""
    tables = Tables()
    there = set(warehouse.tables(tables.map.dataset))
    return tables if there >= set(tables.by_role.values()) else None


def _observations(sightings: TableName) -> str:
    text = _OBSERVATIONS_SQL.read_text(encoding="utf-8")
    places = {"input.sightings": str(sightings), "input.known_values": str(VALUES.name)}
    assert {f"{each.dataset}.{each.table}" for each in references(parse_query(text))} == places.keys()
    return rename_tables(text, places)
