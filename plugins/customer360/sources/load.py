"""One load: a table's window of a source → contract → landing zone → its raw partition, its refusals → quarantine."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from customer360.errors import SchemaDriftError, SourceError, SourceUnreachableError, TooManyRefusedError
from customer360.project import Contract, TableName, TableSpec
from customer360.project.platform import LOADS, quarantine_spec
from customer360.settings import Settings
from customer360.sources import drift, lines, mapping
from customer360.sources.bindings import Mode, TableBinding
from customer360.sources.connections import Connection, failure
from customer360.sources.databases import read_database
from customer360.sources.extract import Extract, read_parquet
from customer360.sources.files import SourceFile, source_files, unchanged
from customer360.sources.judgement import Counts, Judgement
from customer360.sources.landing import Landing, folder_landing
from customer360.sources.window import Window, window
from customer360.warehouse.costs import jobs_row, note_costs
from customer360.warehouse.disk import disk_errors, explained
from customer360.warehouse.duckdb_session import confine, connect
from customer360.warehouse.duckdb_text import literal
from customer360.warehouse.port import JobStats, RunInfo, Warehouse

if TYPE_CHECKING:
    import duckdb
    from google.cloud.storage import Client

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadResult:
    """What a load read, loaded and refused: rows_read = rows_loaded + rows_quarantined. `drift`: one sentence each.

    `url`: the page of the warehouse's load job, where it has one.
    """

    table: TableName
    run_date: date
    batch_id: str
    mode: Mode
    window_from: date | None
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    cells_quarantined: int
    drift: tuple[str, ...] = ()
    seconds: float = 0.0
    url: str | None = None


def load_table(
    binding: TableBinding,
    contract: Contract,
    *,
    run: RunInfo,
    warehouse: Warehouse,
    settings: Settings,
    connections: Callable[[str], Connection],
    landing: Landing | None = None,
    buckets: Callable[[], Client] | None = None,
) -> LoadResult:
    """Load one table for the run's date, replacing that date's partition and its quarantine.

    `landing` is where the extract lands on its way; default is the folder that the settings name. `buckets` gives the
    client that reads files in gs://.

    Raises SchemaDriftError where source and contract do not go together, TooManyRefusedError above the contract's
    share (the refused rows are in the quarantine then, raw is untouched), SourceUnreachableError for what is out of
    reach or changes meanwhile, SourceError for what cannot be read.
    """
    started = time.monotonic()
    period = window(binding, run, warehouse)
    folder = settings.data / "tmp"
    with disk_errors(f"make room for {contract.name}", folder):
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f"load_{contract.name.table}_", dir=folder))
    batch = _Batch(binding, contract, run, settings, scratch, buckets)
    try:
        result = batch.extract(period, connections)
        changes = drift.note(batch.seen, contract, binding, run=run, warehouse=warehouse)
        before = warehouse.row_counts([contract.name])
        stats = _commit(batch, result, warehouse, landing or folder_landing(settings.landing_zone))
    except SchemaDriftError:
        for change in drift.note(batch.seen, contract, binding, run=run, warehouse=warehouse, refused=True):
            log.warning("%s: %s", contract.name, change)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for change in changes:
        log.warning("%s: %s", contract.name, change)
    result = replace(
        result, drift=(*result.drift, *changes), seconds=round(time.monotonic() - started, 3), url=stats.url
    )
    after = warehouse.row_counts([contract.name])
    counts = (before.get(contract.name), after.get(contract.name))
    warehouse.append(LOADS, _log_row(result, run, *counts, batch.seen))
    note_costs(warehouse, jobs_row(run, "load", contract.name, stats))
    if result.drift:
        log.info("%s: %s", contract.name, "; ".join(result.drift))
    log.info(
        "%s: %s read = %s loaded + %s refused, %s cells refused, in %.1f s", contract.name, f"{result.rows_read:,}",
        f"{result.rows_loaded:,}", f"{result.rows_quarantined:,}", f"{result.cells_quarantined:,}", result.seconds,
    )  # fmt: skip
    return result


@dataclass(frozen=True)
class _Batch:
    """One load's files: `good` and `refused` are Parquet in the scratch folder, columns and types as in the specs.

    `seen` is filled with the source's columns as soon as they are known.
    """

    binding: TableBinding
    contract: Contract
    run: RunInfo
    settings: Settings
    scratch: Path
    buckets: Callable[[], Client] | None = None
    seen: list[drift.Seen] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The same for every try of one run, so that a repeated load gives the same rows."""
        text = f"{self.contract.name}|{self.run.run_date}|{self.run.run_id}"
        return f"{self.run.run_date:%Y%m%d}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    @property
    def _doing(self) -> str:
        return f"{self.contract.name}: write what was read of {self.binding.place}"

    @property
    def good(self) -> Path:
        return self.scratch / "good.parquet"

    @property
    def refused(self) -> Path:
        return self.scratch / "refused.parquet"

    def extract(self, period: Window, connections: Callable[[str], Connection]) -> LoadResult:
        """Read, judge, and write both files. Whatever the source holds, the counts add up or nothing is loaded."""
        import duckdb

        connection = connections(self.binding.connection) if self.binding.connection else None
        with connect(
            *([connection.extension] if connection else []),
            memory_limit=self.settings.memory_limit,
            threads=self.settings.threads or None,
            temp_directory=self.scratch / "spill",
        ) as session:
            try:
                files = [] if connection else self._files(period)
                with unchanged(self.binding, files):
                    source = self._read(session, period, connection, files)
                    return self._judge(session, source, period)
            except (duckdb.Error, OSError) as error:
                if str(self.scratch) in str(error) and (told := explained(self._doing, self.scratch.parent, error)):
                    raise told from error  # it is this machine that fails, not the source
                kind = failure(error)
                asked = "; did the source change while it was read?" if kind is SourceUnreachableError else ""
                raise kind(f"{self.contract.name}: cannot read {self.binding.place}: {error}{asked}") from error

    def _files(self, period: Window) -> list[SourceFile]:
        return source_files(self.binding, period, self.settings, self.scratch, self.buckets)

    def _read(
        self,
        session: duckdb.DuckDBPyConnection,
        period: Window,
        connection: Connection | None,
        files: list[SourceFile],
    ) -> Extract | None:
        wanted = mapping.wanted_columns(self.binding, self.contract)
        if connection:
            names = mapping.EVERYTHING if self.contract.new_columns == "add" else wanted
            return read_database(session, self.binding, connection, period, names, self.scratch)
        if not files:
            log.warning("%s: no file is dated %s to %s", self.contract.name, period.first or "…", period.last)
            return None
        confine(session, folders=[self.scratch], files=[file.path for file in files])
        if self.binding.format == "parquet":
            return read_parquet(session, files)
        session.execute("SET preserve_insertion_order = true")  # rows are numbered as they lie in the file
        if self.binding.format == "csv":
            return lines.read_csv(session, files, self.binding, self.scratch)
        documents = mapping.document_columns(self.binding, self.contract)
        return lines.read_ndjson(session, files, self.binding, self.scratch, wanted.values(), documents)

    def _judge(self, session: duckdb.DuckDBPyConnection, source: Extract | None, period: Window) -> LoadResult:
        counts, loaded, extra = Counts(0, 0, 0), 0, tuple[str, ...]()
        if source is not None:
            self.seen.extend(drift.observed(session, source, mapping.wanted_columns(self.binding, self.contract)))
            extra = mapping.drift(self.binding, self.contract, source)
            columns = mapping.create_mapped(session, self.binding, self.contract, source, period)
            judgement = Judgement(session, self.contract, columns, source, self.run.run_date)
            counts = judgement.refuse()
            session.execute("SET preserve_insertion_order = false")
            loaded = _write(session, judgement.loadable(self._audit), self.good)
            listed = _write(session, judgement.refused(self._audit), self.refused)
            if loaded + counts.refused != counts.read or listed != counts.refused + counts.cells:
                raise SourceUnreachableError(
                    f"{self.contract.name}: {counts.read} rows read, but {loaded} to load and {counts.refused} refused"
                    f" ({listed} listed, with {counts.cells} cells); nothing was loaded: did the source"
                    " change while it was read?"
                )
        return LoadResult(
            table=self.contract.name,
            run_date=self.run.run_date,
            batch_id=self.id,
            mode=self.binding.load.mode,
            window_from=period.first,
            rows_read=counts.read,
            rows_loaded=loaded,
            rows_quarantined=counts.refused,
            cells_quarantined=counts.cells,
            drift=extra,
        )

    @property
    def _audit(self) -> str:
        now = datetime.now(UTC)
        return (
            f"DATE '{self.run.run_date}' AS _loaded_date, TIMESTAMPTZ '{now:%Y-%m-%d %H:%M:%S.%f}+00' AS _loaded_at,"
            f" {literal(self.id)} AS _batch_id, _source"
        )


