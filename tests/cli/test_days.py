"""`c360 at`, `diff` and `maintain` on a lake of two made-up days."""

from __future__ import annotations

import csv
import io
import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import ROOT
from history.shelf import Shelf, day, person

from customer360.cli.main import cli
from customer360.project import load_project
from customer360.warehouse.local import LocalWarehouse


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("days")
    warehouse = LocalWarehouse(folder / "lake", schemas=load_project(ROOT).schemas, threads=2)
    chance = random.Random(9)
    people = [
        person(n, chance) | {"total_revenue": Decimal(n), "value_segment": "Low Value", "full_name": f"Name {n}"}
        for n in range(3)
    ]
    shelf = Shelf(warehouse, folder)
    shelf.keep(day(0), people)
    rich = people[0] | {"total_revenue": Decimal(9000), "value_segment": "Medium Value"}
    shelf.keep(day(1), [rich, people[1], person(7, chance)])
    warehouse.close()
    return folder


def c360(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, env={"C360_DATA": str(data), "COLUMNS": "200"})


def test_at_reads_a_past_day_and_says_which_there_are(data: Path) -> None:
    assert c360(data, "at").output.split() == [str(day(0)), str(day(1))]
    rows = list(csv.DictReader(io.StringIO(c360(data, "at", "--date", str(day(0)), "--format", "csv").output)))
    assert [row["full_name"] for row in rows] == ["Name 0", "Name 1", "Name 2"] and len(rows[0]) > 80
    lines = c360(data, "at", "--date", str(day(1)), "--format", "json").output.splitlines()
    assert [json.loads(line)["total_revenue"][:4] for line in lines][:1] == ["9000"]
    shown = c360(data, "at", "--date", str(day(0)), "--limit", "2").output
    assert "Name 1" in shown and "Name 2" not in shown and "1 more" in shown
    missing = c360(data, "at", "--date", str(day(5)))
    assert missing.exit_code == 1 and "the nearest day is 2024-01-02" in str(missing.exception)
    assert c360(data, "at", "ann@example.com").exit_code == 2


def test_diff_says_what_changed(data: Path) -> None:
    days = ("--from", str(day(0)), "--to", str(day(1)))
    text = c360(data, "diff", *days).output
    assert "3 people → 3: 1 new, 0 merged, 1 gone" in text
    assert "+9,000.00" in text and "Moves: value_segment" in text and "total_revenue" in text
    found = json.loads(c360(data, "diff", *days, "--json").output)
    assert found["columns"]["total_revenue"] == 1 and found["changed"] == 1
    assert found["moves"][0] == {
        "segment": "value_segment",
        "before": "Low Value",
        "after": "Medium Value",
        "people": 1,
    }
    assert {each["what"] for each in found["arrivals"]} == {"arrived", "gone"}


def test_maintain_says_what_it_does_and_does_it(data: Path) -> None:
    (data / "tmp" / "load_x").mkdir(parents=True)
    assert "folders of killed loads" not in c360(data, "maintain").output  # it may still be at work
    result = c360(data, "maintain", "--dry-run")
    assert result.exit_code == 0 and "The lake: " in result.output and "→" not in result.output
    assert "→" in c360(data, "maintain").output
    assert c360(data, "at").output.split() == [str(day(0)), str(day(1))]
