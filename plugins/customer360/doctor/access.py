"""From the settings to a request that BigQuery answers: network, clock, connection, credentials, API."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

from customer360.doctor.checks import Check, Finding, failed, passed, skipped, warned
from customer360.doctor.patient import Patient
from customer360.errors import SettingsError, WarehouseUnavailableError

_HOST = "https://bigquery.googleapis.com"
_TIMEOUT = 10.0
_CLOCK_WARNING, _CLOCK_FAILURE = 60.0, 300.0  # seconds; Google refuses assertions that are some minutes off


def checks(patient: Patient) -> list[Check]:
    group = "Access"
    return [
        patient.check(group, "settings", _settings),
        patient.check(group, "network", _network),
        patient.check(group, "clock", _clock, "network"),
        patient.check(group, "connection", _connection, "settings"),
        patient.check(group, "credentials", _credentials, "network", "connection"),
        patient.check(group, "BigQuery API", _api, "credentials"),
    ]


def _settings(patient: Patient) -> Finding:
    settings = patient.settings
    zone = settings.landing_zone
    where = f"project {settings.google_project or 'of the connection'}, location {settings.google_location}"
    if "://" in zone and not patient.bucket:
        return failed(
            f"{where}; C360_LANDING is {zone!r}",
            "Extracts land in a bucket of Cloud Storage, gs://bucket or gs://bucket/prefix, or in a folder.",
            f"export C360_LANDING=gs://{patient.google_project}-c360-landing",
        )
    if not patient.bucket:
        return warned(
            f"{where}; extracts land in the folder {zone}",
            "Each load writes its extract to the disk of the worker that does it and uploads it from there: fine on one"
            " machine. With several workers, or to keep extracts, let them land in a bucket:",
            f"export C360_LANDING=gs://{patient.google_project}-c360-landing",
        )
    return passed(f"{where}; extracts land in {zone}")


def _network(patient: Patient) -> Finding:
    """Without credentials: any answer will do, and it brings the server's time."""
    import requests

    host = patient.settings.environment.get("BIGQUERY_EMULATOR_HOST") or _HOST
    url = f"{host}/bigquery/v2/projects/{patient.google_project}/datasets"
    try:
        answer = requests.get(url, params={"maxResults": "1"}, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise WarehouseUnavailableError(f"{host} does not answer: {error}") from error
    if date := answer.headers.get("Date"):
        patient.server_time = parsedate_to_datetime(date)
    if host != _HOST:
        return warned(
            f"{host} answers",
            "BIGQUERY_EMULATOR_HOST is set: what follows is not about Google's own service.",
            "unset BIGQUERY_EMULATOR_HOST STORAGE_EMULATOR_HOST",
        )
    return passed(f"{host} answers")


def _clock(patient: Patient) -> Finding:
    if patient.server_time is None:
        return skipped("the answer did not say what time it is")
    # The header has whole seconds.
    off = (patient.now() - patient.server_time).total_seconds()
    detail = f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Google's" if abs(off) >= 2 else "agrees"
    text = (
        "A token is asked for with the time of this machine, and one that is some minutes off is refused"
        " (“invalid_grant”). Let the machine keep its time by itself:"
    )
    if abs(off) > _CLOCK_FAILURE:
        return failed(detail, text, "sudo timedatectl set-ntp true")
    if abs(off) > _CLOCK_WARNING:
        return warned(detail, text, "sudo timedatectl set-ntp true")
    return passed(detail)


def _connection(patient: Patient) -> Finding:
    """The very client of the pipeline."""
    name = patient.settings.google_connection
    try:
        patient.opened = patient.open_warehouse(patient.settings)
        if patient.bucket:
            patient.landing = patient.open_landing(patient.settings)
    except SettingsError as error:
        return failed(
            str(error),
            "On a machine of Google's, or after `gcloud auth application-default login`, the machine's own credentials"
            " will do; elsewhere name a service account's key file. docs/bigquery.md has all four ways.",
            f"export AIRFLOW_CONN_{name.upper()}='google-cloud-platform://'",
            f"export AIRFLOW_CONN_{name.upper()}='google-cloud-platform://?key_path=/path/to/key.json'",
        )
    return passed(f"{name}, for project {patient.client.project}")


def _credentials(patient: Patient) -> Finding:
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import Request

    credentials: Any = patient.client._credentials  # the client has no public name for them
    if isinstance(credentials, AnonymousCredentials):
        return warned(
            "anonymous: no token is sent",
            "This is for tests. On a real deployment leave `is_anonymous` out of the connection"
            f" {patient.settings.google_connection!r}: a key file, or nothing to take the machine's own credentials.",
        )
    with patient.asking("get a token"):
        credentials.refresh(Request())
    account = getattr(credentials, "service_account_email", None) or getattr(credentials, "account", None)
    if account:
        kind = "serviceAccount" if hasattr(credentials, "service_account_email") else "user"
        patient.member = f"{kind}:{account}"
    scopes = ", ".join(str(scope).rpartition("/")[2] for scope in getattr(credentials, "scopes", None) or ())
    how = " (impersonated)" if "impersonated" in type(credentials).__module__ else ""
    return passed(f"{account or 'a user'}{how}, scopes: {scopes or 'as the account has them'}")


def _api(patient: Patient) -> Finding:
    """The smallest request. Who may not list datasets may still use some: that is for the permissions to say."""
    from google.api_core.exceptions import Forbidden
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    retry = DEFAULT_RETRY.with_timeout(20.0)
    with patient.asking("list datasets"):
        try:
            next(iter(patient.client.list_datasets(max_results=1, retry=retry, timeout=_TIMEOUT)), None)
        except Forbidden as error:
            first: dict[str, Any] = error.errors[0] if error.errors else {}
            if first.get("reason") != "accessDenied":
                raise
            return passed("switched on; datasets may not be listed, which nothing needs")
    return passed("switched on")
