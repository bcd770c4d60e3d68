"""`python -m customer360.orchestration.warm scheduler …`: Airflow's command line, with what tasks need ready.

The local executor forks a process per task. What is imported, read or checked before the fork costs nothing after it:
about a second a task, and four for the audits; half a second for the project; a quarter for DuckDB's extensions. The
Dag processor forks too, for each look at a Dag file.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from contextlib import suppress

from customer360.errors import Customer360Error
from customer360.project import load_project
from customer360.settings import load_settings
from customer360.warehouse.duckdb_session import connect
from customer360.warehouse.lake import EXTENSIONS

PARSING = ("customer360.orchestration.daily", "customer360.sources")
TASKS = (
    "customer360.build",
    "customer360.warehouse.local",
    "pyarrow.dataset",
    "duckdb_engine",
    "great_expectations",
    "great_expectations.expectations.core",
)
TELLING = (
    "airflow.providers.openlineage.plugins.listener",
    "openlineage.client.facet_v2",
    "customer360.orchestration.openlineage",
)
ON_BIGQUERY = (
    "airflow.providers.google.cloud.hooks.bigquery",
    "airflow.providers.google.cloud.hooks.gcs",
    "customer360.warehouse.bigquery",
    "sqlalchemy_bigquery",
)


def main() -> None:
    """Import, then be `airflow`. What cannot be imported is left to the task that needs it, which can say so."""
    modules: tuple[str, ...] = PARSING
    settings = load_settings()
    with suppress(Customer360Error):  # the Dag's import says it, where people look
        load_project(settings.home)
    if sys.argv[1:2] == ["scheduler"]:
        modules += TASKS + (TELLING if settings.openlineage else ())
        modules += ON_BIGQUERY if settings.warehouse == "bigquery" else ()
        with suppress(Customer360Error):  # the tasks say it
            connect(*EXTENSIONS).close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            try:
                importlib.import_module(name)
            except ImportError as error:
                warnings.warn(f"{name} is not imported ahead: {error}", stacklevel=2)

    from airflow.__main__ import main as airflow

    airflow()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
