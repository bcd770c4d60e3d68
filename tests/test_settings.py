"""Settings: defaults that work, refusals that name the variable."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from customer360.errors import SettingsError
from customer360.settings import RETENTION_DAYS, Parameter, Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]


def test_defaults_need_nothing() -> None:
    settings = load_settings({})
    assert settings.home == ROOT
    assert settings.warehouse == "local"
    assert settings.lake == ROOT / ".c360" / "lake"


def test_the_environment_decides(tmp_path: Path) -> None:
    settings = load_settings(
        {"C360_DATA": str(tmp_path), "C360_COMPLETED_STATUSES": "Delivered, shipped", "C360_HIGH_VALUE": "2500.50"}
    )
    parameters = settings.parameters(date(2024, 6, 30))
    assert settings.lake == tmp_path / "lake"
    assert parameters["completed_statuses"] == Parameter("ARRAY<STRING>", ["delivered", "shipped"])
    assert parameters["high_value"] == Parameter("NUMERIC", Decimal("2500.50"))
    assert parameters["run_date"] == Parameter("DATE", date(2024, 6, 30))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("C360_WAREHOUSE", "oracle"),
        ("C360_HIGH_VALUE", "much"),
        ("C360_THREADS", "two"),
        ("C360_DEADLINE_HOURS", "-1"),
        ("C360_RETENTION_DAYS", "landing"),
        ("C360_RETENTION_DAYS", "landing=-1"),
        ("C360_RETENTION_DAYS", "core=3"),
    ],
)
def test_a_malformed_value_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        load_settings({variable: value})


def test_what_is_kept_for_how_long_is_said_by_name_and_the_rest_stays_as_it_is() -> None:
    days = load_settings({"C360_RETENTION_DAYS": "landing = 14, raw_web=730,snapshots=never"}).retention_days
    assert days == {**RETENTION_DAYS, "landing": 14, "raw_web": 730, "snapshots": None}
    assert load_settings({}).retention_days == RETENTION_DAYS


def test_expand_names_the_missing_variable() -> None:
    settings = load_settings({"EXPORTS": "/exports"})
    assert settings.expand("${EXPORTS}/a.csv") == "/exports/a.csv"
    with pytest.raises(SettingsError, match="NOWHERE"):
        settings.expand("${NOWHERE}/a.csv")


def test_secrets_of_the_environment_are_not_shown() -> None:
    assert "hunter2" not in repr(load_settings({"AIRFLOW_CONN_X": "postgres://u:hunter2@h/d"}))


def test_every_variable_is_documented() -> None:
    import re

    code = (ROOT / "plugins" / "customer360" / "settings.py").read_text()
    documented = (ROOT / "docs" / "settings.md").read_text()
    variables = set(re.findall(r'"(C360_[A-Z_]+)"', code)) - {"C360_SHOP"}
    assert len(variables) > 10
    assert not {v for v in variables if f"`{v}`" not in documented and v not in documented}


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().warehouse = "bigquery"  # type: ignore[misc]
