"""Google's documented limits against what a day of this project does, and tables that would expire."""

from __future__ import annotations

from customer360.doctor.checks import Check, Finding, passed, skipped, warned
from customer360.doctor.patient import Patient

# https://cloud.google.com/bigquery/quotas: load, copy and query jobs that change one table that has no partitions, in
# a day; load and copy jobs of a project in a day. Retries count too.
TABLE_CHANGES = 1_500
PROJECT_JOBS = 100_000


def checks(patient: Patient) -> list[Check]:
    return [
        patient.check("Limits", "limits per day", _daily),
        patient.check("Limits", "expiration", _expiration, "bigquery.datasets.get"),
    ]


def _daily(patient: Patient) -> Finding:
    """A load makes four load jobs: rows, refused rows, ops.loads and ops.jobs; a model a query, a copy and two lines of
    ops.jobs; a layer lines of ops.published and ops.data_quality."""
    contracts = len(patient.project.contracts)
    models = sum(model.materialized == "table" for model in patient.project.models.values())
    layers = len(patient.project.graph.layers())
    busiest = contracts + models + layers  # ops.jobs: a line per load and write, one append per layer's publish
    loads, copies = 4 * contracts + models + 3 * layers, models
    detail = (
        f"a day's run is about {loads} load, {models} query and {copies} copy jobs of {PROJECT_JOBS:,} each;"
        f" ops.jobs changes {busiest} times of {TABLE_CHANGES:,}"
    )
    days = TABLE_CHANGES // max(1, busiest)
    if days < 1:
        return warned(detail, "One table changes more often a day than BigQuery takes: split the project in two.")
    return passed(f"{detail}: a backfill of up to {days} days in one day, one after the other")


def _expiration(patient: Patient) -> Finding:
    if not patient.existing:
        return skipped("there is no dataset yet")
    days: dict[str, float] = {}
    for name, dataset in patient.existing.items():
        shortest = [ms for ms in (dataset.default_table_expiration_ms, dataset.default_partition_expiration_ms) if ms]
        if shortest:
            days[name] = min(shortest) / 86_400_000
    if not days:
        return passed("no dataset lets its tables expire")
    what = ", ".join(f"{name} after {each:.0f} days" for name, each in days.items())
    sandbox = any(round(each) == 60 for each in days.values())
    return warned(
        f"tables expire: {what}",
        ("60 days is the mark of BigQuery's sandbox: link a billing account to the project first. " if sandbox else "")
        + "A table or partition that a run creates there vanishes by itself. Remove the default, and of tables that"
        " are there already theirs:",
        *(
            f"bq update --default_table_expiration=0 --default_partition_expiration=0 {patient.google_project}:{name}"
            for name in days
        ),
    )
