"""Where Airflow's connections become the package's own values, and where the warehouse of a deployment is opened."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.errors import SettingsError, SourceError
from customer360.orchestration.example import load_example
from customer360.project import Project
from customer360.settings import Settings, load_settings
from customer360.sources.connections import Connection, Kind
from customer360.warehouse import Warehouse

if TYPE_CHECKING:
    from airflow.sdk import Connection as AirflowConnection
    from google.cloud.storage import Client

    from customer360.sources.landing import Landing
    from customer360.warehouse.bigquery import BigQueryWarehouse

# Airflow's connection type → the kind of source that customer360.sources reads.
KINDS: dict[str | None, Kind] = {
    "mariadb": "mysql",
    "mysql": "mysql",
    "postgres": "postgres",
    "postgresql": "postgres",
    "sqlite": "sqlite",
}


def airflow_connection(conn_id: str) -> Connection:
    """The Airflow connection of this id, else the one that the folder of bindings itself names (example.yaml).

    Raises SourceError where there is none, one that cannot be read, or one of a type that sources are not read from.
    Its URI is in no message: a password is in it, and Python's errors about URIs and JSON quote parts of them.
    """
    settings = load_settings()
    _give_airflow_a_home(settings)
    from airflow.sdk import Connection as AirflowConnection
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

    try:
        return convert(AirflowConnection.get(conn_id))
    except AirflowNotFoundException:
        uri = load_example(settings).connections.get(conn_id)
    except (AirflowException, AttributeError, KeyError, TypeError, ValueError):
        raise _malformed(conn_id, f"set as AIRFLOW_CONN_{conn_id.upper()} or in Airflow's own store") from None
    if uri is None:
        if f"AIRFLOW_CONN_{conn_id.upper()}" in settings.environment:  # Airflow takes what it cannot read for nothing
            raise _malformed(conn_id, f"set as AIRFLOW_CONN_{conn_id.upper()}")
        raise SourceError(
            f"Airflow has no connection {conn_id!r}, and {settings.sources} names none; add it in Admin → Connections,"
            f" or set AIRFLOW_CONN_{conn_id.upper()} in the environment of the workers"
        )
    names = re.findall(r"\$\{(\w+)\}", uri)
    for name in names:
        settings.expand(f"${{{name}}}")  # a missing one is named, without the URI around it
    try:
        return convert(AirflowConnection.from_uri(settings.expand(uri), conn_id))
    except (AirflowException, AttributeError, KeyError, TypeError, ValueError):
        raise _malformed(conn_id, f"named in {settings.sources}") from None


def _malformed(conn_id: str, where: str) -> SourceError:
    return SourceError(
        f"connection {conn_id!r}, {where}, cannot be read: a URI has type, login, password, host, port and database,"
        " with what is special in login and password percent-encoded (%40 for @, %2F for /), or it is a JSON object"
    )


def convert(found: AirflowConnection) -> Connection:
    """An Airflow connection as the package's own. For SQLite the path of the file is the `database`."""
    kind = KINDS.get(found.conn_type)
    if kind is None:
        raise SourceError(
            f"connection {found.conn_id!r} is of type {found.conn_type!r}; sources are read from"
            f" {', '.join(sorted(set(KINDS.values())))} connections"
        )
    if found.extra and not found.extra_dejson and found.extra.strip() != "{}":
        raise SourceError(f"connection {found.conn_id!r}: its Extra is no JSON object")  # encryption is asked for there
    if kind == "mysql" and not found.schema:
        raise SourceError(f"connection {found.conn_id!r} names no database; write it into Schema")
    return Connection(
        kind=kind,
        host=found.host or "",
        port=found.port,
        login=found.login or "",
        password=found.password or "",
        database=_sqlite_file(found) if kind == "sqlite" else found.schema or "",
        extra=found.extra_dejson,
    )


