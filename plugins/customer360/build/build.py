"""Write → audit → publish, by layer.

Each model is written into a candidate table of the run's date. One audit looks at a layer's candidates, one publish
puts them in place of what people read. A model reads the candidates of its run date where there are any, published
tables otherwise: so a layer may read itself, and a step may be killed and run again at any point.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa

from customer360 import __version__
from customer360.errors import WarehouseError
from customer360.googlesql import types
from customer360.project import Project, TableName, TableSpec
from customer360.project.platform import BUILDS, DATA_QUALITY, OPS_TABLES, PUBLISHED, quarantine_spec
from customer360.quality import AuditedTable, AuditReport, audit
from customer360.settings import Parameter, Settings
from customer360.warehouse.port import JobStats, Publication, RunInfo, Warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Build:
    """One run's building of models: what is built, where, for which run date."""

    project: Project
    settings: Settings
    warehouse: Warehouse
    run: RunInfo

    @property
    def parameters(self) -> dict[str, Parameter]:
        return self.settings.parameters(self.run.run_date)

    def ensure(self) -> list[TableName]:
        """Create what is missing of raw, quarantine and ops tables. Models' tables come with their first publish."""
        contracts = self.project.contracts.values()
        return self.warehouse.ensure(
            [*(c.spec for c in contracts), *(quarantine_spec(c) for c in contracts), *OPS_TABLES]
        )

    def candidates(self, names: Iterable[TableName]) -> dict[TableName, TableName]:
        """Of these models, the ones with a candidate of this run date."""
        wanted = {name: name.candidate(self.run.run_date) for name in names if name in self.project.models}
        existing = {t for dataset in {name.dataset for name in wanted} for t in self.warehouse.tables(dataset)}
        return {name: candidate for name, candidate in wanted.items() if candidate in existing}

    def write(self, name: TableName) -> JobStats:
        """Build one model into its candidate. A view has none: it is created when its layer is published."""
        model = self.project.models[name]
        if model.materialized == "view":
            log.info("%s is a view: it is created when its layer is published", name)
            return JobStats(rows=0)
        stats = self.warehouse.write(
            model.spec,
            model.sql,
            target=name.candidate(self.run.run_date),
            parameters={key: self.parameters[key] for key in sorted(model.parameters)},
            renames=self.candidates(reference.name for reference in model.references),
            maximum_bytes=model.budget_bytes,
            run=self.run,
        )
        self.warehouse.append(BUILDS, self._row(BUILDS, name, stats))
        log.info("%s: %s rows in %.1f s", name, f"{stats.rows:,}", stats.seconds)
        return stats

    def audit(self, names: Sequence[TableName]) -> AuditReport:
        """Run the expectations of the candidates among `names`, record the results in ops.data_quality.

        Raises AuditError when one of severity critical fails; what people read is untouched then.
        """
        candidates = self._tables(names)
        everything = self.candidates(self.project.models)
        report = audit(
            [AuditedTable(self.project.spec(name), candidate) for name, candidate in candidates.items()],
            warehouse=self.warehouse,
            suites=self.settings.home / "expectations",
            run=self.run,
            parameters=self.parameters,
            renames=everything,
            schemas=self.project.schemas,
        )
        if report.results:
            self.warehouse.append(DATA_QUALITY, report.rows())
        report.raise_if_failed()
        return report

    def publish(self, names: Sequence[TableName]) -> list[TableName]:
        """Put the candidates among `names` in place, all at once where the engine can, and create the layer's views.

        A run of an older date than what people read publishes nothing: its candidates stay until its last layer, so
        that the run itself sees its own day.
        """
        candidates = self._tables(names)
        if newer := {n: d for n, d in self._published_dates(candidates).items() if d > self.run.run_date}:
            name, current = next(iter(newer.items()))
            log.warning("%s is already at %s: the run of %s does not replace it", name, current, self.run.run_date)
            if names and names[-1].dataset == list(self.project.graph.layers())[-1]:
                self.warehouse.drop(self.candidates(self.project.models).values())
            return []
        if candidates:
            counts = self.warehouse.row_counts(candidates.values())
            rows = [self._row(PUBLISHED, n, JobStats(rows=counts[c])) for n, c in candidates.items()]
            self.warehouse.publish(
                [Publication(self.project.spec(name), candidate) for name, candidate in candidates.items()],
                run=self.run,
                log={PUBLISHED: pa.concat_tables(rows)},
            )
        views = [self.project.models[n] for n in names if self.project.models[n].materialized == "view"]
        for view in views:
            self.warehouse.create_view(view.spec, view.sql)
        return [*candidates, *(view.name for view in views)]

    def _tables(self, names: Sequence[TableName]) -> dict[TableName, TableName]:
        """The candidates of the tables among `names`. One neither written nor published by this run is an error."""
        tables = [name for name in names if self.project.models[name].materialized == "table"]
        candidates = self.candidates(tables)
        missing = [name for name in tables if name not in candidates]
        if missing:
            done = self._published_by_this_run()
            if lost := [str(name) for name in missing if str(name) not in done]:
                raise WarehouseError(
                    f"no candidate of {', '.join(lost)} for {self.run.run_date}: run the write of each again, then this"
                )
            log.info("already published by this run: %s", ", ".join(map(str, missing)))
        return candidates

    def _published_by_this_run(self) -> set[str]:
        found = self.warehouse.query(
            "SELECT DISTINCT table_name FROM ops.published WHERE run_id = @run_id AND run_date = @run_date",
            parameters={
                "run_id": Parameter("STRING", self.run.run_id),
                "run_date": Parameter("DATE", self.run.run_date),
            },
        )
        return set(found.column("table_name").to_pylist())

    def _published_dates(self, names: Iterable[TableName]) -> dict[str, date]:
        """Table → the run date it is at now."""
        wanted = {str(name) for name in names}
        found = self.warehouse.query(
            "SELECT table_name, run_date FROM ops.published"
            " QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY published_at DESC, run_id DESC) = 1"
        )
        return {row["table_name"]: row["run_date"] for row in found.to_pylist() if row["table_name"] in wanted}

    def _row(self, spec: TableSpec, name: TableName, stats: JobStats) -> pa.Table:
        """One row of an ops table about one model."""
        now = datetime.now(UTC)
        facts = {
            "run_id": self.run.run_id,
            "run_date": self.run.run_date,
            "table_name": str(name),
            "row_count": stats.rows,
            "bytes_processed": stats.bytes_processed,
            "seconds": stats.seconds,
            "job_id": stats.job_id,
            "url": stats.url,
            "code_version": __version__,
            "built_at": now,
            "published_at": now,
        }
        return pa.Table.from_pylist(
            [{column: facts[column] for column in spec.schema}],
            schema=pa.schema([(column, types.to_arrow(type_)) for column, type_ in spec.schema.items()]),
        )
