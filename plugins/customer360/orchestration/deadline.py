"""From when a run's deadline counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk.definitions.deadline import BaseDeadlineReference, deadline_reference


@deadline_reference
class RunCreated(BaseDeadlineReference):
    """The moment in which the run is created, whatever day it is of: a backfilled day is not late because it is old.

    Not Airflow's own DAGRUN_QUEUED_AT: with it, Airflow 3.3 answers 500 when a run is cleared, which is what on-call
    does. A run that is cleared keeps the deadline that it has.
    """

    def _evaluate_with(self, *, session: Any, **_: Any) -> datetime:
        return datetime.now(UTC)

    def serialize_reference(self) -> dict[str, Any]:
        return {"reference_type": self.reference_name}

    @classmethod
    def deserialize_reference(cls, reference_data: dict[str, Any]) -> RunCreated:
        return cls()