def _sqlite_file(found: AirflowConnection) -> str:
    """`sqlite:////srv/crm.db` arrives in `schema` without its leading slash, a path typed into the form in `host`."""
    if found.host and found.host.startswith("/"):
        return found.host
    if found.schema:
        return "/" + found.schema.lstrip("/")
    raise SourceError(f"connection {found.conn_id!r} names no SQLite file; write its absolute path into Host")


def open_warehouse(settings: Settings, project: Project) -> Warehouse:
    """The deployment's warehouse; close it after use. BigQuery's client and credentials are Airflow's own."""
    if settings.warehouse == "bigquery":
        return open_bigquery(settings)
    from customer360.warehouse.local import LocalWarehouse

    settings.make_data_folder()
    return LocalWarehouse(
        settings.lake,
        schemas=project.schemas,
        memory_limit=settings.memory_limit,
        threads=settings.threads or None,
        lock_timeout=settings.lock_timeout,
    )


def open_bigquery(settings: Settings) -> BigQueryWarehouse:
    """BigQuery as the Google connection says: key, scopes, impersonation, quota project. Close it after use.

    Raises SettingsError where the connection is missing or gives neither credentials nor a project.
    """
    from customer360.warehouse.bigquery import BigQueryWarehouse

    with _google_errors(settings):
        from airflow.providers.google.cloud.hooks.bigquery import BigQueryHook

        hook = BigQueryHook(
            gcp_conn_id=settings.google_connection, location=settings.google_location, use_legacy_sql=False
        )
        if not (project_id := settings.google_project or hook.project_id):
            raise SettingsError(
                f"no Google project: set C360_GOOGLE_PROJECT or the project of {settings.google_connection!r}"
            )
        client = hook.get_client(project_id=project_id, location=settings.google_location)
    return BigQueryWarehouse(
        client,
        location=settings.google_location,
        policy_tag=settings.google_policy_tag or None,
        budget_bytes=settings.budget_bytes or None,
    )


def open_landing(settings: Settings) -> Landing:
    """The landing zone: a bucket (gs://bucket/prefix) through the same Google connection, or a folder.

    Raises SettingsError as `open_bigquery` does.
    """
    from customer360.sources.landing import BucketLanding, FolderLanding

    zone = settings.landing_zone
    if not zone.startswith("gs://"):
        return FolderLanding(Path(zone))
    bucket, _, prefix = zone.removeprefix("gs://").partition("/")
    return BucketLanding(open_storage(settings), bucket, prefix.strip("/"))


def open_storage(settings: Settings) -> Client:
    """The client of the Google connection that reads files in gs://. Raises SettingsError as `open_bigquery` does."""
    with _google_errors(settings):
        from airflow.providers.google.cloud.hooks.gcs import GCSHook

        return GCSHook(gcp_conn_id=settings.google_connection).get_conn()


@contextmanager
def _google_errors(settings: Settings) -> Iterator[None]:
    """What Airflow and Google say of a connection that cannot be used, as what to do about it."""
    _give_airflow_a_home(settings)
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
    from google.auth.exceptions import DefaultCredentialsError

    name = settings.google_connection
    try:
        yield
    except AirflowNotFoundException:
        raise SettingsError(
            f"Airflow has no connection {name!r}; add one of type Google Cloud in Admin → Connections, or set"
            f" AIRFLOW_CONN_{name.upper()} (google-cloud-platform:// takes the machine's own credentials)"
        ) from None
    except (AirflowException, DefaultCredentialsError, FileNotFoundError, PermissionError, ValueError) as error:
        raise SettingsError(f"connection {name!r} gives no credentials for Google: {error}") from error


def _give_airflow_a_home(settings: Settings) -> None:
    """From the command line Airflow is not set up: it would write its configuration into ~/airflow."""
    if "airflow" not in sys.modules and "AIRFLOW_HOME" not in os.environ:
        settings.make_data_folder()  # Airflow would make it readable by everybody
        os.environ["AIRFLOW_HOME"] = str(settings.data / "airflow")
        # Airflow logs to standard output, where the command's own answer goes.
        os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
