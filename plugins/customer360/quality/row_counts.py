"""Whether a table has about as many rows as its latest runs lead to expect. Warnings, recorded with the audit.

The band is median ± reach, where reach is the largest of: BREADTH robust standard deviations (1.4826 times the median
absolute deviation), a share of the median, and a few rows. A table that grows a little every day stays within it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from customer360.project.names import TableName
from customer360.project.platform import PUBLISHED
from customer360.quality.report import Result
from customer360.settings import Parameter
from customer360.warehouse import Warehouse
from customer360.warehouse.port import RunInfo

ROW_COUNT = "row_count_band"
RUNS = 28  # days looked back at
FEWEST = 7  # with fewer there is no band
BREADTH = 5.0
SHARE = 0.2
ROWS = 5.0

# One row per table that has been published on enough earlier days. The median is the middle value, or of two the mean.
BANDS = """
WITH days AS (
  SELECT table_name, run_date, row_count
  FROM ops.published
  WHERE run_date < @run_date AND row_count IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, run_date ORDER BY published_at DESC, run_id DESC) = 1
),
latest AS (
  SELECT table_name, row_count
  FROM days
  QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY run_date DESC) <= @runs
),
counts AS (
  SELECT
    table_name, row_count,
    ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY row_count) AS position,
    COUNT(*) OVER (PARTITION BY table_name) AS runs
  FROM latest
),
medians AS (
  SELECT table_name, AVG(row_count) AS median
  FROM counts
  WHERE 2 * position BETWEEN runs AND runs + 2
  GROUP BY table_name
),
deviations AS (
  SELECT counts.table_name, counts.runs, medians.median, ABS(counts.row_count - medians.median) AS deviation
  FROM counts
  INNER JOIN medians ON counts.table_name = medians.table_name
),
ranked AS (
  SELECT
    table_name, runs, median, deviation,
    ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY deviation) AS position
  FROM deviations
),
spreads AS (
  SELECT table_name, runs, median, AVG(deviation) AS spread
  FROM ranked
  WHERE 2 * position BETWEEN runs AND runs + 2
  GROUP BY table_name, runs, median
),
reaches AS (
  SELECT
    table_name, runs, median, GREATEST(@breadth * 1.4826 * spread, @share * median, @least) AS reach
  FROM spreads
)
SELECT table_name, runs, median, GREATEST(median - reach, 0.0) AS low, median + reach AS high
FROM reaches
WHERE runs >= @fewest
"""


def bands(warehouse: Warehouse, run: RunInfo) -> dict[str, dict[str, float]]:
    """Table → runs, median, low and high, for the tables that have been published on FEWEST days before this one."""
    parameters = {
        "run_date": Parameter("DATE", run.run_date),
        "runs": Parameter("INT64", RUNS),
        "fewest": Parameter("INT64", FEWEST),
        "breadth": Parameter("FLOAT64", BREADTH),
        "share": Parameter("FLOAT64", SHARE),
        "least": Parameter("FLOAT64", ROWS),
    }
    found = warehouse.query(BANDS, parameters=parameters).to_pylist()
    return {row.pop("table_name"): row for row in found}


def judge_row_counts(warehouse: Warehouse, run: RunInfo, rows: Mapping[TableName, int]) -> list[Result]:
    """One result for each of these tables (published name → rows about to be published) that has a band."""
    if warehouse.columns(PUBLISHED.name) is None:
        return []
    known = bands(warehouse, run)
    return [_result(name, count, known[str(name)]) for name, count in rows.items() if str(name) in known]


def _result(name: TableName, count: int, band: Mapping[str, float]) -> Result:
    low, high = band["low"], band["high"]
    return Result(
        table=name,
        expectation=ROW_COUNT,
        columns=(),
        description=f"about as many rows as the last {RUNS} days lead to expect",
        severity="warning",
        success=low <= count <= high,
        rows_checked=count,
        observed=json.dumps({"rows": count, "low": round(low, 1), "high": round(high, 1), "days": band["runs"]}),
    )
