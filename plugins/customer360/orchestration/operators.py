"""Operators: one step of a run each, in the warehouse of this deployment.

All of them may be killed and run again at any point: one step is one transaction. Errors that a retry cannot mend fail
the task at once, with their own message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout

from customer360.errors import AuditError, Customer360Error, WarehouseUnavailableError
from customer360.orchestration import openlineage
from customer360.orchestration.connections import airflow_connection, open_landing, open_storage, open_warehouse
from customer360.orchestration.deployment import deployment
from customer360.orchestration.links import WarehouseJobLink
from customer360.project import TableName
from customer360.settings import keep_private, load_settings

if TYPE_CHECKING:
    from airflow.sdk import Context

    from customer360.build import Build
    from customer360.orchestration.openlineage import Told
    from customer360.sources.connections import Connection
    from customer360.warehouse import Warehouse

# D, the last complete day: the date on which the data interval starts.
RUN_DATE = "{{ data_interval_start | ds }}"
# How long after a job's deadline the scheduler ends the deferral by itself, should no triggerer be alive to do it.
_TRIGGERER_GRACE = timedelta(minutes=15)
_KILL_TIMEOUT = 10.0


class WarehouseOperator(BaseOperator):
    """A step that works on the warehouse. `run_date` is D, as an ISO date."""

    template_fields = ("run_date",)
    ui_color = "#e8f1fb"

    def __init__(self, *, run_date: str = RUN_DATE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_date = run_date
        self._warehouse: Warehouse | None = None
        self._killed = False
        self._happened: Callable[[], Told] = openlineage.nothing

    @contextmanager
    def build(self, context: Context) -> Iterator[Build]:
        """The project, settings and open warehouse of this step, with errors turned into what Airflow acts on."""
        from customer360.build import Build
        from customer360.warehouse.port import RunInfo

        try:
            settings, project = deployment()
            keep_private()
            warehouse = self._warehouse = open_warehouse(settings, project)
            instance, started = context["ti"], context.get("dag_run")
            run = RunInfo(
                run_id=context["run_id"],
                run_date=date.fromisoformat(self.run_date),
                dag_id=instance.dag_id,
                task_id=instance.task_id,
                run_by=started.triggering_user_name if started else None,
                run_type=str(started.run_type.value) if started else None,
                code_version=settings.code_version,
            )
            try:
                if self._killed:
                    raise WarehouseUnavailableError(f"{instance.task_id} was stopped before it had begun")
                yield Build(project=project, settings=settings, warehouse=warehouse, run=run)
            finally:
                warehouse.close()
        except Customer360Error as error:
            # Whoever stopped the step wants it run again or not: that is for Airflow to know.
            if error.retry_helps or self._killed:
                raise
            raise AirflowFailException(str(error)) from error

    def on_kill(self) -> None:
        """Cancel what the step has under way in the warehouse. Airflow calls it on SIGTERM and on a time-out.

        On SIGTERM that is in the middle of whatever the main thread does, with whatever locks it holds: a thread of its
        own can at worst wait for one of them in vain.
        """
        self._killed = True
        if self._warehouse is not None:
            cancel = threading.Thread(target=self._warehouse.cancel, daemon=True, name="cancel")
            cancel.start()
            cancel.join(_KILL_TIMEOUT)

    def get_openlineage_facets_on_complete(self, _: Any) -> Told:
        """What Airflow's OpenLineage provider asks for when the task has ended well."""
        return self._happened()

    def get_openlineage_facets_on_failure(self, _: Any) -> Told:
        """The same for a task that failed, of which nothing is said but what an audit found."""
        return self._happened()


class JobOperator(WarehouseOperator):
    """A step that is one job of the warehouse; the task links to the job's page."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_url: str | None = None

    @property
    def operator_extra_links(self) -> tuple[WarehouseJobLink, ...]:  # type: ignore[override]
        """None on the embedded warehouse, which has no jobs: the UI would show a heading with nothing under it."""
        return () if load_settings().warehouse == "local" else (WarehouseJobLink(),)


class EnsureTables(WarehouseOperator):
    """Creates the raw, quarantine and ops tables that are missing, and brings descriptions up to date."""

    ui_color = "#f3f3f3"

    def execute(self, context: Context) -> list[str]:
        with self.build(context) as build:
            created = build.ensure()
        self.log.info("%s", f"Created {', '.join(map(str, created))}" if created else "Every table exists")
        return [str(name) for name in created]


class LoadTable(JobOperator):
    """Loads one source table's window into its raw partition, as its binding says, and the refused into quarantine."""

    ui_color = "#e7f6ec"

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table

    def execute(self, context: Context) -> None:
        from customer360.sources import check_freshness, load_bindings, load_table

        used: list[Connection] = []

        def connections(conn_id: str) -> Connection:
            used.append(airflow_connection(conn_id))
            return used[-1]

        with self.build(context) as build:
            contract = build.project.contracts[TableName.parse(self.table)]
            binding = load_bindings(build.settings.sources, build.project)[contract.system].tables[contract.name.table]
            result = load_table(
                binding,
                contract,
                run=build.run,
                warehouse=build.warehouse,
                settings=build.settings,
                connections=connections,
                landing=open_landing(build.settings),
                buckets=partial(open_storage, build.settings),
            )
            self.job_url = result.url
            source = used[-1] if used else None
            self._happened = partial(openlineage.loaded, contract, binding, source, result.rows_loaded)
            check_freshness(binding, contract, run=build.run, warehouse=build.warehouse)


