"""The maintenance Dag: keeping house, every day."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from customer360.orchestration.daily import DEFAULT_ARGS, START
from customer360.orchestration.notifier import RunEnded
from customer360.orchestration.operators import Maintain


def maintenance_dag(*, doc_md: str | None) -> DAG:
    """The Dag `customer_360_maintenance`."""
    with DAG(
        dag_id="customer_360_maintenance",
        description="Removes what is past its time, and tidies the warehouse.",
        doc_md=doc_md,
        schedule=CronDataIntervalTimetable("0 18 * * *", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=6),
        on_failure_callback=RunEnded(),
        default_args=DEFAULT_ARGS,
        tags=["customer360", "maintenance"],
    ) as dag:
        Maintain(
            task_id="maintain",
            doc_md="Removes what `C360_RETENTION_DAYS` lets go: candidates of dead runs, snapshots, landed files, days"
            " of tables that it names; deletes files that nothing refers to, merges small ones.",
        )
    return dag
