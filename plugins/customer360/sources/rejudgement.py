"""Refused rows judged once more, in a DuckDB session: from `entries`, the quarantine of a date, to `good`, the rows for
raw, and `remaining`, what its quarantine holds then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from customer360.project import Contract
from customer360.sources import mapping
from customer360.sources.bindings import Load, TableBinding
from customer360.sources.extract import BROKEN
from customer360.sources.judgement import Judgement
from customer360.sources.lines import LINES, objects_read
from customer360.sources.window import Window
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb


def create_candidates(session: duckdb.DuckDBPyConnection, binding: TableBinding) -> str:
    """The rows of `entries` that can be judged: refused ones, and loaded ones with refused cells (kind cell).

    Returns the condition of the refused ones among all.
    """
    readable = "kind = 'row' AND json_valid(raw) AND CASE WHEN json_valid(raw) THEN json_type(raw) END = 'OBJECT'"
    if not _of_json(binding):
        readable += " AND column_name IS NOT NULL"  # a broken line of a CSV that happens to look like JSON
    session.execute(f"""
        CREATE TEMP TABLE candidates AS SELECT *, row_number() OVER (ORDER BY kind, _source, line, raw) AS position
        FROM (
          SELECT kind, raw, line, _source FROM entries WHERE {readable}
          UNION ALL SELECT DISTINCT kind, raw, line, _source FROM entries WHERE kind = 'cell'
        )""")
    return readable


def _of_json(binding: TableBinding) -> bool:
    """Whether rows were kept as the lines of JSON that they came in."""
    return binding.format == "ndjson" and not binding.connection


def create_judged(
    session: duckdb.DuckDBPyConnection, binding: TableBinding, contract: Contract, run_date: date, stamp: str
) -> None:
    """`good` and `bad`: the candidates' rows that load now, and entries for what is refused still. `stamp`: SQL of
    the audit columns but _source.

    Names that are not the contract's begin with _, which none of its own does.
    """
    session.execute(LINES)
    session.execute("INSERT INTO lines SELECT raw, position, line, _source FROM candidates")
    session.execute(BROKEN)
    wanted = mapping.wanted_columns(binding, contract).values()
    # In JSON that a CSV's or a database's row was kept as, a document is a text.
    documents = mapping.document_columns(binding, contract) if _of_json(binding) else ()
    extract = objects_read(session, wanted, documents, "the quarantine")
    # Which rows a load reads was decided when they were read.
    bound = replace(binding, where=None, load=Load("snapshot"))
    columns = mapping.create_mapped(session, bound, contract, replace(extract, absent={}), Window(None, run_date))
    judgement = Judgement(session, contract, columns, extract, run_date)
    judgement.refuse()
    audit = f"{stamp}, _source, _position"
    session.execute(f"""
        CREATE TEMP TABLE good AS SELECT g.*, c.kind AS _kind, c.raw AS _raw, c.line AS _line
        FROM ({judgement.loadable(audit)}) AS g JOIN candidates AS c ON c.position = g._position""")
    session.execute(f"CREATE TEMP TABLE bad AS {judgement.refused(audit)}")


def settle(session: duckdb.DuckDBPyConnection, contract: Contract, stamp: str) -> None:
    """Leave in `good` what raw takes, and put what the quarantine holds afterwards into `remaining`.

    The table `keys` has the keys of `good` that are in raw; `_open`: only by a replay that did not end.
    """
    names = [identifier(name) for name in contract.key]
    same = " AND ".join(f"g.{name} IS NOT DISTINCT FROM k.{name}" for name in names)
    session.execute(f"""
        CREATE TEMP TABLE repeated AS SELECT _position FROM good AS g
        WHERE _kind = 'row' AND EXISTS (SELECT 1 FROM keys AS k WHERE NOT k._open AND {same})""")
    # A row with refused cells takes the place of the one that was loaded; where that is not to be found, it stays.
    session.execute(f"DELETE FROM good AS g WHERE _kind = 'cell' AND NOT EXISTS (SELECT 1 FROM keys AS k WHERE {same})")
    key = ", ".join(f"{name}: CAST({name} AS VARCHAR)" for name in names)
    audit = "_loaded_date, _loaded_at, _batch_id, _source"
    session.execute(f"""
        CREATE TEMP TABLE remaining AS
        SELECT kind, column_name, reason, key, value, raw, line, {audit} FROM bad AS b
        WHERE _position IN (SELECT position FROM candidates WHERE kind = 'row')
          OR _position IN (SELECT _position FROM good WHERE _kind = 'cell')
          OR (_position IS NULL AND EXISTS (SELECT 1 FROM candidates AS c WHERE c.kind = 'row' AND c.raw = b.raw))
        UNION ALL
        SELECT 'row', {literal(", ".join(contract.key))}, 'key is repeated',
          CAST(to_json({{{key}}}) AS VARCHAR), NULL, _raw, _line, {audit}
        FROM good WHERE _position IN (FROM repeated)
        UNION ALL
        SELECT kind, column_name, reason, key, value, raw, line, {stamp}, _source
        FROM entries AS e
        WHERE NOT EXISTS (
          SELECT 1 FROM candidates AS c WHERE c.kind = e.kind AND c.raw = e.raw AND c._source = e._source
            AND c.line IS NOT DISTINCT FROM e.line
            AND (c.kind = 'row' OR c.position IN (SELECT _position FROM good)))""")
    session.execute("DELETE FROM good WHERE _position IN (FROM repeated)")
    # Rows whose cells are all refused as before need no writing.
    faults = "list(column_name ORDER BY column_name) AS faults"
    session.execute(f"""
        DELETE FROM good WHERE _position IN (
          SELECT c.position FROM candidates AS c
          JOIN (SELECT _position, {faults} FROM bad WHERE kind = 'cell' GROUP BY _position) AS now
            ON now._position = c.position
          JOIN (SELECT raw, line, _source, {faults} FROM entries WHERE kind = 'cell' GROUP BY ALL) AS before
            ON before.raw = c.raw AND before._source = c._source AND before.line IS NOT DISTINCT FROM c.line
          WHERE c.kind = 'cell' AND now.faults = before.faults)""")
