"""The quality page: one HTML file without scripts, made from ops tables, to be opened in a browser."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from customer360.quality import sparkline
from customer360.quality.history import FRESHNESS, Built, Check, Quality, Source
from customer360.quality.row_counts import ROW_COUNT

FILE = Path("reports") / "quality.html"  # in the data folder


def write_page(quality: Quality, data: Path, *, engine: str, code_version: str) -> Path:
    """Write the page into the data folder, replacing the one before; the path of it.

    Written beside and renamed, so that a reader never sees half a page, for the owner only: keys of rows are in it.
    """
    file = data / FILE
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(render(quality, engine=engine, code_version=code_version, made_at=datetime.now(UTC)))
    new.replace(file)
    return file


def render(quality: Quality, *, engine: str, code_version: str, made_at: datetime) -> str:
    """The page as text. All values are data: they are escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"count": _count, "percent": _percent, "age": _age}
    template = environment.from_string((files(__package__) / "page.html").read_text(encoding="utf-8"))
    layers: dict[str, list[Built]] = {}
    for table in quality.tables:
        layers.setdefault(table.layer, []).append(table)
    return template.render(
        q=quality,
        layers=layers,
        totals=_totals(quality),
        engine=engine,
        code_version=code_version,
        made_at=made_at,
        rows_line=_rows_line,
        read_line=_read_line,
        rate_line=_rate_line,
        strip=_strip,
        found=_found,
    )


def _totals(quality: Quality) -> dict[str, Any]:
    states = [check.state for check in quality.checks]
    today = [s.last for s in quality.sources if s.last and s.last["run_date"] == quality.run_date]
    read, rows, cells = (
        sum(load[key] or 0 for load in today) for key in ("rows_read", "rows_quarantined", "cells_quarantined")
    )
    watched = [source for source in quality.sources if source.freshness]
    return {
        **{state: states.count(state) for state in ("passed", "warned", "failed")},
        "checks": len(states),
        "read": read,
        "refused_rows": rows,
        "refused_cells": cells,
        "stale": len(quality.stale),
        "watched": len(watched),
        "loaded": len(today),
        "bound": sum(1 for source in quality.sources if source.loads),
        "current": len(quality.tables) - len(quality.behind),
        "tables": len(quality.tables),
    }


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _percent(share: float) -> str:
    """Of what is not nothing, never `0 %`; of what is not all, never `100 %`."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share:.1%}".replace("%", " %").replace(".0 ", " ")


def _age(hours: float | None) -> str:
    if hours is None:
        return "–"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} d" if hours % 24 == 0 else f"{hours / 24:.1f} d"


def _rows_line(table: Built) -> str:
    words = f"{table.table}: rows on {len(table.rows)} days, last {_count(table.rows[-1][1])}" if table.rows else ""
    return sparkline.line(table.rows, words=words, band=table.band)


def _read_line(source: Source) -> str:
    points = [(load["run_date"], float(load["rows_read"] or 0)) for load in source.loads]
    return sparkline.line(points, words=f"{source.table}: rows read by {len(points)} loads")


def _rate_line(table: Built) -> str:
    if not table.rates:
        return ""
    last = _percent(table.rates[-1][1])
    words = f"{table.table}: share of expectations that held on {len(table.rates)} days, last {last}"
    return sparkline.line(table.rates, words=words, top=1.0)


def _strip(check: Check) -> str:
    held = sum(check.history)
    return sparkline.strip(
        check.history, words=f"held on {held} of {len(check.history)} days", mild=check.severity != "critical"
    )


def _found(check: Check) -> str:
    """What an expectation found, in a few words."""
    seen = check.observed
    if check.expectation == ROW_COUNT and isinstance(seen, Mapping):
        return f"{_count(seen['rows'])} rows, expected {_count(seen['low'])} to {_count(seen['high'])}"
    if check.expectation == FRESHNESS and isinstance(seen, Mapping):
        limits = [
            f"{word} after {_age(seen[f'{word[:-1]}_after_hours'])}"
            for word in ("warns", "fails")
            if seen[f"{word[:-1]}_after_hours"]
        ]
        newest = "no row" if seen["age_hours"] is None else f"newest row {_age(seen['age_hours'])} old"
        return f"{newest}; {', '.join(limits)}"
    if isinstance(seen, Mapping) and "error" in seen:
        return f"could not be evaluated: {seen['error']}"
    if check.rows_unexpected is not None:
        of = f" of {_count(check.rows_checked)}" if check.rows_checked else ""
        return f"{_count(check.rows_unexpected)}{of} rows"
    return "" if seen is None else f"observed {seen}"
