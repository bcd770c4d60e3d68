"""`c360 rebuild`: what is missing of many days is loaded in order, and everything is built once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from backfill.days import differences, tables, until
from chaos.shop import DAYS, make_project, make_sources
from click.testing import CliRunner, Result
from conftest import ROOT, settings_for

from customer360.cli.main import cli
from customer360.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A small project over a file of exchange rates."""
    for part in ("raw_finance/exchange_rates", "staging/stg_finance__exchange_rates"):
        shutil.copytree(ROOT / "sql" / part, tmp_path / "sql" / part)
    rates = tmp_path / "rates.csv"
    rates.write_text("currency,rate_date,rate\nUSD,2024-06-01,0.9\n")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "finance.yaml").write_text(
        "system: finance\ndescription: Rates.\ntables:\n"
        f"  exchange_rates: {{files: {rates}, format: csv, load: snapshot}}\n"
    )
    return tmp_path


def c360(home: Path, *arguments: str) -> Result:
    environment = {"C360_HOME": str(home), "C360_SOURCES": "sources", "C360_DATA": str(home / "data"), "COLUMNS": "200"}
    return CliRunner().invoke(cli, arguments, env=environment)


def test_missing_days_are_loaded_once_and_the_tables_built_as_of_the_last(home: Path) -> None:
    first = c360(home, "load", "--date", "2024-06-28")
    assert first.exit_code == 0, first.output
    done = c360(home, "rebuild", "--from", "2024-06-28", "--to", "2024-06-30", "--no-audit")
    assert done.exit_code == 0, done.output
    assert "2024-06-28: loaded before" in done.output
    assert "Loaded 2024-06-29" in done.output
    assert "Loaded 2024-06-30" in done.output
    assert done.output.count("✓ staging") == 1
    shown = c360(home, "sql", "SELECT run_date, table_name FROM ops.published")
    assert "2024-06-30" in shown.output
    loads = c360(home, "sql", "SELECT COUNT(*) AS loads, COUNT(DISTINCT loaded_date) AS days FROM ops.loads")
    assert "3" in loads.output
    again = c360(home, "rebuild", "--from", "2024-06-30", "--to", "2024-06-30", "--no-audit", "--reload")
    assert "Loaded 2024-06-30" in again.output


def test_days_that_are_over_are_refused_and_so_is_a_wrong_order(home: Path) -> None:
    assert c360(home, "rebuild", "--from", "2024-06-30", "--to", "2024-06-30", "--no-audit").exit_code == 0
    older = c360(home, "rebuild", "--from", "2024-06-01", "--to", "2024-06-02")
    assert older.exit_code == 2
    assert (
        "staging.stg_finance__exchange_rates is at a newer day than 2024-06-02: rebuild up to that day" in older.output
    )
    wrong = c360(home, "rebuild", "--from", "2024-06-02", "--to", "2024-06-01")
    assert "--to 2024-06-01 is before --from 2024-06-02" in wrong.output


def test_who_is_who_since_when_is_what_daily_runs_leave_also_after_a_stop(tmp_path: Path) -> None:
    make_project(tmp_path / "home")
    make_sources(tmp_path / "sources")
    for layer in ("core", "marts", "dashboards"):
        shutil.rmtree(tmp_path / "home" / "sql" / layer)

    def settings(name: str) -> Settings:
        places = {"HOME": tmp_path / "home", "SOURCES": tmp_path / "home" / "bindings"}
        places["SHOP"] = tmp_path / "sources" / str(DAYS[-1])
        return settings_for(tmp_path / name, **{f"C360_{name}": str(place) for name, place in places.items()})

    def run(name: str, *arguments: str) -> None:
        done = CliRunner().invoke(cli, arguments, env=dict(settings(name).environment), catch_exceptions=False)
        assert done.exit_code == 0, done.output

    first, second, third = map(str, until(DAYS[1], 3))
    for day in (first, second, third):
        run("daily", "load", "--date", day)
        run("daily", "run", "--date", day, "--no-audit")
    # The first with audits: on a day in between, too, all is there that expectations look at.
    run("rebuild", "rebuild", "--from", first, "--to", second)
    run("rebuild", "rebuild", "--from", first, "--to", third, "--no-audit")
    wanted = tables(settings("daily"))
    assert len({row.split('"valid_from": ')[1] for row in wanted["identity.identity_map"]}) > 1
    assert differences(tables(settings("rebuild")), wanted) == []
