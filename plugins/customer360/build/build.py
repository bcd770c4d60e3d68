"""Write → audit → publish, by layer.

Each model is written into a candidate table of the run's date. One audit looks at a layer's candidates, one publish
puts them in place of what people read. A model reads the candidates of its run date where there are any, published
tables otherwise: so a layer may read itself, and a step may be killed and run again at any point.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TypedDict

from customer360.build.changes import Recorder, followed
from customer360.build.computed import IDENTITY_YAML, Computation, compute
from customer360.build.incremental import Plan, Planner
from customer360.build.published import Published
from customer360.errors import WarehouseError
from customer360.identity import load_identity_config
from customer360.project import Model, Project, TableName, TableSpec
from customer360.project.platform import DATA_QUALITY, OPS_TABLES, PUBLISHED, RUNS, RUNS_SQL, WRITES, quarantine_spec
from customer360.quality import AuditedTable, AuditReport, audit
from customer360.settings import Parameter, Settings
from customer360.sources import load_bindings
from customer360.warehouse.costs import jobs_row, note_costs
from customer360.warehouse.port import Change, JobStats, Publication, RunInfo, Warehouse

log = logging.getLogger(__name__)

# What scores are made from.
PURCHASES = TableName("core", "int_customer_orders_daily")


class _How(TypedDict):
    """How a model is written: the same for starting and for ending it."""

    target: TableName
    parameters: dict[str, Parameter]
    renames: dict[TableName, TableName]
    maximum_bytes: int | None
    run: RunInfo
    partitions: tuple[date, ...] | None


@dataclass(frozen=True)
class Build:
    """One run's building of models: what is built, where, for which run date.

    `selected`: the models of a partial run. It reads no other candidates, which may be what an audit refused.
    `full`: incremental tables too are rebuilt whole.
    """

    project: Project
    settings: Settings
    warehouse: Warehouse
    run: RunInfo
    selected: frozenset[TableName] | None = None
    full: bool = False

    def __post_init__(self) -> None:
        self.warehouse.work_for(self.run)

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """What models and expectations may use: the settings' parameters, and which raw tables nothing fills."""
        bindings = load_bindings(self.settings.sources, self.project)
        bound = {binding.contract for system in bindings.values() for binding in system.tables.values()}
        unconnected = sorted(str(name) for name in self.project.contracts if name not in bound)
        identity = load_identity_config(self.settings.home / IDENTITY_YAML).parameters
        return (
            self.settings.parameters(self.run.run_date)
            | identity
            | {"unconnected_tables": Parameter("ARRAY<STRING>", unconnected)}
        )

    @cached_property
    def _published(self) -> Published:
        return Published(self.warehouse, self.run)

    def ensure(self) -> list[TableName]:
        """Create what is missing of raw, quarantine and ops tables. Models' tables come with their first publish."""
        created = self.warehouse.ensure(self._ensured)
        self.warehouse.create_view(RUNS, RUNS_SQL)
        return created

    @property
    def _ensured(self) -> list[TableSpec]:
        contracts = self.project.contracts.values()
        return [*(c.spec for c in contracts), *(quarantine_spec(c) for c in contracts), *OPS_TABLES]

    def changes(self, names: Iterable[TableName]) -> list[Change]:
        """Which tables `ensure`, and a run of these models, would create or alter, and what is refused."""
        models = [self.project.models[name] for name in names]
        tables = [model.spec for model in models if model.materialized == "table"]
        views = [RUNS.name, *(model.name for model in models if model.materialized == "view")]
        return [
            *self.warehouse.changes(self._ensured),
            *self.warehouse.changes(tables, replaced=True),
            *(Change(view, "create", ("view",)) for view in views if self.warehouse.columns(view) is None),
        ]

    def candidates(self, names: Iterable[TableName]) -> dict[TableName, TableName]:
        """Of these models, the ones with a candidate of this run date."""
        wanted = {name: name.candidate(self.run.run_date) for name in names if name in self.project.models}
        existing = {t for dataset in {name.dataset for name in wanted} for t in self.warehouse.tables(dataset)}
        return {name: candidate for name, candidate in wanted.items() if candidate in existing}

    def start(self, name: TableName) -> str | None:
        """Begin building one model into its candidate; the job's id, with which `write` ends it.

        None for a view, for what Python computes, and on an engine without jobs: `write` does it all.
        """
        model = self.project.models[name]
        if model.materialized == "view" or model.built_by:
            return None
        reads = self._inputs(model)
        plan = self.plan(model, reads)
        self._started[name] = plan, reads
        return self.warehouse.start_write(model.spec, plan.sql, **self._how(model, plan, reads))

    def write(self, name: TableName, *, job_id: str | None = None) -> JobStats:
        """Build one model into its candidate. A view has none: it is created when its layer is published. What is
        computed together with the model is built with it."""
        model = self.project.models[name]
        if model.built_by:
            return self._compute(model, model.built_by)
        if model.materialized == "view":
            log.info("%s is a view: it is created when its layer is published", name)
            return JobStats(rows=0)
        if name in self._started:
            plan, reads = self._started.pop(name)
        else:
            reads = self._inputs(model)
            plan = self.plan(model, reads)
        if model.incremental:
            log.info("%s: rebuilding %s", name, plan)
        stats = self.warehouse.write(model.spec, plan.sql, **self._how(model, plan, reads), job_id=job_id)
        try:
            if writing := self._recorder.writing(model, plan, name.candidate(self.run.run_date)):
                self.warehouse.append(WRITES, writing.row(self.run))
        except WarehouseError as error:  # what is not recorded is rebuilt whole by whoever follows it
            log.warning("%s: what was written is not recorded in %s: %s", name, WRITES.name, error)
        note_costs(self.warehouse, jobs_row(self.run, "write", name, stats))
        log.info("%s: %s rows in %.1f s", name, f"{stats.rows:,}", stats.seconds)
        return stats

    def plan(
        self,
        model: Model,
        reads: Mapping[TableName, TableName] | None = None,
        foreseen: Mapping[TableName, Plan] | None = None,
    ) -> Plan:
        """What of a model this run would build, and why. `reads`: which tables it reads as candidates, where known;
        `foreseen`: the plans of tables that are to be built first, when only asking."""
        follow = self._recorder.followed
        planner = Planner(
            self.project, self.warehouse, self.run, self._published, self.parameters, follow, self.full, foreseen or {}
        )
        return planner.plan(model, self._inputs(model) if reads is None else reads)

    @cached_property
    def _started(self) -> dict[TableName, tuple[Plan, dict[TableName, TableName]]]:
        """The plans of what `start` began here, and what is read as candidates, for `write` to end."""
        return {}

    @cached_property
    def _recorder(self) -> Recorder:
        return Recorder(self.warehouse, self.run, followed(self.project))

    def _compute(self, model: Model, room: str) -> JobStats:
        tables = self.project.graph.together(model.name)
        step = Computation(self.project, self.settings, self.warehouse, self.run, tables, reads=self._inputs(model))
        began = time.monotonic()
        stats = compute(room, step)
        note_costs(self.warehouse, *(jobs_row(self.run, "write", name, each) for name, each in stats.items()))
        rows = sum(each.rows for each in stats.values())
        seconds = time.monotonic() - began
        log.info("%s: %s rows of %s tables in %.1f s", room, f"{rows:,}", len(stats), seconds)
        return JobStats(rows=rows, seconds=seconds)

    def _inputs(self, model: Model) -> dict[TableName, TableName]:
        """Which of the tables that a model reads are read as candidates. A whole run must not read another day's."""
        reads = self._reads(model.name.dataset, (reference.name for reference in model.references))
        if self.selected is None:
            published = {r.name for r in model.references if r.name in self.project.models} - reads.keys()
            self._refuse_other_days(model.name.dataset, sorted(published))
        return reads

    def _how(self, model: Model, plan: Plan, reads: dict[TableName, TableName]) -> _How:
        return {
            "target": model.name.candidate(self.run.run_date),
            "parameters": {key: self.parameters[key] for key in sorted(model.parameters)},
            "renames": reads,
            "maximum_bytes": self.budget(model),
            "run": self.run,
            "partitions": plan.partitions,
        }

    def fit_scores(self) -> None:
        """Fit the models that scores are made from, and check an earlier fit, on what is published: as of its day where
        that is before the run's."""
        from customer360.scoring import Shop, fit_and_check

        published = self._published.day_of(PURCHASES)
        if published is None:
            raise WarehouseError(f"{PURCHASES} is not published yet: run customer_360_daily (or c360 run) first")
        day = min(published, self.run.run_date)
        fit_and_check(Shop(self.settings.home, self.warehouse, replace(self.run, run_date=day), {}))

    def budget(self, model: Model) -> int | None:
        """Bytes that a model may read: its own budget, else the deployment's."""
        return model.budget_bytes or self.settings.budget_bytes or None

    def audit(self, names: Sequence[TableName]) -> AuditReport:
        """Run the expectations of the candidates among `names`, record the results in ops.data_quality.

        Raises AuditError when one of severity critical fails; what people read is untouched then.
        """
        if self._is_behind(names) and not self.candidates(names):
            log.info("the run of %s is over: its candidates are gone", self.run.run_date)
            return AuditReport(self.run, datetime.now(UTC), ())
        candidates = self._tables(names)
        layer = names[0].dataset if names else ""
        report = audit(
            [AuditedTable(self.project.spec(name), candidate) for name, candidate in candidates.items()],
            warehouse=self.warehouse,
            suites=self.settings.home / "expectations",
            run=self.run,
            parameters=self.parameters,
            renames=self._reads(layer, self.project.models),
            schemas=self.project.schemas,
        )
        if report.results:
            self.warehouse.append(DATA_QUALITY, report.rows())
        report.raise_if_failed()
        return report

    def publish(self, names: Sequence[TableName]) -> list[TableName]:
        """Put the candidates among `names` in place, all at once where the engine can, and create the layer's views.

        A run of an older date than what people read publishes its day's history and nothing else: its other candidates
        stay until its last layer, so that the run itself sees its own day.
        """
        if self._is_behind(names):
            log.warning("a newer day is published: the run of %s does not replace it", self.run.run_date)
            kept = self._publish_tables([name for name in names if self.project.models[name].is_kept_by_day])
            if names[-1].dataset == list(self.project.graph.layers())[-1]:
                self.warehouse.drop(self.candidates(self.project.models).values())
            return kept
        if self.selected is None:
            reads = {r.name for name in names for r in self.project.models[name].references}
            self._refuse_other_days("", sorted(name for name in reads - {*names} if name in self.project.models))
        published = self._publish_tables(names, check=lambda: self._published.refuse_behind(names))
        views = [self.project.models[n] for n in names if self.project.models[n].materialized == "view"]
        for view in views:
            self.warehouse.create_view(view.spec, view.sql)
        return [*published, *(view.name for view in views)]

    def _publish_tables(self, names: Sequence[TableName], check: Callable[[], None] = lambda: None) -> list[TableName]:
        candidates = self._tables(names)
        if candidates:
            versions = self._refuse_unaudited(candidates)
            counts = self.warehouse.row_counts(candidates.values())
            stats = self.warehouse.publish(
                [self._publication(name, candidate) for name, candidate in candidates.items()],
                run=self.run,
                log={
                    PUBLISHED: self._published.rows(
                        {name: counts[candidate] for name, candidate in candidates.items()}, versions
                    )
                },
                check=check,
            )
            note_costs(self.warehouse, *(jobs_row(self.run, "publish", name, each) for name, each in stats.items()))
        return [*candidates]

    def _publication(self, name: TableName, candidate: TableName) -> Publication:
        model = self.project.models[name]
        return Publication(model.spec, candidate, partition=self.run.run_date if model.is_kept_by_day else None)

    def _refuse_unaudited(self, candidates: Mapping[TableName, TableName]) -> dict[TableName, str]:
        """The versions of these candidates. What was written again since this run's audit of it is not what was
        audited."""
        audited = self._published.audited_versions()
        now = self.warehouse.versions(candidates.values())
        changed = [
            str(name)
            for name, candidate in candidates.items()
            if audited.get(str(name)) is not None and audited[str(name)] != now.get(candidate)
        ]
        if changed:
            raise WarehouseError(
                f"{', '.join(changed)} of {self.run.run_date} was written again since its audit, perhaps by another run"
                " of the same day; nothing was published: clear the audit and what follows"
            )
        return {name: now[candidate] for name, candidate in candidates.items() if candidate in now}

    def _tables(self, names: Sequence[TableName]) -> dict[TableName, TableName]:
        """The candidates of the tables among `names`. One neither written nor published by this run is an error."""
        tables = [name for name in names if self.project.models[name].materialized == "table"]
        candidates = self.candidates(tables)
        missing = [name for name in tables if name not in candidates]
        if missing:
            done = self._published.by_this_run()
            if lost := [str(name) for name in missing if str(name) not in done]:
                raise WarehouseError(
                    f"no candidate of {', '.join(lost)} for {self.run.run_date}: run the write of each again, then this"
                )
            log.info("already published by this run: %s", ", ".join(map(str, missing)))
        return candidates

    def _reads(self, layer: str, names: Iterable[TableName]) -> dict[TableName, TableName]:
        """Which of these are read as candidates by a layer: its own, and those of earlier layers that a run of an older
        day could not publish. An earlier layer's candidate is otherwise one that failed its audit."""
        candidates = self.candidates(n for n in names if self.selected is None or n in self.selected)
        others = [name for name in candidates if name.dataset != layer]
        kept = set(others) if others and self._is_behind(others) else set()
        return {name: candidate for name, candidate in candidates.items() if name.dataset == layer or name in kept}

    def _refuse_other_days(self, layer: str, published: Sequence[TableName]) -> None:
        """A whole run reads its own day only: what it has published, and of its own layer what it has written."""
        tables = [name for name in published if self.project.models[name].materialized == "table"]
        own = [name for name in tables if name.dataset == layer]
        if own and (lost := [str(name) for name in own if str(name) not in self._published.by_this_run()]):
            raise WarehouseError(
                f"no candidate of {', '.join(lost)} for {self.run.run_date}: run the write of each again, then this"
            )
        self._published.refuse_other_days([name for name in tables if name.dataset != layer])

    def _is_behind(self, names: Iterable[TableName]) -> bool:
        """Whether any of these tables is at a newer day than this run's."""
        return bool(self._published.newer(names))
