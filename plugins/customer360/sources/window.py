"""Which days a load of logical date D reads: what came after the latest earlier load, up to D."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from customer360.project.platform import LOADS
from customer360.settings import Parameter
from customer360.sources.bindings import TableBinding
from customer360.warehouse.port import RunInfo, Warehouse

log = logging.getLogger(__name__)

_EARLIER = """
SELECT
  MIN(loaded_date) AS earliest,
  MAX(IF(loaded_date < @run_date, loaded_date, NULL)) AS latest
FROM ops.loads
WHERE table_name = @table_name
"""


@dataclass(frozen=True)
class Window:
    """Days read, both included; `first` None is from the beginning. A snapshot reads whatever there is."""

    first: date | None
    last: date

    @property
    def after(self) -> date:
        """The first day past the window."""
        return self.last + timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        return day <= self.last and (self.first is None or day >= self.first)


def window(binding: TableBinding, run: RunInfo, warehouse: Warehouse) -> Window:
    """The window of one load. It depends on earlier dates only, so loading D again reads the same days again."""
    earliest, latest = _loaded_dates(binding, run, warehouse)
    if binding.load.mode == "snapshot":
        if earliest is not None and run.run_date < earliest:
            log.warning(
                "%s is a snapshot source and was first loaded for %s: %s gets the rows of today, not those of that day",
                binding.contract, earliest, run.run_date,
            )  # fmt: skip
        return Window(None, run.run_date)
    if latest is None:
        return Window(None, run.run_date)
    return Window(latest + timedelta(days=1 - binding.load.lookback_days), run.run_date)


def loaded_days(warehouse: Warehouse) -> dict[str, set[date]]:
    """The days that each raw table was loaded for, by its name."""
    found: dict[str, set[date]] = {}
    if warehouse.columns(LOADS.name) is not None:
        for row in warehouse.query("SELECT DISTINCT table_name, loaded_date FROM ops.loads").to_pylist():
            found.setdefault(row["table_name"], set()).add(row["loaded_date"])
    return found


def _loaded_dates(binding: TableBinding, run: RunInfo, warehouse: Warehouse) -> tuple[date | None, date | None]:
    if warehouse.columns(LOADS.name) is None:
        return None, None
    parameters = {
        "table_name": Parameter("STRING", str(binding.contract)),
        "run_date": Parameter("DATE", run.run_date),
    }
    row = warehouse.query(_EARLIER, parameters=parameters).to_pylist()[0]
    return row["earliest"], row["latest"]
