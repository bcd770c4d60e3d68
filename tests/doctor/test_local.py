"""`c360 doctor` on the embedded warehouse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from customer360.cli.main import cli
from customer360.warehouse.lake import write_lock
from doctor.shared import Report


def local(data: Path, shop: Path, **environment: str) -> Report:
    given = {"C360_WAREHOUSE": "local", "C360_DATA": str(data), "C360_SHOP": str(shop), **environment}
    result = CliRunner().invoke(cli, ["doctor", "--json"], env=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Report(
        result.exit_code, result.stdout, {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    )


def test_a_fresh_machine_is_fine_and_stays_as_it_was(tmp_path: Path, shop: Path) -> None:
    data = tmp_path / "data"
    report = local(data, shop)
    assert report.exit_code == 0, report.text
    assert set(report.named("passed")) >= {"data folder", "DuckDB", "write lock", "lake", "sources"}
    assert [*data.iterdir()] == []
    assert data.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_enter_is_told(tmp_path: Path, shop: Path) -> None:
    tmp_path.chmod(0o755)
    report = local(tmp_path, shop)
    assert report.exit_code == 0
    assert report.checks["data folder"]["commands"] == [f"chmod 700 '{tmp_path}'"]


def test_a_folder_that_cannot_be_written_fails_and_the_rest_goes_on(tmp_path: Path, shop: Path) -> None:
    (tmp_path / "file").touch()
    report = local(tmp_path / "file", shop)
    assert report.exit_code == 1
    assert report.named("failed") == ["data folder"]
    assert report.named("skipped") == ["disk", "write lock", "lake"]
    assert report.checks["sources"]["status"] == "passed"


def test_a_writer_is_told(tmp_path: Path, shop: Path) -> None:
    (tmp_path / "lake").mkdir()
    with write_lock(tmp_path / "lake", 1):
        report = local(tmp_path, shop)
    assert report.checks["write lock"]["status"] == "warned"
    assert "lsof" in report.checks["write lock"]["commands"][0]


def test_a_broken_lake_fails(tmp_path: Path, shop: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "catalog.sqlite").write_text("no database at all")
    report = local(tmp_path, shop)
    assert report.exit_code == 1
    assert report.named("failed") == ["lake"]


def test_a_full_disk_fails(tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert local(tmp_path, shop).named("failed") == ["disk"]


def test_extensions_of_another_version_fail(tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb, "__version__", "0.0.1")
    report = local(tmp_path, shop)
    assert "DuckDB" in report.named("failed")
    assert report.checks["DuckDB"]["commands"] == ["uv sync --frozen"]
    assert report.checks["lake"]["status"] == "skipped"


def test_a_malformed_setting_is_the_first_check(tmp_path: Path, shop: Path) -> None:
    report = local(tmp_path, shop, C360_HIGH_VALUE="much")
    assert report.exit_code == 1
    assert report.named("failed") == ["settings and files"]
    assert "C360_HIGH_VALUE" in report.checks["settings and files"]["detail"]


def test_sources_out_of_reach_fail_unless_they_are_the_sample_shops(tmp_path: Path) -> None:
    report = local(tmp_path, tmp_path / "no_shop")
    assert report.exit_code == 0
    assert report.checks["sources"]["commands"] == ["c360 sample"]
