"""`c360`: every command teaches itself, and the looking ones show what is there."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

from customer360.cli.main import _COMMANDS, cli
from customer360.sample import Manifest


@pytest.fixture(scope="module")
def data(shop_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of this module's own, with a built shop."""
    folder = tmp_path_factory.mktemp("cli") / "data"
    shutil.copytree(shop_folder, folder, ignore=shutil.ignore_patterns("landing"))
    return folder


def c360(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, env={"C360_DATA": str(data), "COLUMNS": "200"})


@pytest.mark.parametrize("command", sorted(_COMMANDS.keys() - {"airflow"}))  # that one hands everything to Airflow
def test_every_command_has_help_that_teaches(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert len(result.output.split("Options:")[0].splitlines()) > 4, "more than a usage line"


def test_help_lists_every_command_and_is_quick() -> None:
    script = (
        "import sys; from customer360.cli.main import cli; cli(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(command in done.stdout for command in _COMMANDS)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"airflow", "duckdb", "pandas", "great_expectations", "sqlglot"}, "imported for --help alone"


def test_the_changelog_names_every_command() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert not [command for command in _COMMANDS if f"`{command}`" not in text]


def test_at_finds_a_person_as_they_were(data: Path) -> None:
    (one,) = json.loads("[" + c360(data, "sql", _ONE, "--format", "json").output + "]")
    result = c360(data, "at", one["customer360_id"], "--date", "2024-06-30", "--format", "json")
    assert result.exit_code == 0, result.exception
    assert json.loads(result.output)["full_name"] == one["full_name"]
    assert c360(data, "at", "nobody@nowhere.example", "--date", "2024-06-30").exit_code == 1


_ONE = "SELECT customer360_id, full_name FROM marts.customer_360 WHERE full_name IS NOT NULL ORDER BY 1 LIMIT 1"


def test_sql_gives_csv_and_json(data: Path, manifest: Manifest) -> None:
    query = "SELECT COUNT(*) AS orders, SUM(gross_revenue) AS gross FROM core.fct_orders"
    (row,) = csv.DictReader(io.StringIO(c360(data, "sql", query, "--format", "csv").output))
    assert int(row["orders"]) == manifest.truths["orders"]
    found = json.loads(c360(data, "sql", query, "--format", "json").output)
    assert found["orders"] == manifest.truths["orders"]
    assert found["gross"] == f"{manifest.truths['gross_revenue']:.9f}"


def test_sql_shows_everything_of_a_platform_table(data: Path) -> None:
    result = c360(data, "sql", "SELECT * FROM quarantine.crm__customer_info")
    assert result.exit_code == 0, result.output
    assert "key is repeated" in result.output


def test_sql_refuses_what_changes_data(data: Path) -> None:
    result = c360(data, "sql", "DROP TABLE core.fct_orders")
    assert result.exit_code == 1
    assert "Expected a SELECT, found DROP" in str(result.exception)


def test_plan_lists_models_in_order_with_bytes(data: Path) -> None:
    output = c360(data, "plan", "-s", "+core.fct_orders").output
    assert (
        output.index("stg_commerce__purchase_transactions")
        < output.index("fct_order_lines")
        < output.index("fct_orders ")
    )
    assert "KiB in full" in output
    assert "not built yet" not in output
    assert "customer_360" not in output


def test_an_unknown_model_is_refused_with_the_nearest(data: Path) -> None:
    result = c360(data, "plan", "-s", "core.fct_order")
    assert result.exit_code == 1
    assert "did you mean core.fct_orders?" in str(result.exception)


def test_run_builds_and_publishes_a_selection(data: Path) -> None:
    result = c360(data, "run", "-s", "dashboards.agg_satisfaction")
    assert result.exit_code == 0, result.output
    assert "dashboards: 1 published" in result.output
    runs = c360(data, "sql", "SELECT COUNT(DISTINCT run_id) AS n FROM ops.published", "--format", "csv").output
    assert runs.split() == ["n", "2"]


def test_load_again_gives_the_same_rows(data: Path, manifest: Manifest) -> None:
    result = c360(data, "load", "crm")
    assert result.exit_code == 0, result.output
    count = c360(data, "sql", "SELECT COUNT(*) AS n FROM raw_crm.customer_info", "--format", "csv").output
    assert int(count.split()[1]) == manifest.tables["crm.customer_info"].rows_loaded


def test_load_of_nothing_known_lists_what_is_bound(data: Path) -> None:
    result = c360(data, "load", "erp")
    assert result.exit_code == 2
    assert "crm" in result.output and "web" in result.output


def test_status_shows_tables_loads_and_expectations(data: Path) -> None:
    output = c360(data, "status").output
    assert "marts.customer_360" in output and "2024-06-30" in output
    assert "raw_web.website_behavior" in output


def test_errors_on_purpose_are_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from customer360.cli import main; main()", "plan"],
        capture_output=True, text=True, check=False, env={"C360_HOME": "/nowhere", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("c360: ") and "Traceback" not in done.stderr


def test_queries_in_the_documents_run(data: Path) -> None:
    texts = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    queries = [q for file in texts for q in re.findall(r'c360 sql "([^"…]+)"', file.read_text(encoding="utf-8"))]
    assert queries
    for query in queries:
        result = c360(data, "sql", query)
        assert result.exit_code == 0, f"{query}: {result.exception}"
