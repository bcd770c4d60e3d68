"""The weekly Dag: what scores are made from."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from customer360.orchestration.daily import DEFAULT_ARGS, START
from customer360.orchestration.notifier import RunEnded
from customer360.orchestration.operators import FitScores

# The Sunday that ends the interval from Monday to Monday.
LAST_DAY = "{{ (data_interval_end - macros.timedelta(days=1)) | ds }}"


def weekly_dag(*, doc_md: str | None) -> DAG:
    """The Dag `customer_360_weekly`."""
    with DAG(
        dag_id="customer_360_weekly",
        description="Fits the models that scores are made from, and checks how right the last 90 days prove them.",
        doc_md=doc_md,
        schedule=CronDataIntervalTimetable("0 4 * * 1", timezone="UTC"),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=6),
        on_failure_callback=RunEnded(),
        default_args=DEFAULT_ARGS,
        tags=["customer360", "weekly"],
    ) as dag:
        FitScores(
            task_id="fit_scores",
            run_date=LAST_DAY,
            doc_md="Fits BG/NBD and Gamma-Gamma to everybody's purchases, keeps parameters, likelihood and diagnostics"
            " in `ops.model_fits`, and compares what a fit without the last 90 days expected of them with what came"
            " (`ops.model_quality`). Off by more than 20 %: a warning in the log.",
        )
    return dag
