"""The contract applied to `mapped`, set by set: which rows load, with which values, and what is refused and why.

A row is refused for a broken line, a required column without a usable value, or a key that came before. Any other bad
value becomes NULL and one refused cell. Rows that load are never touched beyond that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from customer360.errors import ProjectError, SchemaDriftError
from customer360.googlesql import types
from customer360.project import Column, Contract
from customer360.sources.conversion import BLANKS, RANGES, Conversion, converted, is_text
from customer360.sources.extract import BROKEN_BEFORE, LINE, Extract
from customer360.sources.mapping import MappedColumn
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb

_FAULTS = "STRUCT(number INTEGER, column_name VARCHAR, reason VARCHAR)[]"


@dataclass(frozen=True)
class Counts:
    """Rows in the source (`read`), rows and cells refused."""

    read: int
    refused: int
    cells: int


class Judgement:
    """One batch under its contract, in a DuckDB session that has `source`, `broken` and `mapped`.

    `judged` holds, per contract column n, its value `v<n>` and the reason `r<n>` for which the source's was refused.
    """

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        contract: Contract,
        columns: Sequence[MappedColumn],
        extract: Extract,
        run_date: date,
    ) -> None:
        self.session, self.contract, self.columns, self.extract = session, contract, columns, extract
        self._create_judged(run_date)

    def _create_judged(self, run_date: date) -> None:
        readings, judged = [], []
        for n, mapped in enumerate(self.columns):
            conversion = _conversion(self.contract, mapped)
            readings.append(f"{conversion.value} AS c{n}")
            judged += _judged(self.contract, mapped, conversion, n, run_date)
        kept = "_position, _source, _extra" if self.contract.new_columns == "add" else "_position, _source"
        query = f"SELECT {', '.join(judged)}, {kept} FROM (SELECT *, {', '.join(readings)} FROM mapped)"
        # Reading text is the costly part: once. Typed columns are read again faster than they are written.
        once = any(
            is_text(mapped.type) and (mapped.column.type != "STRING" or mapped.column.format) for mapped in self.columns
        )
        self.session.execute(f"CREATE TEMP {'TABLE' if once else 'VIEW'} judged AS {query}")

    def refuse(self) -> Counts:
        """Create `faults`, one row per refused row or row with refused cells, and count. Call before the queries."""
        numbers = range(len(self.columns))
        wrong = " OR ".join(f"r{n} IS NOT NULL" for n in numbers)
        rows = self._faults([n for n in numbers if self.columns[n].column.required])
        cells = self._faults([n for n in numbers if not self.columns[n].column.required])
        self.session.execute(f"CREATE TEMP TABLE faults (_position BIGINT, rows {_FAULTS}, cells {_FAULTS})")
        self.session.execute(f"INSERT INTO faults SELECT _position, {rows}, {cells} FROM judged WHERE {wrong}")
        self._refuse_repeats()
        self.session.execute("UPDATE faults SET cells = [] WHERE len(rows) > 0")
        found = self.session.execute("""
            SELECT (SELECT count(*) FROM mapped) + (SELECT count(*) FROM broken),
              (SELECT count(*) FROM faults WHERE len(rows) > 0) + (SELECT count(*) FROM broken),
              (SELECT coalesce(sum(len(cells)), 0) FROM faults)""").fetchone()
        read, refused, refused_cells = found or (0, 0, 0)
        return Counts(int(read), int(refused), int(refused_cells))

    def _faults(self, numbers: Sequence[int]) -> str:
        names = [literal(mapped.column.name) for mapped in self.columns]
        each = [f"{{'number': {n + 1}, 'column_name': {names[n]}, 'reason': r{n}}}" for n in numbers]
        return f"list_filter([{', '.join(each)}], lambda fault: fault.reason IS NOT NULL)" if each else "[]"

    def _refuse_repeats(self) -> None:
        """Of the usable rows with one key the first loads. Only keys whose hash repeats are compared at all."""
        # Staging trims text, so two keys that differ by blanks at their ends are one.
        keys = ", ".join(
            f"gsql_trim(v{n})" if mapped.column.type == "STRING" else f"v{n}"
            for n, mapped in enumerate(self.columns)
            if mapped.column.name in self.contract.key
        )
        self.session.execute(f"""
            CREATE TEMP TABLE suspects AS
            SELECT hash({keys}) AS h FROM judged WHERE {self._usable} GROUP BY h HAVING count(*) > 1""")
        # Rows without an order of their own are put in that of their content, so that every read refuses the same ones.
        order = "_position" if self.extract.ordered else "content"
        self.session.execute(f"""
            CREATE TEMP TABLE repeats AS SELECT _position FROM (
              SELECT _position, row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS nth
              FROM judged {"" if self.extract.ordered else f"JOIN ({self._content}) USING (_position)"}
              WHERE {self._usable} AND hash({keys}) IN (SELECT h FROM suspects)
            ) WHERE nth > 1""")
        key = literal(", ".join(self.contract.key))
        fault = f"[{{'number': NULL, 'column_name': {key}, 'reason': 'key is repeated'}}]"
        self.session.execute("DELETE FROM faults WHERE _position IN (SELECT _position FROM repeats)")
        self.session.execute(f"INSERT INTO faults SELECT _position, {fault}, [] FROM repeats")

    @property
    def _content(self) -> str:
        values = ", ".join(f"CAST({mapped.value} AS VARCHAR)" for mapped in self.columns)
        return f"SELECT _position, CAST([{values}] AS VARCHAR) AS content FROM mapped"

    @property
    def _usable(self) -> str:
        return " AND ".join(f"v{n} IS NOT NULL" for n, mapped in enumerate(self.columns) if mapped.column.required)

    def loadable(self, audit: str) -> str:
        """The query of the rows that load, in the contract's columns and types. `audit`: SQL of the audit columns."""
        values = ", ".join(f"v{n} AS {identifier(mapped.column.name)}" for n, mapped in enumerate(self.columns))
        repeated = self.session.execute("SELECT count(*) FROM repeats").fetchone() != (0,)
        without = " ANTI JOIN repeats USING (_position)" if repeated else ""
        audit += ", _extra" if self.contract.new_columns == "add" else ""
        return f"SELECT {values}, {audit} FROM judged{without} WHERE {self._usable}"

    def refused(self, audit: str) -> str:
        """The query of this batch's quarantine rows; `audit` as for `loadable`."""
        keys = [mapped for mapped in self.columns if mapped.column.name in self.contract.key]
        key = ", ".join(f"{identifier(mapped.column.name)}: CAST({mapped.value} AS VARCHAR)" for mapped in keys)
        given = ", ".join(f"CAST({mapped.value} AS VARCHAR)" for mapped in self.columns)
        return f"""
            WITH faulty AS (
              SELECT _position, CASE WHEN len(rows) = 0 THEN 'cell' ELSE 'row' END AS kind,
                unnest(CASE WHEN len(rows) = 0 THEN cells ELSE [{{'number': rows[1].number,
                  'column_name': rows[1].column_name, 'reason': rows[1].reason || array_to_string(list_transform(
                    rows[2:], lambda fault: '; ' || fault.column_name || ' ' || fault.reason), '')}}] END) AS fault
              FROM faults
            ),
            arrived AS (
              SELECT s._position, {self._raw} AS raw, {LINE} AS line, s._source
              FROM (SELECT * FROM source SEMI JOIN faults USING (_position)) AS s {BROKEN_BEFORE}
            ),
            keyed AS (
              SELECT _position, CAST(to_json({{{key}}}) AS VARCHAR) AS key, [{given}] AS given
              FROM mapped SEMI JOIN faults USING (_position)
            ),
            entries AS (
              SELECT kind, fault.column_name, fault.reason, key, given[fault.number] AS value, raw, line, _source,
                _position
              FROM faulty JOIN arrived USING (_position) JOIN keyed USING (_position)
              UNION ALL SELECT 'row', NULL, reason, NULL, NULL, raw, line, source, NULL FROM broken
            )
            SELECT kind, column_name, reason, key, value, raw, line, {audit} FROM entries"""

    @property
    def _raw(self) -> str:
        if self.extract.raw:
            return self.extract.raw
        fields = ", ".join(
            f"{literal(name)}: {f'CAST({identifier(name)} AS VARCHAR)' if type_ == 'BLOB' else identifier(name)}"
            for name, type_ in self.extract.columns.items()
        )
        return f"CAST(to_json({{{fields}}}) AS VARCHAR)"


