"""What steps on the warehouse cost, as rows of ops.jobs."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal

import pyarrow as pa

from customer360.errors import BudgetError, Customer360Error
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.project.platform import JOBS
from customer360.warehouse.port import JobStats, RunInfo, Warehouse

log = logging.getLogger(__name__)


def jobs_row(
    run: RunInfo, operation: Literal["load", "write", "publish"], name: TableName, stats: JobStats
) -> pa.Table:
    """One row of ops.jobs."""
    row = {
        "run_id": run.run_id,
        "run_date": run.run_date,
        "dag_id": run.dag_id,
        "task_id": run.task_id or None,
        "operation": operation,
        "table_name": str(name),
        "row_count": stats.rows,
        "bytes_processed": stats.bytes_processed,
        "bytes_billed": stats.bytes_billed,
        "slot_ms": stats.slot_ms,
        "seconds": stats.seconds,
        "job_id": stats.job_id,
        "url": stats.url,
        "code_version": run.code_version,
        "finished_at": datetime.now(UTC),
    }
    return pa.Table.from_pylist([row], schema=JOBS.arrow_schema)


def note_costs(warehouse: Warehouse, *rows: pa.Table) -> None:
    """Append rows to ops.jobs. What is done is done, whether its cost can be noted or not: this raises nothing."""
    if not rows:
        return
    try:
        warehouse.append(JOBS, pa.concat_tables(rows))
    except Customer360Error as error:
        log.warning("%s is without %s row(s): %s", JOBS.name, len(rows), error)


def refuse_over_budget(spec: TableSpec, estimated: int, maximum_bytes: int) -> None:
    """BudgetError for a query that would read more than it may."""
    if estimated > maximum_bytes:
        raise BudgetError(
            f"{spec.name} would read {estimated:,} bytes, its budget is {maximum_bytes:,}:"
            " read fewer columns or partitions, or raise budget_bytes in model.yaml (or C360_BUDGET_BYTES)"
        )