def _write(session: duckdb.DuckDBPyConnection, query: str, file: Path) -> int:
    row = session.execute(f"COPY ({query}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION snappy)").fetchone()
    return int(row[0]) if row else 0


def _commit(batch: _Batch, result: LoadResult, warehouse: Warehouse, landing: Landing) -> JobStats:
    """Quarantine first, then raw: a load that fails in between, or for too many refusals, can be looked into."""
    contract, refused_spec = batch.contract, quarantine_spec(batch.contract)
    put = _Put(batch, warehouse, landing)
    examples = _examples(batch.refused) if result.rows_quarantined else ""
    put(refused_spec, batch.refused, result.rows_quarantined + result.cells_quarantined)
    if contract.too_many(result.rows_quarantined, result.rows_read):
        share = result.rows_quarantined / result.rows_read
        raise TooManyRefusedError(
            f"{contract.name}: {result.rows_quarantined:,} of {result.rows_read:,} rows refused ({share:.1%}, allowed"
            f" {contract.max_refused_share:.1%}); nothing was loaded. {examples}; all are in {refused_spec.name},"
            f" _loaded_date {batch.run.run_date}"
        )
    return put(contract.spec, batch.good, result.rows_loaded)


@dataclass(frozen=True)
class _Put:
    """Replaces a partition by a file's rows. The landing zone keeps the file of the last load of each date."""

    batch: _Batch
    warehouse: Warehouse
    landing: Landing

    def __call__(self, spec: TableSpec, file: Path, rows: int) -> JobStats:
        day = self.batch.run.run_date
        target = self.landing.address(spec.name, day, self.batch.id)
        if rows:
            self.landing.place(file, target)
        stats = self.warehouse.load(spec, [target] if rows else [], partition=day, run=self.batch.run)
        if stats.rows != rows:
            raise SourceError(f"{spec.name}: {rows} rows were landed in {target}, but the warehouse took {stats.rows}")
        self.landing.remove_others(target, keep=rows > 0)
        return stats


