"""Replay: judge what a date's load refused once more, under today's contract and binding.

What passes now goes into the raw partition, the rest stays in the quarantine with its reason of today. Both partitions
and the row of ops.loads are published together: at once on the embedded warehouse; on BigQuery one after the other,
and a replay that died in between is ended by the next one. A later load of the date replaces all of it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp

from customer360.errors import SourceError
from customer360.project import Contract, TableName, TableSpec
from customer360.project.platform import LOADS, quarantine_spec
from customer360.settings import Parameter, Settings
from customer360.sources import rejudgement
from customer360.sources.bindings import TableBinding
from customer360.warehouse.duckdb_session import confine, connect
from customer360.warehouse.duckdb_text import identifier, literal
from customer360.warehouse.port import Publication, RunInfo, Warehouse

if TYPE_CHECKING:
    import duckdb

_MARK = "_replay"
_LATEST = """
SELECT batch_id, mode, window_from, rows_read, rows_loaded, rows_quarantined, drift, source_columns
FROM ops.loads
WHERE table_name = @table_name AND loaded_date = @run_date
ORDER BY finished_at DESC, batch_id DESC
LIMIT 1
"""
_BATCHES = "SELECT DISTINCT batch_id FROM ops.loads WHERE table_name = @table_name AND loaded_date = @run_date"


@dataclass(frozen=True)
class Replayed:
    """What a replay did. `judged`: refused rows, and loaded rows with refused cells, that were judged again.

    `loaded`: rows that are in raw now; `mended`: rows there whose refused cells now have their values, some or all;
    `refused`, `cells`: what is in the quarantine afterwards; `unreadable`: of these rows, those that no contract can
    read (broken lines). `changed` is False where nothing was written.
    """

    table: TableName
    run_date: date
    judged: int
    loaded: int
    mended: int
    refused: int
    cells: int
    unreadable: int
    changed: bool


def replay(
    binding: TableBinding, contract: Contract, *, run: RunInfo, warehouse: Warehouse, settings: Settings
) -> Replayed:
    """Replay the quarantine of one table for the run's date. Doing it again changes nothing.

    SourceError where the date must be loaded again instead: its load was stopped, or a row's values depend on others.
    """
    _refuse_unfit(binding)
    step = _Replay(binding, contract, run, warehouse)
    step.begin()
    folder = settings.data / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=f"replay_{contract.name.table}_", dir=folder) as scratch,
        connect(memory_limit=settings.memory_limit, threads=settings.threads or None, temp_directory=Path(scratch))
        as session,
    ):  # fmt: skip
        confine(session, folders=[Path(scratch)])
        return step.judge(session)


def _refuse_unfit(binding: TableBinding) -> None:
    expressions = binding.columns.values()
    alone = not any(e.tree.find(exp.Window) or "_position" in map(str.lower, e.columns) for e in expressions)
    if not alone or binding.distinct:
        why = "takes one row of several (distinct)" if binding.distinct else "numbers rows by their neighbours"
        raise SourceError(
            f"{binding.contract}: the binding {why}, so refused rows cannot be judged alone; load the date again"
        )


class _Replay:
    def __init__(self, binding: TableBinding, contract: Contract, run: RunInfo, warehouse: Warehouse) -> None:
        self.binding, self.contract, self.run, self.warehouse = binding, contract, run, warehouse
        self.spec, self.quarantine = contract.spec, quarantine_spec(contract)
        self.parameters = {
            "table_name": Parameter("STRING", str(contract.name)),
            "run_date": Parameter("DATE", run.run_date),
        }
        # Another for each replay: rows of one that died are known by it.
        text = f"{contract.name}|{run.run_date}|{run.run_id}|{datetime.now(UTC)}"
        self.id = f"{run.run_date:%Y%m%d}_{hashlib.sha256(text.encode()).hexdigest()[:16]}{_MARK}"
        now = f"TIMESTAMPTZ '{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
        self.stamp = f"DATE '{run.run_date}' AS _loaded_date, {now} AS _loaded_at, {literal(self.id)} AS _batch_id"
        self.unlogged: list[str] = []

    @property
    def scratch(self) -> TableSpec:
        name = TableName(self.spec.name.dataset, f"{self.spec.name.table}__replay_{self.run.run_date:%Y%m%d}")
        return TableSpec(name, self.spec.columns, "Rows on their way from the quarantine.")

    def begin(self) -> None:
        """Read the quarantine and the log; see that they agree, and end what a replay that died had begun."""
        self.warehouse.ensure([self.spec, self.quarantine, LOADS])
        found = self._query(_LATEST)
        if not found:
            raise SourceError(f"{self.contract.name} was not loaded for {self.run.run_date}; load it first")
        self.log = found[0]
        day = "WHERE _loaded_date = @run_date"
        query = f"SELECT * FROM {self.quarantine.name} {day} ORDER BY _source, line, raw, kind, column_name, reason"
        self.entries = self.warehouse.query(query, parameters=self.parameters)
        raw = self._query(f"SELECT _batch_id, COUNT(*) AS n FROM {self.spec.name} {day} GROUP BY _batch_id")
        logged = {row["batch_id"] for row in self._query(_BATCHES)}
        self.unlogged = [row["_batch_id"] for row in raw if _is_open(row["_batch_id"], logged)]
        refused = self.entries.column("kind").to_pylist().count("row")
        loaded = sum(row["n"] for row in raw)
        in_quarantine = set(self.entries.column("_batch_id").to_pylist())
        if self.unlogged and (not in_quarantine or in_quarantine & set(self.unlogged)):
            self.warehouse.append(LOADS, self._log_row(loaded, refused, self.unlogged[0]))
            self.log, self.unlogged = self._query(_LATEST)[0], []
        if not self.unlogged and (loaded, refused) != (self.log["rows_loaded"], self.log["rows_quarantined"]):
            raise SourceError(
                f"{self.contract.name}: for {self.run.run_date} ops.loads says {self.log['rows_loaded']:,} rows loaded"
                f" and {self.log['rows_quarantined']:,} refused, there are {loaded:,} and {refused:,}: its last load"
                " was stopped. Load the date again; what it refuses then can be replayed"
            )

    def judge(self, session: duckdb.DuckDBPyConnection) -> Replayed:
        """Judge, and publish what came of it."""
        session.register("entries", self.entries)
        readable = rejudgement.create_candidates(session, self.binding)
        rejudgement.create_judged(session, self.binding, self.contract, self.run.run_date, self.stamp)
        session.register("keys", self._keys_in_raw(session))
        rejudgement.settle(session, self.contract, self.stamp)
        remaining = session.execute(f"SELECT * FROM remaining ORDER BY {_ORDER}").to_arrow_table()
        remaining = remaining.cast(self.quarantine.arrow_schema)
        count = _counter(session)
        judged, loaded = count("candidates"), count("good WHERE _kind = 'row'")
        mended = count("good WHERE _kind = 'cell'")
        kinds = remaining.column("kind").to_pylist()
        unreadable = count(f"entries WHERE kind = 'row' AND NOT coalesce({readable}, false)")
        changed = bool(loaded or mended) or self._differs(remaining)
        if changed:
            self._publish(session, remaining, loaded, rows=bool(loaded or mended))
        return Replayed(
            self.contract.name, self.run.run_date, judged, loaded, mended, kinds.count("row"), kinds.count("cell"),
            unreadable, changed,
        )  # fmt: skip

    def _keys_in_raw(self, session: duckdb.DuckDBPyConnection) -> pa.Table:
        """Keys of `good`, as they are there, that the raw partition has; `_open`: by a replay that did not end."""
        columns = [column for column in self.spec.columns if column.name in self.contract.key]
        spec = replace(self.scratch, columns=tuple(columns))
        names = ", ".join(identifier(column.name) for column in columns)
        keys = session.execute(f"SELECT DISTINCT {names} FROM good").to_arrow_table().cast(spec.arrow_schema)
        if not keys.num_rows:
            return keys.append_column("_open", pa.array([], pa.bool_()))
        self.warehouse.drop([spec.name])
        self.warehouse.append(spec, keys)
        try:
            wanted = ", ".join(f"s.{column.name}" for column in columns)
            query = f"""
                SELECT DISTINCT {wanted}, r._batch_id IN UNNEST(@unlogged) AS _open
                FROM {self.spec.name} AS r JOIN {spec.name} AS s ON {_same_key(columns)}
                WHERE r._loaded_date = @run_date"""
            parameters = {
                "run_date": self.parameters["run_date"],
                "unlogged": Parameter("ARRAY<STRING>", self.unlogged),
            }
            found = self.warehouse.query(query, parameters=parameters)
        finally:
            self.warehouse.drop([spec.name])
        return found

    def _publish(self, session: duckdb.DuckDBPyConnection, remaining: pa.Table, loaded: int, *, rows: bool) -> None:
        """Candidates of both partitions, then both at once with the line in the log."""
        day, publications = self.run.run_date, []
        before = self.warehouse.row_counts([self.spec.name]).get(self.spec.name)
        in_raw = self.log["rows_loaded"]
        scratch, candidate = self.scratch, self.spec.name.candidate(day)
        try:
            if rows:
                in_raw = self._write_candidate(session, scratch, candidate)
                publications.append(Publication(self.spec, candidate, partition=day))
            target = self.quarantine.name.candidate(day)
            self.warehouse.drop([target])
            self.warehouse.append(replace(self.quarantine, name=target), remaining)
            publications.append(Publication(self.quarantine, target, partition=day))
            refused = remaining.column("kind").to_pylist().count("row")
            if in_raw + refused != self.log["rows_read"]:
                raise SourceError(
                    f"{self.contract.name}: {self.log['rows_read']:,} rows were read for {day}, but {in_raw:,} would be"
                    f" loaded and {refused:,} refused; nothing was changed. Load the date again"
                )
            row = self._log_row(in_raw, refused, self.id, remaining, before, loaded)
            self.warehouse.publish(publications, run=self.run, log={LOADS: row})
        finally:
            self.warehouse.drop([scratch.name, candidate, self.quarantine.name.candidate(day)])

    def _write_candidate(self, session: duckdb.DuckDBPyConnection, scratch: TableSpec, candidate: TableName) -> int:
        names = ", ".join(identifier(column.name) for column in self.spec.columns)
        good = session.execute(f"SELECT {names} FROM good").to_arrow_table().cast(scratch.arrow_schema)
        self.warehouse.drop([scratch.name])
        self.warehouse.append(scratch, good)
        keys = [column for column in self.spec.columns if column.name in self.contract.key]
        kept = ", ".join(f"r.{column.name}" for column in self.spec.columns)
        new = ", ".join(f"s.{column.name}" for column in self.spec.columns)
        sql = f"""
            SELECT {kept} FROM {self.spec.name} AS r LEFT JOIN {scratch.name} AS s ON {_same_key(keys)}
            WHERE r._loaded_date = @run_date AND s._loaded_date IS NULL AND r._batch_id NOT IN UNNEST(@unlogged)
            UNION ALL
            SELECT {new} FROM {scratch.name} AS s"""
        parameters = {
            "run_date": self.parameters["run_date"],
            "unlogged": Parameter("ARRAY<STRING>", self.unlogged),
        }
        return self.warehouse.write(self.spec, sql, target=candidate, parameters=parameters, run=self.run).rows

    def _differs(self, remaining: pa.Table) -> bool:
        kept = [name for name in self.quarantine.schema if name not in ("_loaded_at", "_batch_id")]
        before = self.entries.select(kept).cast(remaining.select(kept).schema)
        return sorted(map(str, before.to_pylist())) != sorted(map(str, remaining.select(kept).to_pylist()))

    def _log_row(
        self, loaded: int, refused: int, batch_id: str, remaining: pa.Table | None = None, before: int | None = None,
        added: int = 0,
    ) -> pa.Table:  # fmt: skip
        entries = self.entries if remaining is None else remaining
        row: dict[str, Any] = {
            "table_name": str(self.contract.name), "loaded_date": self.run.run_date, "run_id": self.run.run_id,
            "batch_id": batch_id, "mode": self.log["mode"], "window_from": self.log["window_from"],
            "rows_read": loaded + refused, "rows_loaded": loaded, "rows_quarantined": refused,
            "cells_quarantined": entries.column("kind").to_pylist().count("cell"), "drift": self.log["drift"],
            "seconds": 0.0, "finished_at": datetime.now(UTC), "run_by": self.run.run_by, "run_type": self.run.run_type,
            "rows_before": before, "rows_after": None if before is None else before + added,
            "code_version": self.run.code_version, "source_columns": self.log["source_columns"],
        }  # fmt: skip
        return pa.Table.from_pylist([row], schema=LOADS.arrow_schema)

    def _query(self, sql: str) -> list[dict[str, Any]]:
        names = {name: value for name, value in self.parameters.items() if f"@{name}" in sql}
        found: list[dict[str, Any]] = self.warehouse.query(sql, parameters=names).to_pylist()
        return found


_ORDER = "_source, line, raw, kind, column_name, reason"


def _is_open(batch_id: str, logged: set[str]) -> bool:
    """Whether a replay wrote under this id and did not get to say so."""
    return batch_id.endswith(_MARK) and batch_id not in logged


def _same_key(columns: Sequence[Any]) -> str:
    """Keys that differ by blanks at their ends are one, as for a load."""
    each = (
        f"TRIM(r.{c.name}) = TRIM(s.{c.name})" if c.type == "STRING" else f"r.{c.name} = s.{c.name}" for c in columns
    )
    return " AND ".join(each)


def _counter(session: duckdb.DuckDBPyConnection) -> Any:
    def count(what: str) -> int:
        row = session.execute(f"SELECT count(*) FROM {what}").fetchone()
        return int(row[0]) if row else 0

    return count
