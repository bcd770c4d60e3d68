"""`c360 quality` writes the page wherever a deployment stands, and says what is on it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from customer360.cli.main import cli


def test_it_writes_the_page_of_a_day(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["quality", "--date", "2024-06-29"], env={"C360_DATA": str(tmp_path)})
    assert done.exit_code == 0, done.output
    page = (tmp_path / "reports" / "quality.html").read_text(encoding="utf-8")
    assert "Data quality of 2024-06-29" in page
