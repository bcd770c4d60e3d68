"""What goes to a terminal or a log: whatever the data holds, only this program moves the cursor."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# Control characters but line ends and tabs, C1's too, line separators, what turns the direction of letters, and halves
# of characters, which no encoding can write.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """The text, with � for each character that a terminal would obey instead of showing it."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def echo_data(text: str) -> None:
    """Data on standard output: for programs as it is, to a terminal plain."""
    click.echo(plain(text) if sys.stdout.isatty() else text)


class SafeConsole(Console):
    """A console on which text is shown, never obeyed. Markup in data is a matter of its own: wrap it in Text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)


class SafeFormatter(logging.Formatter):
    """Log lines on a terminal. A message of several lines is indented from the second on, so that none poses as
    another entry."""

    def format(self, record: Any) -> str:
        return plain(super().format(record)).replace("\n", "\n  ")
