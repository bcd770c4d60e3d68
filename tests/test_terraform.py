"""Terraform: parses, and gives the datasets that the project needs and no tables. It cannot be validated or applied here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hcl2
import pytest

from customer360.project import load_project
from customer360.project.platform import OPS_TABLES, quarantine_spec

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def configuration() -> dict[str, list[Any]]:
    merged: dict[str, list[Any]] = {}
    files = sorted((ROOT / "terraform").glob("*.tf"))
    assert files
    for file in files:
        for kind, blocks in hcl2.loads(file.read_text(encoding="utf-8")).items():
            if isinstance(blocks, list):
                merged.setdefault(kind, []).extend(blocks)
    return merged


def words(value: Any) -> set[str]:
    """Every key and text inside, without the quotes some versions of the parser keep."""
    if isinstance(value, dict):
        return {str(key).strip('"') for key in value} | {w for inner in value.values() for w in words(inner)}
    if isinstance(value, list):
        return {word for inner in value for word in words(inner)}
    return {str(value).strip('"')}


def test_every_dataset_is_there(configuration: dict[str, list[Any]]) -> None:
    project = load_project(ROOT)
    specs = [*(m.spec for m in project.models.values()), *OPS_TABLES, *map(quarantine_spec, project.contracts.values())]
    needed = {spec.name.dataset for spec in specs}
    text = (ROOT / "terraform" / "main.tf").read_text(encoding="utf-8")
    assert needed and not {dataset for dataset in needed if f" {dataset} " not in text}
    systems = next(
        v for block in configuration["variable"] for k, v in block.items() if k.strip('"') == "source_systems"
    )
    assert {contract.system for contract in project.contracts.values()} <= words(systems["default"])


def test_tables_are_the_pipelines_business(configuration: dict[str, list[Any]]) -> None:
    kinds = {kind.strip('"') for block in configuration["resource"] for kind in block}
    assert "google_bigquery_dataset" in kinds
    assert "google_bigquery_table" not in kinds


def test_every_variable_is_described_and_used(configuration: dict[str, list[Any]]) -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "terraform").glob("*.tf"))
    for block in configuration["variable"]:
        for name, body in block.items():
            assert body["description"]
            assert f"var.{name.strip(chr(34))}" in text, f"{name} is not used"


def test_nothing_is_open_to_everybody() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "terraform").glob("*.tf"))
    assert "allUsers" not in text and "allAuthenticatedUsers" not in text
    assert 'public_access_prevention    = "enforced"' in text
