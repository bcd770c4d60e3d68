"""Operators: one step of a run each, in the warehouse of this deployment.

All of them may be killed and run again at any point (one step is one transaction, so none needs an on_kill). Errors
that a retry cannot mend fail the task at once, with their own message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from customer360.errors import Customer360Error
from customer360.orchestration.connections import airflow_connection, open_warehouse
from customer360.orchestration.deployment import deployment
from customer360.project import TableName

if TYPE_CHECKING:
    from airflow.sdk import Context

    from customer360.build import Build

# D, the last complete day: the date on which the data interval starts.
RUN_DATE = "{{ data_interval_start | ds }}"


class WarehouseOperator(BaseOperator):
    """A step that works on the warehouse. `run_date` is D, as an ISO date."""

    template_fields = ("run_date",)
    ui_color = "#e8f1fb"

    def __init__(self, *, run_date: str = RUN_DATE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_date = run_date

    @contextmanager
    def build(self, context: Context) -> Iterator[Build]:
        """The project, settings and open warehouse of this step, with errors turned into what Airflow acts on."""
        from customer360.build import Build
        from customer360.warehouse.port import RunInfo

        try:
            settings, project = deployment()
            warehouse = open_warehouse(settings, project)
            instance = context["ti"]
            run = RunInfo(
                run_id=context["run_id"],
                run_date=date.fromisoformat(self.run_date),
                dag_id=instance.dag_id,
                task_id=instance.task_id,
            )
            try:
                yield Build(project=project, settings=settings, warehouse=warehouse, run=run)
            finally:
                warehouse.close()
        except Customer360Error as error:
            if error.retry_helps:
                raise
            raise AirflowFailException(str(error)) from error


class EnsureTables(WarehouseOperator):
    """Creates the raw, quarantine and ops tables that are missing, and brings descriptions up to date."""

    ui_color = "#f3f3f3"

    def execute(self, context: Context) -> list[str]:
        with self.build(context) as build:
            created = build.ensure()
        self.log.info("%s", f"Created {', '.join(map(str, created))}" if created else "Every table exists")
        return [str(name) for name in created]


class LoadTable(WarehouseOperator):
    """Loads one source table's window into its raw partition, as its binding says, and the refused into quarantine."""

    ui_color = "#e7f6ec"

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table

    def execute(self, context: Context) -> None:
        from customer360.sources import load_bindings, load_table

        with self.build(context) as build:
            contract = build.project.contracts[TableName.parse(self.table)]
            bindings = load_bindings(build.settings.sources, build.project)
            load_table(
                bindings[contract.system].tables[contract.name.table],
                contract,
                run=build.run,
                warehouse=build.warehouse,
                settings=build.settings,
                connections=airflow_connection,
            )


class WriteModel(WarehouseOperator):
    """Builds one model into its candidate table. Nobody reads it before it is audited and published."""

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model

    def execute(self, context: Context) -> None:
        with self.build(context) as build:
            build.write(TableName.parse(self.model))


class AuditLayer(WarehouseOperator):
    """Runs the expectations of a layer's candidates. A critical one that does not hold fails the task at once."""

    ui_color = "#fdf3d8"

    def __init__(self, *, layer: str, models: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.models = list(models)

    def execute(self, context: Context) -> None:
        with self.build(context) as build:
            build.audit([TableName.parse(name) for name in self.models])


class PublishLayer(WarehouseOperator):
    """Puts a layer's audited candidates in place of what people read: all of them or, after an error, none."""

    ui_color = "#d9e8d4"

    def __init__(self, *, layer: str, models: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer
        self.models = list(models)

    def execute(self, context: Context) -> list[str]:
        with self.build(context) as build:
            published = build.publish([TableName.parse(name) for name in self.models])
        self.log.info("Published %s of %s tables of %s", len(published), len(self.models), self.layer)
        return [str(name) for name in published]