def _examples(file: Path) -> str:
    """The commonest reasons, each with where to look: a line, else the row's key."""
    query = """SELECT coalesce(column_name || ' ', '') || reason AS why, count(*) AS n,
          min(coalesce('line ' || line, key, 'a row') || ' of ' || _source) AS example
        FROM read_parquet(?) WHERE kind = 'row' GROUP BY why ORDER BY n DESC, why LIMIT 3"""
    with connect() as session:
        found = session.execute(query, [str(file)]).fetchall()
    return "; ".join(f"{n:,} × {why} (such as {example})" for why, n, example in found)


def _log_row(
    result: LoadResult, run: RunInfo, before: int | None, after: int | None, seen: Sequence[drift.Seen]
) -> pa.Table:
    row = {
        "table_name": str(result.table),
        "loaded_date": result.run_date,
        "run_id": run.run_id,
        "batch_id": result.batch_id,
        "mode": result.mode,
        "window_from": result.window_from,
        "rows_read": result.rows_read,
        "rows_loaded": result.rows_loaded,
        "rows_quarantined": result.rows_quarantined,
        "cells_quarantined": result.cells_quarantined,
        "drift": list(result.drift),
        "seconds": result.seconds,
        "finished_at": datetime.now(UTC),
        "run_by": run.run_by,
        "run_type": run.run_type,
        "rows_before": before,
        "rows_after": after,
        "code_version": run.code_version,
        "source_columns": [asdict(column) for column in seen],
    }
    return pa.Table.from_pylist([row], schema=LOADS.arrow_schema)
