"""The daily Dag: load every bound source, then build, audit and publish layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, TaskGroup
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert

from customer360.orchestration.assets import table_asset
from customer360.orchestration.deadline import RunCreated
from customer360.orchestration.notifier import RunEnded, TaskFailed, run_missed_deadline
from customer360.orchestration.operators import (
    AuditLayer,
    EnsureTables,
    LoadTable,
    PublishLayer,
    WarehouseOperator,
    WriteModel,
    WriteQualityPage,
)
from customer360.project import Contract, Model, Project, TableName
from customer360.settings import Settings
from customer360.sources import SystemBinding

# One slot on the embedded warehouse, which has one writer; as many as the reservation likes on BigQuery.
POOL = "warehouse"

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "data-platform",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "execution_timeout": timedelta(seconds=3600),
    "pool": POOL,
    "on_failure_callback": TaskFailed(),
}


# Days before this have no runs.
START = datetime(2010, 1, 1, tzinfo=UTC)


def daily_dag(
    *, project: Project, settings: Settings, bindings: Mapping[str, SystemBinding], doc_md: str | None
) -> DAG:
    """The Dag `customer_360_daily`, for the source tables that this deployment binds and every daily model."""
    with DAG(
        dag_id="customer_360_daily",
        description="Loads every source, then builds, audits and publishes the customer 360, layer by layer.",
        doc_md=doc_md,
        # Named, because a bare cron string has no interval: D is the day on which the interval starts.
        schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=12),
        on_failure_callback=RunEnded(),
        deadline=_deadline(settings),
        default_args={**DEFAULT_ARGS, "deferrable": settings.deferrable},
        tags=["customer360", "daily"],
    ) as dag:
        ensure = EnsureTables(
            task_id="ensure_tables", doc_md="Creates the raw, quarantine and ops tables that are missing."
        )
        loads = _loads(project, settings, bindings, ensure)
        layers = _layers(project, settings, ensure, loads)
        _quality_page([*loads.values(), *layers.values()])
    return dag


def _deadline(settings: Settings) -> DeadlineAlert | None:
    """When the run should have ended, counted from when it was created.

    The callback runs on the executor: a triggerer is not needed.
    """
    if not settings.deadline_hours:
        return None
    return DeadlineAlert(
        reference=RunCreated(),
        interval=timedelta(hours=settings.deadline_hours),
        callback=SyncCallback(run_missed_deadline),
        name="the daily run has ended",
    )


def _loads(
    project: Project, settings: Settings, bindings: Mapping[str, SystemBinding], ensure: EnsureTables
) -> dict[TableName, LoadTable]:
    """One group per source system, one task per bound table."""
    loads: dict[TableName, LoadTable] = {}
    for system, bound in bindings.items():
        with TaskGroup(f"load_{system}", tooltip=bound.description):
            for table, binding in bound.tables.items():
                contract = project.contracts[binding.contract]
                loads[contract.name] = LoadTable(
                    task_id=table,
                    table=str(contract.name),
                    owner=contract.owner,
                    doc_md=f"Reads `{binding.place}` ({binding.load.mode}).\n\n{_manual(contract)}",
                    outlets=[table_asset(contract.name, settings)],
                )
                ensure >> loads[contract.name]
    return loads


def _layers(
    project: Project, settings: Settings, ensure: EnsureTables, loads: Mapping[TableName, LoadTable]
) -> dict[str, PublishLayer]:
    """One group per layer. Writes follow what they read: loads, writes of their layer, publishes of earlier ones."""
    published: dict[str, PublishLayer] = {}
    daily = [name for name in project.graph.order if project.models[name].schedule == "daily"]
    for layer, names in project.graph.layers(daily).items():
        with TaskGroup(layer, tooltip=f"Writes, audits and publishes the tables of {layer}"):
            writes: dict[TableName, WriteModel] = {}
            for name in project.graph.steps(names):
                model, together = project.models[name], project.graph.together(name)
                write = WriteModel(
                    task_id=f"write_{model.built_by or name.table}",
                    model=str(name),
                    owner=model.owner,
                    doc_md="\n".join(_manual(project.models[each]) for each in together),
                )
                writes |= dict.fromkeys(together, write)
                for upstream in _upstream(model, ensure, loads, writes, published):
                    upstream >> write
            published[layer] = _audit_and_publish(layer, names, settings, dict.fromkeys(writes.values()))
    return published


def _quality_page(before: Sequence[WarehouseOperator]) -> None:
    """The page at the end, also of a day on which something failed. A teardown: it runs once all before it have ended,
    and does not decide whether the run has succeeded, which an ordinary last task would."""
    page = WriteQualityPage(
        task_id="quality_page",
        doc_md="Writes `reports/quality.html` in the data folder: expectations with their history, refused rows by"
        " reason, freshness of sources, unusual row counts. Also where something before it failed.",
    ).as_teardown()
    list(before) >> page


def _audit_and_publish(
    layer: str, names: Sequence[TableName], settings: Settings, writes: Iterable[WriteModel]
) -> PublishLayer:
    models = [str(name) for name in names]
    audit = AuditLayer(
        task_id="audit",
        layer=layer,
        models=models,
        doc_md=f"Runs the expectations of what was just written for **{layer}**, before anybody reads it."
        " A critical one that does not hold stops the run here; what people read stays as it was.",
    )
    publish = PublishLayer(
        task_id="publish",
        layer=layer,
        models=models,
        doc_md=f"Puts the audited tables of **{layer}** in place of what people read.",
        outlets=[table_asset(name, settings) for name in names],
    )
    list(writes) >> audit >> publish
    return publish


def _upstream(
    model: Model,
    ensure: EnsureTables,
    loads: Mapping[TableName, WarehouseOperator],
    writes: Mapping[TableName, WarehouseOperator],
    published: Mapping[str, WarehouseOperator],
) -> list[WarehouseOperator]:
    """The tasks that this model waits for, by what its SQL reads. A table without a binding is there, and empty."""
    upstream: dict[str, WarehouseOperator] = {}
    for name in (reference.name for reference in model.references):
        task = writes.get(name) or loads.get(name) or published.get(name.dataset, ensure)
        upstream[task.task_id] = task
    return list(upstream.values()) or [ensure]


def _manual(table: Model | Contract) -> str:
    """What the UI shows beside a task."""
    rows = "\n".join(f"| `{c.name}` | {c.type} | {c.description} |" for c in table.columns)
    return f"**{table.name}** — {table.spec.description}\n\n| Column | Type | What it is |\n|---|---|---|\n{rows}\n"
