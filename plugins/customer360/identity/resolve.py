"""Who is who: from observations to people with ids that stay."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from customer360.errors import WarehouseError
from customer360.identity.components import PRIME, connected_components
from customer360.identity.configuration import IdentityConfig
from customer360.identity.disputes import take_apart
from customer360.identity.persistence import give_ids, read_state
from customer360.identity.probabilistic import find_matches
from customer360.identity.steps import Steps
from customer360.identity.tables import Tables
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.port import JobStats, RunInfo, Warehouse

log = logging.getLogger(__name__)

_SOURCES = (
    "own_id STRING, source_system STRING, source_customer_id STRING, first_loaded_date DATE, age_key STRING,"
    " previous_id STRING, previous_since DATE"
)
_DECISIONS = "override_id STRING, action STRING, decided_at TIMESTAMP, left_id STRING, right_id STRING"
_EVIDENCE = (
    "source_system STRING, source_customer_id STRING, identity_type STRING, identity_value STRING, reason STRING,"
    " first_loaded_date DATE, last_seen_at TIMESTAMP"
)
_CUSTOMERS = (
    "node INT64, own_id STRING, source_system STRING, source_customer_id STRING, first_loaded_date DATE,"
    " age_key STRING, previous_id STRING"
)
_TODAY = """
SELECT
  COUNT(DISTINCT customer360_id) AS people,
  (SELECT COUNT(*) FROM target.history AS h WHERE h.valid_from = @run_date AND h.merged_into IS NOT NULL) AS merged,
  (
    SELECT COUNT(*) FROM target.history AS h
    WHERE h.valid_from = @run_date AND h.merged_into IS NULL AND h.cause <> 'created'
  ) AS split
FROM target.map
"""
_SAME_DAY = """
SELECT
  COUNT(*) AS edges,
  COUNTIF(run_date >= @run_date) AS later,
  IF(MAX(run_date) = (SELECT MAX(m.run_date) FROM previous.map AS m), 1, 0) AS same
FROM previous.edges
"""


@dataclass(frozen=True)
class Resolution:
    """What a resolution did. `resolved`: source customers whose component was computed, all of them in a full run;
    `rounds`, `disputed_rounds`: of components, of splits; `merged`, `split`: ids merged and given to a part, this day;
    `blocked`: values that join nobody; `jobs`: what each statement did, by the table it wrote, scratch tables
    included."""

    rounds: int
    disputed_rounds: int
    resolved: int
    people: int
    merged: int
    split: int
    blocked: int
    jobs: Mapping[TableName, JobStats]


def resolve(
    warehouse: Warehouse,
    observations: TableName,
    *,
    config: IdentityConfig,
    run: RunInfo,
    specs: Mapping[str, TableSpec],
    overrides: TableName | None = None,
    previous: Tables | None = None,
    target: Tables | None = None,
    full: bool = False,
    maximum_bytes: int | None = None,
    memory_limit: str = "2GB",
) -> Resolution:
    """Resolve the people of `run.run_date` and write `target` (default: the run's candidates of the published tables).

    observations, overrides: tables with the columns of identity.identity_observations and identity.identity_decisions;
        rows loaded or decided after the run's date are left out
    specs: what the tables are like, by role (`tables.specs_of`)
    previous: tables that an earlier run published, or a first try of this date; None for the first run
    full: compute all components, not only those around which an edge came or went; the answer is the same
    maximum_bytes: that each statement may read, over it is a BudgetError
    memory_limit: of the probabilistic stage, where one is configured; what it cannot hold goes to temporary files

    May be killed and run again at any point: what people read is only read, scratch tables are written anew and dropped
    at the end. Raises WarehouseError where the warehouse refuses a statement, such as for a missing column; of the
    probabilistic stage what `probabilistic.score` raises.
    """
    steps = Steps(
        warehouse,
        run,
        specs,
        target or Tables().candidates(run.run_date),
        previous,
        {"observations": observations, **({"overrides": overrides} if overrides else {})},
        {**config.parameters, "run_date": Parameter("DATE", run.run_date)},
        maximum_bytes,
    )
    steps.clear()
    read_state(steps)
    _gather(steps, config, memory_limit)
    resolved = _number(steps, full=full)
    links = steps.write("links", "u INT64, v INT64")
    log.info("%s source customers to resolve, %s links", f"{resolved:,}", f"{links:,}")
    rounds = connected_components(steps, steps.scratch("links"), "labels")
    disputed_rounds = take_apart(steps)
    steps.write("members", f"component INT64, {_CUSTOMERS}")
    give_ids(steps)
    today = steps.count(_TODAY)
    blocked = steps.jobs[steps.target.blocked].rows
    steps.clear()
    resolution = Resolution(rounds, disputed_rounds, resolved, blocked=blocked, jobs=steps.jobs, **today)
    log.info(
        "%s people; %s ids merged, %s split off; %s values blocked; %d rounds, %d for decisions",
        *(f"{n:,}" for n in (resolution.people, resolution.merged, resolution.split, blocked)),
        rounds,
        disputed_rounds,
    )
    return resolution


def _gather(steps: Steps, config: IdentityConfig, memory_limit: str) -> None:
    """Source customers, decisions, matches, and the graph's nodes and edges."""
    steps.write("sources", _SOURCES)
    if "overrides" in steps.inputs:
        steps.write("decisions", _DECISIONS)
    else:
        steps.write_empty("decisions", _DECISIONS)
    find_matches(steps, config.probabilistic, memory_limit=memory_limit)
    steps.write("evidence", _EVIDENCE)
    for role in ("nodes", "blocked", "edges"):
        steps.publishable(role)


def _number(steps: Steps, *, full: bool) -> int:
    """Write scratch table `customers`: those to resolve, numbered. Returns how many."""
    source = steps.scratch("sources")
    if not full and _can_compare(steps):
        steps.write("touched", _SOURCES)
        source = steps.scratch("touched")
    customers = steps.write("customers", _CUSTOMERS, reads={"sources": source})
    if customers >= PRIME:
        raise WarehouseError(f"{customers:,} source customers to resolve; {PRIME - 1:,} can be numbered")
    return customers


def _can_compare(steps: Steps) -> bool:
    """Whether the published edges and map are of one day before the run's: not of a first try of it, and not of a
    publish that was cut short between the two."""
    if steps.previous is None:
        return False
    found = steps.count(_SAME_DAY)
    return found["edges"] > 0 and found["later"] == 0 and found["same"] == 1
