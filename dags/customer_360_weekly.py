"""
# Customer 360, weekly

Airflow runs this every Monday at 04:00 UTC, for **D, the Sunday that has just ended**. One task:

- `fit_scores` fits the models of who will buy again (BG/NBD) and for how much (Gamma-Gamma) to all purchases until D
  and keeps the fit in `ops.model_fits`. The builds of the following days score people with it. Then it fits without the
  last 90 days and compares what that expected of them with what came: `ops.model_quality`.

## On call

- **It may be cleared and run again at any time**: the latest fit of a day counts. A week without it costs nothing: a
  daily build whose latest fit is older than a week fits by itself.
- **A warning in its log**: predicted and actual purchases of the last 90 days differ by more than 20 %.
  `docs/scores.md`, *When the calibration warns*, says what to look at.
- **"no fit … a fit takes 100"**: too few people have bought twice. Scores stay as the fit before gave them, or NULL.
- **"is not published yet"**: the daily Dag has never run. Run it first.
- It fits on what is published. Where the daily build of D is late, the fit is as of the day before.
"""

from customer360.orchestration.weekly import weekly_dag

dag = weekly_dag(doc_md=__doc__)
