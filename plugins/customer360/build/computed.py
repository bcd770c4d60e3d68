"""Tables that Python computes, because plain SQL cannot: each room's step, by the name that `built_by` says."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from customer360.errors import ProjectError
from customer360.history import KEPT, keep_day
from customer360.identity import DECISIONS, SIGHTINGS, load_identity_config, resolve_people, specs_of
from customer360.project import Project, TableName, TableSpec
from customer360.settings import Settings
from customer360.warehouse.port import JobStats, RunInfo, Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

IDENTITY_YAML = "sql/identity/identity.yaml"


@dataclass(frozen=True)
class Computation:
    """One step of one run. `tables` are those to compute, `reads` says which of the tables they are computed from are
    read as candidates; the others are read as published."""

    project: Project
    settings: Settings
    warehouse: Warehouse
    run: RunInfo
    tables: Sequence[TableName]
    reads: Mapping[TableName, TableName]

    @property
    def maximum_bytes(self) -> int | None:
        """What each statement may read."""
        return self.settings.budget_bytes or None

    def place(self, name: TableName) -> TableName:
        """Where a table that is read is."""
        return self.reads.get(name, name)

    def write_rows(self, name: TableName, rows: pa.Table) -> JobStats:
        """Write rows that were computed here into the table's candidate, by way of a scratch table.

        Each try has a scratch table of its own: what a lost worker's job may still append goes nowhere else.
        """
        spec = self.project.models[name].spec
        with self._scratch(name) as scratch:
            self.warehouse.append(_plain(spec, scratch), rows)
            columns = ", ".join(f"`{column}`" for column in spec.schema)
            return self.warehouse.write(
                spec, f"SELECT {columns} FROM {scratch}", target=name.candidate(self.run.run_date), run=self.run
            )

    @contextmanager
    def _scratch(self, name: TableName) -> Iterator[TableName]:
        prefix = f"__{name.table}_{self.run.run_date:%Y%m%d}_"
        self.warehouse.drop(n for n in self.warehouse.tables(name.dataset) if n.table.startswith(prefix))
        scratch = TableName(name.dataset, f"{prefix}{uuid.uuid4().hex[:8]}")
        try:
            yield scratch
        finally:
            self.warehouse.drop([scratch])


def compute(room: str, step: Computation) -> dict[TableName, JobStats]:
    """Compute a room's tables into their candidates; what writing each of them did."""
    if room not in _ROOMS:
        model = step.project.models[step.tables[0]]
        raise ProjectError(f"built_by is {room!r}", path=model.file, hint=" or ".join(sorted(_ROOMS)))
    return _ROOMS[room](step)


def remembering(project: Project, warehouse: Warehouse, run: RunInfo) -> tuple[TableName, ...]:
    """What a day in the middle of a bulk rebuild cannot do without: the layers of the tables that depend on what was
    computed on days before, and of all that these are made from.

    Who is who keeps its ids, and since when each is valid. Scores are made from a fit that lasts for days: so they are
    computed where one is due. History is not among them: it keeps what was published, and the day is not.
    """
    from customer360.scoring import fit_is_due

    rooms = {"identity"} | ({"scoring"} if fit_is_due(warehouse, run.run_date) else set())
    selectors = [f"+{name}" for name, model in project.models.items() if model.built_by in rooms]
    # Whole layers: what is published is audited, and expectations look at other tables of their layer.
    layers = {name.dataset for name in (project.graph.select(selectors) if selectors else ())}
    return tuple(name for name in project.graph.order if name.dataset in layers)


def _plain(spec: TableSpec, name: TableName) -> TableSpec:
    """The columns alone: a scratch table has no layout."""
    return replace(spec, name=name, partition=None, cluster_by=())


def _identity(step: Computation) -> dict[TableName, JobStats]:
    _, stats = resolve_people(
        step.warehouse,
        sightings=step.place(SIGHTINGS),
        decisions=step.place(DECISIONS),
        config=load_identity_config(step.settings.home / IDENTITY_YAML),
        run=step.run,
        specs=specs_of(step.project),
        maximum_bytes=step.maximum_bytes,
        memory_limit=step.settings.memory_limit,
    )
    return stats


def _scoring(step: Computation) -> dict[TableName, JobStats]:
    from customer360.scoring import Shop, score_people

    (name,) = step.tables
    rows = score_people(Shop(step.settings.home, step.warehouse, step.run, step.reads))
    return {name: step.write_rows(name, rows)}


def _history(step: Computation) -> dict[TableName, JobStats]:
    return keep_day(
        step.warehouse,
        source=step.place(KEPT),
        specs={name: step.project.spec(name) for name in step.tables},
        run=step.run,
        maximum_bytes=step.maximum_bytes,
    )


_ROOMS: dict[str, Callable[[Computation], dict[TableName, JobStats]]] = {
    "history": _history,
    "identity": _identity,
    "scoring": _scoring,
}
