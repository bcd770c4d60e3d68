"""Airflow's connections, and those that a folder of bindings names itself."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cloud_server import CloudServer

from customer360.errors import SettingsError, SourceError
from customer360.orchestration.connections import (
    airflow_connection,
    open_bigquery,
    open_landing,
    open_storage,
    open_warehouse,
)
from customer360.orchestration.deployment import deployment
from customer360.orchestration.example import settings_of
from customer360.project import TableName
from customer360.settings import load_settings
from customer360.warehouse.bigquery import BigQueryWarehouse

SCOPES = ["https://www.googleapis.com/auth/bigquery", "https://www.googleapis.com/auth/devstorage.read_write"]


def test_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "postgres://reader:s%40fe@db.example:5433/shop?sslmode=require"
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", uri)
    found = airflow_connection("crm_db")
    assert (found.kind, found.host, found.port, found.database) == ("postgres", "db.example", 5433, "shop")
    assert (found.login, found.password, found.extra) == ("reader", "s@fe", {"sslmode": "require"})
    assert "s@fe" not in repr(found)


@pytest.mark.parametrize("value", ["sqlite:////srv/crm.sqlite", '{"conn_type": "sqlite", "host": "/srv/crm.sqlite"}'])
def test_sqlite_is_a_file(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", value)
    found = airflow_connection("crm_db")
    assert (found.kind, found.database) == ("sqlite", "/srv/crm.sqlite")


def test_a_sqlite_connection_without_a_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", "sqlite://")
    with pytest.raises(SourceError, match="names no SQLite file"):
        airflow_connection("crm_db")


def test_another_type_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", "oracle://db.example/shop")
    with pytest.raises(SourceError, match=r"'crm_db' is of type 'oracle'.*postgres, sqlite"):
        airflow_connection("crm_db")


def test_the_sample_shop_names_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("C360_SHOP", str(tmp_path))
    assert airflow_connection("shop_crm").database == f"{tmp_path}/crm.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_CRM", "sqlite:////elsewhere.sqlite")
    assert airflow_connection("shop_crm").database == "/elsewhere.sqlite"


def test_a_missing_connection_says_where_to_add_it() -> None:
    with pytest.raises(SourceError, match=r"no connection 'nowhere'.*AIRFLOW_CONN_NOWHERE"):
        airflow_connection("nowhere")


def test_an_example_brings_its_settings_and_its_own_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("C360_DATA", raising=False)
    monkeypatch.delenv("ONLINE_RETAIL_FILE", raising=False)
    settings, example = settings_of("examples/online_retail")
    assert settings.reporting_currency == "GBP"
    assert settings.data.name == "online_retail"
    assert str(example.run_date) == "2011-12-09"
    with pytest.raises(SettingsError, match="needs ONLINE_RETAIL_FILE"):
        example.check(settings)
    monkeypatch.setenv("C360_REPORTING_CURRENCY", "EUR")
    assert settings_of("examples/online_retail")[0].reporting_currency == "EUR"
    assert settings_of()[0].data.name == ".c360"


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudServer]:
    """A server that answers only those who bring a token of its own."""
    with CloudServer(tmp_path, require_token=True) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def google(monkeypatch: pytest.MonkeyPatch, **extra: Any) -> None:
    """The Google connection, with these fields."""
    connection = {"conn_type": "google_cloud_platform", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))


def test_the_google_connections_key_and_scopes_are_what_bigquery_is_asked_with(
    guarded: CloudServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    google(monkeypatch, key_path=str(guarded.credentials_file), scope=", ".join(SCOPES))
    warehouse = open_warehouse(*deployment())
    assert isinstance(warehouse, BigQueryWarehouse)
    try:
        assert warehouse.columns(TableName("ops", "loads")) is None
        assert warehouse.client._credentials.scopes == SCOPES
        guarded.expire_tokens()
        assert warehouse.columns(TableName("ops", "loads")) is None  # with a new one
    finally:
        warehouse.close()


def test_the_landing_bucket_is_reached_through_the_same_connection(
    guarded: CloudServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    google(monkeypatch, key_path=str(guarded.credentials_file), scope=", ".join(SCOPES))
    guarded.add_bucket("landing")
    landing = open_landing(load_settings({"C360_WAREHOUSE": "bigquery", "C360_LANDING": "gs://landing/raw/"}))
    file = tmp_path / "orders.parquet"
    file.write_bytes(b"PAR1")
    landing.place(file, "gs://landing/raw/orders.parquet")
    assert guarded.objects == {("landing", "raw/orders.parquet"): b"PAR1"}


def test_a_landing_folder_needs_no_google(tmp_path: Path) -> None:
    landing = open_landing(load_settings({"C360_DATA": str(tmp_path)}))
    assert str(tmp_path / "landing") in landing.address(TableName("raw_crm", "x"), date(2024, 6, 30), "batch")


def test_impersonation_is_the_connections(guarded: CloudServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.impersonated_credentials import Credentials

    chain = "hop@p.iam.gserviceaccount.com, runner@p.iam.gserviceaccount.com"
    google(monkeypatch, key_path=str(guarded.credentials_file), scope=", ".join(SCOPES), impersonation_chain=chain)
    warehouse = open_bigquery(load_settings())
    found = warehouse.client._credentials
    warehouse.close()
    assert isinstance(found, Credentials)  # Google's own service makes its tokens, so none is asked for here
    assert found.service_account_email == "runner@p.iam.gserviceaccount.com"
    assert found._delegates == ["hop@p.iam.gserviceaccount.com"]
    assert found._target_scopes == SCOPES
    assert warehouse.client.project == "test-project"  # C360_GOOGLE_PROJECT, not the service account's


def test_the_connections_project_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    google(monkeypatch, is_anonymous=True, project="of-connection")
    assert open_bigquery(load_settings({})).client.project == "of-connection"
    assert open_bigquery(load_settings({"C360_GOOGLE_PROJECT": "of-settings"})).client.project == "of-settings"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"is_anonymous": True}, "no Google project: set C360_GOOGLE_PROJECT"),
        ({"key_path": "/nowhere/key.json"}, r"'google_cloud_default' gives no credentials.*/nowhere/key\.json"),
        ({"keyfile_dict": "{"}, r"'google_cloud_default' gives no credentials.*Invalid key JSON"),
        ({"keyfile_dict": {"private_key": "x"}}, r"'google_cloud_default' gives no credentials"),
    ],
)
def test_a_google_connection_that_cannot_be_used_says_why(
    extra: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    google(monkeypatch, **extra)
    with pytest.raises(SettingsError, match=said):
        open_bigquery(load_settings({}))


def test_a_missing_google_connection_says_how_to_make_one() -> None:
    with pytest.raises(SettingsError, match=r"no connection 'elsewhere'.*AIRFLOW_CONN_ELSEWHERE"):
        open_bigquery(load_settings({"C360_GOOGLE_CONNECTION": "elsewhere"}))


@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_mysql_and_mariadb(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", f"{kind}://reader:s%40fe@db.example/shop?ssl_mode=required")
    found = airflow_connection("crm_db")
    assert (found.kind, found.host, found.port, found.database) == ("mysql", "db.example", None, "shop")
    assert (found.login, found.password, found.extra) == ("reader", "s@fe", {"ssl_mode": "required"})


def test_a_mysql_connection_without_a_database_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", "mysql://reader:s3cret@db.example")
    with pytest.raises(SourceError, match="names no database"):
        airflow_connection("crm_db")


@pytest.mark.parametrize(
    "value",
    [
        "postgres://me:Gehe/im-4711@db.example/shop",  # what follows the slash would be a port
        "postgres://me:Geheim#-4711@db.example/shop",
        "postgres://me:Geheim-4711@db.example:port/shop",
        "mysql://me:[Geheim-4711@db.example/shop",
        "mysql://me:Geheim-4711@db.example",
        "oracle://me:Geheim-4711@db.example/shop",
        "Geheim-4711",
        '{"conn_type": "postgres", "password": "Geheim-4711"',
        '{"conn_type": "postgres", "password": "Geheim-4711", "port": "Geheim-4711"}',
        '{"conn_type": "postgres", "password": "x", "extra": "{Geheim-4711"}',
        '["Geheim-4711"]',
    ],
)
def test_a_connection_that_cannot_be_read_keeps_its_secret(
    value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM_DB", value)
    with caplog.at_level("DEBUG"), pytest.raises(SourceError, match="crm_db") as caught:
        airflow_connection("crm_db")
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(capfd.readouterr())
    for part in ("Gehe", "im-4711"):
        assert part not in shown
    assert "Airflow has no connection" not in str(caught.value)


@pytest.mark.parametrize("uri", ["postgres://me:Geheim-4711@${NO_SUCH_HOST}/shop", "mysql://me:Geheim/-4711@db/shop"])
def test_a_connection_beside_the_bindings_keeps_its_secret(
    uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "example.yaml").write_text(json.dumps({"connections": {"crm_db": uri}}))
    monkeypatch.setenv("C360_SOURCES", str(tmp_path))
    with pytest.raises((SourceError, SettingsError)) as caught:
        airflow_connection("crm_db")
    shown = "".join(traceback.format_exception(caught.value))
    assert "4711" not in shown and "Geheim" not in shown
    assert "NO_SUCH_HOST" in shown or "percent-encoded" in shown


def test_a_google_key_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    begin, end = (f"-----{word} PRIVATE KEY-----" for word in ("BEGIN", "END"))
    key = f"{begin}\nGeheim4711\n{end}\n"
    info = {"type": "service_account", "client_email": "a@b.c", "token_uri": "https://x.invalid", "private_key": key}
    for given in (info, json.dumps(info), json.dumps(info)[:-5], {**info, "private_key": "Geheim4711"}):
        google(monkeypatch, keyfile_dict=given)
        with pytest.raises(SettingsError) as caught:
            open_storage(load_settings({}))
        assert "Geheim4711" not in "".join(traceback.format_exception(caught.value))