def _conversion(contract: Contract, mapped: MappedColumn) -> Conversion:
    column = mapped.column
    found = converted(mapped.value, mapped.type, "JSON" if column.format == "json" else column.type)
    if found is None:
        raise SchemaDriftError(
            f"{contract.name}: column {column.name} expected {column.type}, found {mapped.type}, which cannot become"
            " one; correct the source, or convert it by an expression in the binding"
        )
    if column.format == "json":
        return replace(found, value=f"CAST({found.value} AS VARCHAR)")
    if column.required and column.type == "STRING":
        # Blank as staging sees it, which trims all of Unicode's white space.
        text = found.value
        value = f"CASE WHEN gsql_trim({text}) <> '' THEN {text} END"
        return Conversion(value, f"{value} IS NOT NULL", total=True)
    return found


def _judged(contract: Contract, mapped: MappedColumn, conversion: Conversion, n: int, run_date: date) -> list[str]:
    """SQL of the value to load, NULL where it is refused, and of the reason, NULL where the value is fine."""
    column, value = mapped.column, f"c{n}"
    checks = _checks(column, value, run_date)
    reasons = [(mapped.failed, "expression failed")] if mapped.failed else []
    if not conversion.total:
        reasons.append((f"{conversion.present} AND {value} IS NULL", f"is no {(column.format or column.type).upper()}"))
    reasons += [(f"NOT ({holds})", message) for holds, message in checks]
    if column.required:
        reasons.append((f"{value} IS NULL", "key is missing" if column.name in contract.key else "is missing"))
    cases = " ".join(f"WHEN {condition} THEN {literal(message)}" for condition, message in reasons)
    kept = f"CASE WHEN {' AND '.join(holds for holds, _ in checks)} THEN {value} END" if checks else value
    return [f"{kept} AS v{n}", f"{f'CASE {cases} END' if reasons else 'CAST(NULL AS VARCHAR)'} AS r{n}"]


