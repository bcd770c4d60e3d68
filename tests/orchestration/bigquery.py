"""One model on the contract server, as a task of its own would write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud_server import CloudServer, Entry

if TYPE_CHECKING:
    from customer360.orchestration.operators import WriteModel

MODEL = "staging.stg_finance__exchange_rates"
CANDIDATE = f"{MODEL}__candidate_20240630"


@dataclass
class Instance:
    """What operators ask of a task instance."""

    dag_id: str = "customer_360_daily"
    task_id: str = "staging.write"
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def context() -> Any:
    return {"run_id": "manual__test", "ti": Instance()}


def writing(entry: Entry) -> bool:
    """The job that writes the model, for faults to meet."""
    return entry.destination == CANDIDATE and not entry.dry_run


def write_step(**changes: Any) -> WriteModel:
    from customer360.orchestration.operators import WriteModel

    return WriteModel(task_id="write", model=MODEL, run_date="2024-06-30", **changes)


def started(server: CloudServer) -> list[str]:
    """Ids of the jobs that write the model, in order."""
    return [str(entry.job_id) for entry in server.sent("bigquery.jobs.insert") if writing(entry)]
