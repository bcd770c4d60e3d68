"""Links on a task in Airflow's UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class WarehouseJobLink(BaseOperatorLink):
    """The page of the job that a step runs in the warehouse: the operator's `job_url`.

    Airflow keeps a link under its key among the task's XComs and shows it from there. So it needs no entry in a plugin,
    which would have Airflow call this class in the API server instead, where no task has run.
    """

    @property
    def name(self) -> str:
        return "Warehouse job"

    @property
    def xcom_key(self) -> str:
        return "warehouse_job"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Called in the task's own process when it ends or defers. Empty is no link: the UI leaves it out."""
        return getattr(operator, "job_url", None) or ""
