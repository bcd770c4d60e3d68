"""
# Customer 360, daily

Airflow runs this every night at 02:00 UTC for **D, the day that has just ended** (the date of the data interval's
start):

1. `ensure_tables` creates what is missing.
2. `load_<system>`: one task per source table, into its raw partition of D. Rows that cannot be used go to `quarantine`.
3. One group per layer (`staging`, `identity`, `core`, `marts`, `dashboards`): every table is *written* beside what
   people read, the layer is *audited*, then *published* as a whole.
4. `quality_page` writes `reports/quality.html` in the data folder, also of a day on which something failed.

## On call

- **An alert has come**: it names its section in `docs/runbook.md`. `docs/alerts.md` says what alerts there are.
- **Every task may be cleared and run again, at any time, with what follows it**: the same D gives the same tables.
- **An `audit` is red**: its log names table, expectation, column and sample keys. People still read yesterday's tables.
  Mend the source or the model, clear the tables' `write_…` (or `load_…`) *and downstream*.
- **A `load_…` is red**: its log says whether the source was out of reach (it retries by itself), changed its columns,
  or sent more unusable rows than its contract allows. Mend it there, clear it *and downstream*. The others are loaded.
- **A day is missing**: Trigger → Backfill, from that day to the day after it, one run at a time (`docs/backfill.md`).
  *Trigger* alone runs the last complete day. A day older than what is published is loaded and built but replaces no
  newer table; the next run has its rows.
- On BigQuery, a `load_…` or `write_…` links to its job (*Warehouse job*). One that is *deferred* waits for a long job
  without a worker. Clearing, marking or timing out a task cancels its job.
- What happened: `ops.runs`, `ops.data_quality`; in detail `ops.loads`, `ops.jobs`, `ops.published`; `c360 status`.
- What a table or column is made of, and what a change would reach: `c360 lineage`.
"""

from customer360.orchestration.daily import daily_dag
from customer360.orchestration.deployment import deployment
from customer360.sources import load_bindings

settings, project = deployment()

dag = daily_dag(
    project=project,
    settings=settings,
    bindings=load_bindings(settings.sources, project),
    doc_md=__doc__,
)
