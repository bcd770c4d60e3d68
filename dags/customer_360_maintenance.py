"""
# Customer 360, maintenance

Airflow runs this every day at 18:00 UTC, long after the day's build. One task:

- `maintain` drops candidates and scratch tables of runs that never published them, lets snapshots, landed files and
  days of tables go that are past their time, deletes files that nothing refers to, and on the embedded warehouse merges
  small files and compacts the catalog. `C360_RETENTION_DAYS` says how long each is kept (`docs/maintenance.md`).

## On call

- **It may be cleared and run again at any time**, or be left out for weeks: the lake grows meanwhile, nothing else.
- **It needs no quiet hour**: nothing that is younger than 12 hours is touched, so runs and readers go on. On the
  embedded warehouse it takes the write lock step by step, and waits for a slot of the pool as all tasks do.
- **"the catalog was not compacted"** in its log: somebody was reading just then. The next day does it.
- **Something is gone that should not be**: raise its days in `C360_RETENTION_DAYS`, or say `never`. Raw tables,
  quarantine and history are never removed unless that setting names them.
- What it would do now: `c360 maintain --dry-run`.
"""

from customer360.orchestration.maintenance import maintenance_dag

dag = maintenance_dag(doc_md=__doc__)
