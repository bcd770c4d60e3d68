"""`c360 quarantine`: looking at what was refused, and judging it again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT

from customer360.cli.main import cli


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A project of one system with a file: its environment, loaded for a day."""
    folder = tmp_path_factory.mktemp("quarantine")
    (folder / "sources").mkdir()
    (folder / "sources" / "support.yaml").write_text(
        "system: support\ntables:\n  customer_service:\n"
        f"    files: {folder}/tickets.csv\n    format: csv\n    load: snapshot\n"
    )
    rows = [f"T{n},C1,2024-06-30,inquiry,,resolved,4" for n in range(300)]
    rows += ["T900,C1,soon,inquiry,,resolved,4", "T901,C1,2024-06-30,inquiry,,resolved,9", "broken,line"]
    header = (
        "interaction_id,customer_id,interaction_date,interaction_type,product_id,resolution_status,satisfaction_score"
    )
    (folder / "tickets.csv").write_text("\n".join([header, *rows]) + "\n")
    environment = {"C360_DATA": str(folder / "data"), "C360_SOURCES": str(folder / "sources"), "C360_HOME": str(ROOT)}
    result = run(environment, "load", "support", "--date", "2024-06-30")
    assert result.exit_code == 0, result.output
    return environment


def run(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, env=environment | {"COLUMNS": "200"})


def test_list_shows_each_table_with_its_usual_reasons(shop: dict[str, str]) -> None:
    output = run(shop, "quarantine", "list").output
    assert "support.customer_service" in output
    assert "1 × interaction_date is no TIMESTAMP" in output
    assert "1 × satisfaction_score is more than 5" in output
    assert "2024-06-30" in output


def test_show_says_what_is_wrong_where_and_what_would_be_right(shop: dict[str, str]) -> None:
    output = run(shop, "quarantine", "show", "customer_service").output
    assert "interaction_date is no TIMESTAMP  (row was not loaded)" in output
    assert "line 302 of tickets.csv, loaded for 2024-06-30" in output
    assert "value  'soon'" in output
    assert "right  an ISO time, such as 2024-06-30T10:00:00Z; required" in output
    assert "satisfaction_score is more than 5  (row was loaded, this value as NULL)" in output
    assert "at least 1, at most 5; or nothing" in output
    assert "raw    broken,line" in output
    few = run(shop, "quarantine", "show", "support.customer_service", "--reason", "MORE THAN", "--limit", "1").output
    assert "satisfaction_score" in few and "interaction_date is" not in few
    assert "Nothing like that" in run(shop, "quarantine", "show", "customer_service", "--date", "2024-07-01").output


def test_export_writes_what_arrived_in_three_formats(shop: dict[str, str], tmp_path: Path) -> None:
    for name in ("refused.csv", "refused.ndjson", "refused.parquet"):
        result = run(shop, "quarantine", "export", "customer_service", "--to", str(tmp_path / name))
        assert "3 refused rows and cells" in result.output, result.output
    with (tmp_path / "refused.csv").open(newline="") as text:
        raws = sorted(row["raw"] for row in csv.DictReader(text))
    assert raws == sorted(json.loads(row)["raw"] for row in (tmp_path / "refused.ndjson").read_text().splitlines())
    assert raws == sorted(pq.read_table(tmp_path / "refused.parquet").column("raw").to_pylist())
    assert raws[0] == "broken,line"
    wrong = run(shop, "quarantine", "export", "customer_service", "--to", "refused.xlsx")
    assert "expected .csv, .ndjson, .parquet" in str(wrong.exception)


def test_replay_says_what_happened_and_what_comes_next(shop: dict[str, str]) -> None:
    nothing = run(shop, "quarantine", "replay", "customer_service").output
    assert "c360 run" not in nothing
    binding = Path(shop["C360_SOURCES"]) / "support.yaml"
    text = binding.read_text()
    binding.write_text(
        f"{text}    columns: {{interaction_date: \"REPLACE(interaction_date, 'soon', '2024-06-29')\"}}\n"
    )
    result = run(shop, "quarantine", "replay", "customer_service", "--date", "2024-06-30")
    binding.write_text(text)
    assert result.exit_code == 0, result.output
    assert "c360 run --date D -s staging.stg_support__customer_service+" in result.output
    assert (
        "c360 airflow tasks clear customer_360_daily --task-regex '^(staging.write_stg_support__customer_service)$'"
        in result.output
    )
    count = run(shop, "sql", "SELECT COUNT(*) AS n FROM raw_support.customer_service WHERE _loaded_date = '2024-06-30'",
                "--format", "json")  # fmt: skip
    assert json.loads(count.output) == {"n": 302}


def test_a_table_that_is_none_is_named_with_those_that_are(shop: dict[str, str]) -> None:
    result = run(shop, "quarantine", "show", "customer_servant")
    assert "is no source table; known: commerce.product_catalog, " in str(result.exception)