class WriteModel(JobOperator):
    """Builds one model into its candidate table. Nobody reads it before it is audited and published.

    deferrable: whether to give the worker back while a job takes long; None is [operators] default_deferrable.
    patience: seconds to wait here before that. Most models are written by then, and a round trip through the triggerer
    and a new worker takes longer.
    """

    def __init__(self, *, model: str, deferrable: bool | None = None, patience: float = 15.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.patience = patience
        self.deferrable = (
            conf.getboolean("operators", "default_deferrable", fallback=False) if deferrable is None else deferrable
        )

    def execute(self, context: Context) -> None:
        began = time.monotonic()
        with self.build(context) as build:
            job_id = build.start(TableName.parse(self.model))
            if job_id is not None:
                self._show(context, build, job_id)
                if self.deferrable and self._takes_long(build.warehouse, job_id):
                    self._wait_elsewhere(job_id, time.monotonic() - began)
            self._write(build, job_id)

    def _write(self, build: Build, job_id: str | None) -> None:
        stats = build.write(TableName.parse(self.model), job_id=job_id)
        made = build.project.graph.together(TableName.parse(self.model))
        self._happened = partial(openlineage.written, made, stats.rows if len(made) == 1 else None)

    def resume(self, context: Context, event: Mapping[str, Any]) -> None:
        """Go on where `execute` deferred. `event`: BigQueryJobTrigger's."""
        from customer360.orchestration.bigquery_trigger import TIMEOUT, UNKNOWN

        job_id = event["job_id"]
        with self.build(context) as build:
            self._show(context, build, job_id)
            if event["status"] == TIMEOUT:
                raise AirflowTaskTimeout(
                    f"{self.model}: its job took longer than the task's execution_timeout, {self.execution_timeout},"
                    f" and was cancelled: {self.job_url}"
                )
            if event["status"] == UNKNOWN:
                self.log.warning("The triggerer lost sight of the job, waiting for it here: %s", event["message"])
            self._write(build, job_id)

    def _show(self, context: Context, build: Build, job_id: str) -> None:
        """The link, for people to follow while the job runs. Airflow pushes links by itself, but at the end."""
        self.job_url = build.warehouse.job_url(job_id)
        self.log.info("Job %s: %s", job_id, self.job_url)
        for link in self.operator_extra_links:
            context["ti"].xcom_push(key=link.xcom_key, value=self.job_url)

    def _takes_long(self, warehouse: Warehouse, job_id: str) -> bool:
        """Whether the job still runs when the patience is over."""
        patient_until = time.monotonic() + self.patience
        while running := warehouse.is_running(job_id):
            if time.monotonic() >= patient_until:
                break
            time.sleep(0.5)
        return running

    def _wait_elsewhere(self, job_id: str, spent: float) -> None:
        """Defer. The trigger gets what is left of execution_timeout, which Airflow does not apply to a deferral."""
        from customer360.orchestration.bigquery_trigger import BigQueryJobTrigger

        left = None if self.execution_timeout is None else self.execution_timeout - timedelta(seconds=spent)
        self.defer(
            trigger=BigQueryJobTrigger(
                job_id=job_id, deadline=None if left is None else (datetime.now(UTC) + left).isoformat()
            ),
            method_name="resume",
            timeout=None if left is None else left + _TRIGGERER_GRACE,
        )


class FitScores(WarehouseOperator):
    """Fits the models that scores are made from (ops.model_fits) and checks an earlier fit (ops.model_quality)."""

    ui_color = "#ece3f5"

    def execute(self, context: Context) -> None:
        with self.build(context) as build:
            build.fit_scores()


class Maintain(WarehouseOperator):
    """Keeps house: removes what is past its time, and tidies the warehouse."""

    ui_color = "#e4e4e4"

    def execute(self, context: Context) -> None:
        from customer360.build.maintenance import maintain

        with self.build(context) as build:
            done = maintain(build, open_landing(build.settings))
        self.log.info("%s", done)


class AuditLayer(WarehouseOperator):
    """Runs the expectations of a layer's candidates. A critical one that does not hold fails the task at once."""

    ui_color = "#fdf3d8"

    def __init__(self, *, layer: str, models: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.models = list(models)

    def execute(self, context: Context) -> None:
        with self.build(context) as build:
            try:
                report = build.audit([TableName.parse(name) for name in self.models])
            except AuditError as error:
                self._happened = partial(openlineage.audited, error.report)
                raise
        self._happened = partial(openlineage.audited, report)


class PublishLayer(WarehouseOperator):
    """Puts a layer's audited candidates in place of what people read: in one step on the embedded warehouse, table by
    table on BigQuery."""

    ui_color = "#d9e8d4"

    def __init__(self, *, layer: str, models: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.models = list(models)

    def execute(self, context: Context) -> list[str]:
        with self.build(context) as build:
            published = build.publish([TableName.parse(name) for name in self.models])
            rows = build.warehouse.row_counts(published)
        self._happened = partial(openlineage.published, rows)
        self.log.info("Published %s of %s tables of %s", len(published), len(self.models), self.layer)
        return [str(name) for name in published]


class WriteQualityPage(WarehouseOperator):
    """Writes reports/quality.html into the data folder: what audits, loads and publishes of the day and the ones before
    say. It changes no table."""

    ui_color = "#f3f3f3"

    def execute(self, context: Context) -> str:
        from customer360.quality.history import look
        from customer360.quality.page import write_page

        with self.build(context) as build:
            seen = look(build.project, build.warehouse, build.run)
            file = write_page(
                seen, build.settings.data, engine=build.warehouse.engine, code_version=build.settings.code_version
            )
        self.log.info("%s expectations, %s did not hold: %s", len(seen.checks), len(seen.troubles), file)
        return str(file)
