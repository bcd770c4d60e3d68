"""An attacker whose data is looked at: on a terminal, in a log, in a browser, in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import logging
from pathlib import Path

import pyarrow as pa
import pytest
from rich.table import Table
from rich.text import Text

from customer360.cli.inspect import _table
from customer360.cli.main import main
from customer360.cli.quarantine import _write
from customer360.terminal import SafeConsole, SafeFormatter, echo_data, plain

# Clears the screen, writes into the window's title (some terminals send it back as typed), by 7-bit and 8-bit codes; a
# backspace, a return, a turned direction, half a character, a line that is none.
HOSTILE = "a\x1b[2J\x1b]0;owned\x07\x9b31m\x08\rb\u202ec\ud800\u2028d"
SAFE = "a�[2J�]0;owned��31m��b�c��d"


def shown(*renderables: object) -> str:
    out = io.StringIO()
    SafeConsole(file=out, width=200, force_terminal=True, color_system=None).print(*renderables)
    return out.getvalue()


def test_text_is_shown_and_not_obeyed() -> None:
    assert plain(HOSTILE) == SAFE
    assert plain("é \u00a0 👩\u200d👧 \t\n") == "é \u00a0 👩\u200d👧 \t\n"


def test_nothing_on_a_console_moves_its_cursor() -> None:
    table = Table("x", title=HOSTILE)
    table.add_row(HOSTILE)
    for renderable in (HOSTILE, Text(HOSTILE), table):
        assert "\x1b" not in shown(renderable)
        assert "[2J" in shown(renderable)
    out = io.StringIO()  # its own colours stay
    SafeConsole(file=out, width=200, force_terminal=True, color_system="standard").print("[red]x[/]")
    assert "\x1b[31mx\x1b[0m" in out.getvalue()


@pytest.mark.parametrize("value", ["[red]x[/]", "[/nothing]", "[link=file:///etc/passwd]click[/link]", "[bold", r"\[x"])
def test_markup_in_data_is_text(value: str) -> None:
    rows = pa.table({"[/bold] name": [value, None], "n": [1, 2]})
    assert value in shown(_table(rows))
    assert "[/bold] name" in shown(_table(rows))


def test_rows_for_programs_are_whole_unless_a_terminal_gets_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps("a\x9bb", ensure_ascii=False)
    echo_data(text)
    assert capsys.readouterr().out == f"{text}\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    echo_data(text)
    assert capsys.readouterr().out == '"a�b"\n'


def test_an_error_of_a_command_is_plain(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["c360", "sql", "SELECT 1 AS `\x1b[2J`, FROM"])
    monkeypatch.setenv("C360_DATA", str(tmp_path))
    monkeypatch.setenv("C360_WAREHOUSE", "x\x1b[2J")
    with pytest.raises(SystemExit):
        main()
    assert "\x1b" not in capsys.readouterr().err


def test_a_log_entry_cannot_pose_as_two() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "column %s", ("a\n2024-06-30 all is well\x1b[2J",), None)
    assert SafeFormatter("%(message)s").format(record) == "column a\n  2024-06-30 all is well�[2J"


@pytest.mark.parametrize("value", ["=cmd|' /C calc'!A0", "+1+cmd", "-1+cmd|x", "@SUM(A1)", "\t=1+1", "\r=1+1"])
def test_a_csv_holds_no_formula(tmp_path: Path, value: str) -> None:
    found = pa.table({"raw": [value, "-12.5", "+4930", "plain", None], "line": pa.array([1, -2, 3, 4, 5])})
    for suffix in (".csv", ".ndjson", ".parquet"):
        _write(found, tmp_path / f"x{suffix}")
    with (tmp_path / "x.csv").open(newline="") as text:
        rows = [*csv.DictReader(text)]
    assert [row["raw"] for row in rows] == [f"'{value}", "-12.5", "+4930", "plain", ""]
    assert [row["line"] for row in rows] == ["1", "-2", "3", "4", "5"]
    assert json.loads((tmp_path / "x.ndjson").read_text().splitlines()[0])["raw"] == value


def test_pages_and_pictures_escape_what_they_show() -> None:
    """The quality page: tests/quality/test_page.py (HOSTILE). Lineage's picture and diagram: names are the only text."""
    from customer360.lineage.nodes import Node
    from customer360.lineage.picture import Picture
    from customer360.lineage.svg import svg

    node = Node("<script>alert(1)</script>", '"><script>alert(2)</script>')
    drawn = svg(Picture((node,), ()))
    assert "<script" not in drawn and "&lt;script&gt;" in drawn
