"""Airflow's connections, and those that a folder of bindings names itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer360.errors import SettingsError, SourceError
from customer360.orchestration.connections import airflow_connection
from customer360.orchestration.example import settings_of


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