def _checks(column: Column, value: str, run_date: date) -> list[tuple[str, str]]:
    """What must hold of a value that is there, and what to say where it does not. Of an empty text nothing must."""
    checks, bare = [], f"trim({value}, {BLANKS})"
    if column.type in RANGES:
        checks.append((f"{value} {RANGES[column.type]}", f"is no {column.type} of the years 1 to 9999"))
    if column.allowed:
        allowed = ", ".join(literal(text.lower()) for text in ("", *column.allowed))
        checks.append((f"lower({bare}) IN ({allowed})", f"is not one of {', '.join(column.allowed)}"))
    if column.pattern:
        matches = f"regexp_full_match({bare}, {literal(column.pattern)})"
        checks.append((f"({bare} = '' OR {matches})", "does not have the form that the contract asks for"))
    for bound, sign, words in ((column.minimum, ">=", "is less than"), (column.maximum, "<=", "is more than")):
        if bound is not None:
            if column.type not in ("INT64", "NUMERIC", "FLOAT64", "DATE"):
                raise ProjectError(f"column {column.name}: a {column.type} has no minimum or maximum")
            text = str(run_date) if bound == "run_date" else bound
            limit = f"CAST({literal(text)} AS {types.to_duckdb(column.type)})"
            checks.append((f"{value} {sign} {limit}", f"{words} {text}"))
    return checks
