"""`c360 plan` on the embedded warehouse and on BigQuery: what would be built, created, altered, and what is refused."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cloud_server import CloudServer
from conftest import ROOT

from customer360.cli.main import cli

FINANCE = """
system: finance
description: Rates.
tables:
  exchange_rates:
    files: /nowhere/rates.csv
    format: csv
    load: snapshot
    columns: {currency: currency, rate_date: rate_date, rate: rate}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project: the finance contract and its staging model."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("raw_finance/exchange_rates", "staging/stg_finance__exchange_rates"):
        shutil.copytree(ROOT / "sql" / part, folder / "sql" / part)
    (folder / "sources").mkdir()
    (folder / "sources" / "finance.yaml").write_text(FINANCE)
    return folder


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudServer]:
    with CloudServer(tmp_path_factory.mktemp("cloud")) as server:
        yield server


def plan(home: Path, environment: dict[str, str], *arguments: str) -> Result:
    environment = {"C360_HOME": str(home), "C360_SOURCES": "sources", "C360_DATA": str(home / "data")} | environment
    return CliRunner().invoke(cli, ["plan", "--date", "2024-06-30", *arguments], env=environment | {"COLUMNS": "200"})


def c360(home: Path, environment: dict[str, str], *arguments: str) -> Result:
    environment = {"C360_HOME": str(home), "C360_SOURCES": "sources", "C360_DATA": str(home / "data")} | environment
    return CliRunner().invoke(cli, arguments, env=environment, catch_exceptions=False)


def changed(home: Path, old: str, new: str) -> Path:
    """A copy of the project with other text in the staging model's model.yaml."""
    copy = home.parent / f"{home.name}_changed_{abs(hash(new))}"
    shutil.copytree(home, copy)
    file = copy / "sql" / "staging" / "stg_finance__exchange_rates" / "model.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return copy


@pytest.mark.parametrize("engine", ["local", "bigquery"])
def test_an_empty_warehouse_would_get_every_table(home: Path, cloud: CloudServer, engine: str) -> None:
    found = plan(home, cloud.environment if engine == "bigquery" else {})
    assert found.exit_code == 0, found.output
    created = [line for line in found.output.splitlines() if "+ create" in line]
    assert any("raw_finance.exchange_rates" in line for line in created)
    assert any("staging.stg_finance__exchange_rates" in line for line in created)
    assert any("ops.jobs" in line for line in created)
    assert not cloud.tables, "a plan changes nothing"


def test_after_a_run_nothing_would_change_and_what_breaks_readers_is_refused(home: Path, cloud: CloudServer) -> None:
    built = c360(home, cloud.environment, "run", "--date", "2024-06-30", "--no-audit")
    assert built.exit_code == 0, built.output
    found = plan(home, cloud.environment)
    assert found.exit_code == 0, found.output
    assert "Every table is as its model.yaml says." in found.output

    found = plan(changed(home, "as known at the run date", "as known on the run date"), cloud.environment)
    assert found.exit_code == 0, found.output
    assert "~ alter │ staging.stg_finance__exchange_rates │ description of the table" in found.output

    found = plan(changed(home, "type: NUMERIC", "type: STRING"), cloud.environment)
    assert found.exit_code == 1, found.output
    assert "! refuse │ staging.stg_finance__exchange_rates" in found.output
    assert "staging.stg_finance__exchange_rates is refused. To do it, run:" in found.output
    assert "REPLACE (CAST(" in found.output
    assert "RENAME TO stg_finance__exchange_rates;" in found.output
    assert "query.sql gives rate NUMERIC where model.yaml says rate STRING" in found.output


def test_budgets_hold_on_the_embedded_warehouse_too(shop_folder: Path) -> None:
    environment = {"C360_DATA": str(shop_folder), "C360_BUDGET_BYTES": "1000", "COLUMNS": "300"}
    found = CliRunner().invoke(cli, ["plan", "--date", "2024-06-30", "-s", "staging", "--full"], env=environment)
    assert found.exit_code == 1, found.output
    assert "staging.stg_web__website_behavior would read" in found.output
    assert "its budget is 1,000 B" in found.output


def test_a_run_reads_less_than_a_full_one_and_says_why(shop_folder: Path) -> None:
    environment = {"C360_DATA": str(shop_folder), "COLUMNS": "300"}
    found = CliRunner().invoke(cli, ["plan", "--date", "2024-07-01"], env=environment)
    assert found.exit_code == 0, found.output
    # The sentences are broken into the lines of their cells.
    assert "not been loaded since 2024-06-30" in found.output
    assert "1 partitions (2024-07): 2024-07-01" in found.output
    (total,) = re.findall(r"in full, .* in this run, (\d+)% of it", found.output)
    assert int(total) < 100
