"""Read expectations/<dataset>/<table>.json, Great Expectations' own suite format, refusing what is wrong by file.

Nothing here imports Great Expectations: reading and checking suites is quick.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from customer360.errors import ProjectError
from customer360.project.names import TableName

ROWS_QUERY = "unexpected_rows_expectation"
SEVERITIES = ("critical", "warning", "info")

# The expectation types that are proven on the embedded engine (tests/quality/test_expectation_types.py), with the
# arguments that name columns. Great Expectations has more, of which some cannot run there (all that match a regular
# expression); whatever is missing is a query in unexpected_rows_expectation.
TYPES: dict[str, tuple[str, ...]] = {
    ROWS_QUERY: (),
    "expect_column_values_to_be_between": ("column",),
    "expect_column_values_to_be_in_set": ("column",),
    "expect_column_values_to_be_null": ("column",),
    "expect_column_values_to_be_unique": ("column",),
    "expect_column_values_to_not_be_in_set": ("column",),
    "expect_column_values_to_not_be_null": ("column",),
    "expect_column_value_lengths_to_be_between": ("column",),
    "expect_column_value_lengths_to_equal": ("column",),
    "expect_column_max_to_be_between": ("column",),
    "expect_column_mean_to_be_between": ("column",),
    "expect_column_min_to_be_between": ("column",),
    "expect_column_proportion_of_non_null_values_to_be_between": ("column",),
    "expect_column_proportion_of_unique_values_to_be_between": ("column",),
    "expect_column_sum_to_be_between": ("column",),
    "expect_column_unique_value_count_to_be_between": ("column",),
    "expect_column_pair_values_a_to_be_greater_than_b": ("column_A", "column_B"),
    "expect_column_pair_values_to_be_equal": ("column_A", "column_B"),
    "expect_compound_columns_to_be_unique": ("column_list",),
    "expect_multicolumn_sum_to_equal": ("column_list",),
    "expect_select_column_values_to_be_unique_within_record": ("column_list",),
    "expect_table_row_count_to_be_between": (),
    "expect_table_row_count_to_equal": (),
}
_SUITE_KEYS = {"name", "expectations", "meta", "notes", "id"}
_EXPECTATION_KEYS = {"type", "kwargs", "severity", "description", "meta", "notes", "id"}
_BREAKS_KEYS = {"set", "where", "remove"}


@dataclass(frozen=True)
class Expectation:
    """One expectation. `breaks` is `meta.breaks`: a corruption that it must object to, for the tests."""

    type: str
    kwargs: Mapping[str, Any]
    severity: str
    description: str
    breaks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it names; none for a query or a fact about the whole table."""
        named = (self.kwargs.get(argument) for argument in TYPES[self.type])
        return tuple(column for value in named for column in ([value] if isinstance(value, str) else value or []))

    @property
    def is_about_rows(self) -> bool:
        """Whether it looks at each row and allows no exception: then success means 0 unexpected rows."""
        named = self.type.startswith(("expect_column_value", "expect_column_pair", "expect_compound", "expect_select"))
        return (named or "multicolumn" in self.type) and self.kwargs.get("mostly", 1) == 1

    @property
    def query(self) -> str | None:
        """The GoogleSQL of an unexpected_rows_expectation, with `{batch}` for the table."""
        return self.kwargs["unexpected_rows_query"] if self.type == ROWS_QUERY else None


@dataclass(frozen=True)
class Suite:
    """What must hold of one table. `key` gives the columns that samples of unexpected rows are named by."""

    table: TableName
    path: Path
    expectations: tuple[Expectation, ...]
    key: tuple[str, ...]


def load_suite(folder: Path, table: TableName) -> Suite:
    """The suite of a table, from `folder`/<dataset>/<table>.json; ProjectError when it is missing or malformed."""
    path = folder / table.dataset / f"{table.table}.json"
    if not path.is_file():
        raise ProjectError(f"{table} has no expectations", path=path, hint="no table is published without a suite")
    return read_suite(path)


def read_suite(path: Path) -> Suite:
    """Read one file; its address is `<dataset>/<table>.json`."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ProjectError(f"not JSON: {error.msg}", path=path, line=error.lineno) from None
    table = TableName(path.parent.name, path.stem)
    _known_keys(raw, _SUITE_KEYS, "the suite", path)
    if raw.get("name") != str(table):
        raise ProjectError(f"the suite is named {raw.get('name')!r}", path=path, hint=f'"name": "{table}"')
    key = (raw.get("meta") or {}).get("key")
    if not key or not isinstance(key, list):
        raise ProjectError("meta.key is missing", path=path, hint='"meta": {"key": ["customer360_id"]}')
    expectations = raw.get("expectations")
    if not expectations or not isinstance(expectations, list):
        raise ProjectError("there are no expectations", path=path)
    read = tuple(_expectation(entry, number, path) for number, entry in enumerate(expectations, start=1))
    return Suite(table, path, read, tuple(key))


def _expectation(entry: Any, number: int, path: Path) -> Expectation:
    where = f"expectation {number}"
    _known_keys(entry, _EXPECTATION_KEYS, where, path)
    type_, kwargs = entry.get("type"), entry.get("kwargs")
    if type_ not in TYPES:
        raise ProjectError(
            f"{where}: {type_!r} is not among the types proven on every warehouse",
            path=path,
            hint=f"write it as a query in {ROWS_QUERY}, or prove it in tests/quality/test_expectation_types.py",
        )
    if not isinstance(kwargs, dict):
        raise ProjectError(f"{where} ({type_}): kwargs is missing", path=path)
    for argument in (*TYPES[type_], *(["unexpected_rows_query"] if type_ == ROWS_QUERY else [])):
        if not kwargs.get(argument):
            raise ProjectError(f"{where} ({type_}): kwargs.{argument} is missing", path=path)
    if entry.get("severity") not in SEVERITIES:
        raise ProjectError(
            f"{where} ({type_}): severity is {entry.get('severity')!r}", path=path, hint="critical, warning or info"
        )
    if not entry.get("description"):
        raise ProjectError(f"{where} ({type_}): description is missing", path=path, hint="what it means, in words")
    breaks = (entry.get("meta") or {}).get("breaks") or {}
    _known_keys(breaks, _BREAKS_KEYS, f"{where} ({type_}): meta.breaks", path)
    return Expectation(type_, kwargs, entry["severity"], entry["description"], breaks)


def _known_keys(raw: Any, known: set[str], where: str, path: Path) -> None:
    if not isinstance(raw, dict):
        raise ProjectError(f"{where} must be an object", path=path)
    for key in raw.keys() - known:
        raise ProjectError(f"{where} has the unknown key {key!r}", path=path, hint=f"known: {', '.join(sorted(known))}")
