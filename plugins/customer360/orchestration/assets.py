"""The tables that runs publish, as Airflow assets: what other Dags listen to."""

from __future__ import annotations

from functools import cache

from airflow.sdk import Asset

from customer360.project import TableName
from customer360.settings import Settings


def table_asset(name: TableName, settings: Settings) -> Asset:
    """The asset of a table. Its name is the table's on every engine; its address is BigQuery's where it lives there."""
    if settings.warehouse == "bigquery" and settings.google_project:
        return _asset(str(name), f"bigquery://{settings.google_project}/{name.dataset}/{name.table}")
    return _asset(str(name), f"x-c360://{name.dataset}/{name.table}")


@cache
def _asset(name: str, uri: str) -> Asset:
    return Asset(name=name, uri=uri, group="customer360")
