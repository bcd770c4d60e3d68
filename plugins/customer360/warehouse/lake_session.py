"""The lake as one process has it open: its connection, its write lock, and errors people can act on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from customer360.errors import WarehouseError, WarehouseUnavailableError
from customer360.warehouse import lake
from customer360.warehouse.disk import explained
from customer360.warehouse.duckdb_session import confine, connect
from customer360.warehouse.port import RunInfo

_GONE = (
    "\nWhere another run of the same day was at work, it has replaced or published that table meanwhile: let one of"
    " them end, then clear this layer's writes and what follows"
)


class LakeSession:
    """A lake in `folder`, opened at the first use."""

    def __init__(self, folder: Path, *, memory_limit: str | None, threads: int | None, lock_timeout: float) -> None:
        self.folder = folder
        self._memory_limit, self._threads, self._lock_timeout = memory_limit, threads, lock_timeout
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The attached DuckDB connection, opened at the first use."""
        if self._connection is None:
            with self._errors("open"):
                self._connection = self._open()
        return self._connection

    def _open(self, snapshot: int | None = None) -> duckdb.DuckDBPyConnection:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._refuse_lost_catalog()
        connection = connect(
            *lake.EXTENSIONS,
            memory_limit=self._memory_limit,
            threads=self._threads,
            temp_directory=self.folder / "tmp",
        )
        if (self.folder / "catalog.sqlite").exists():
            lake.attach(connection, self.folder, snapshot=snapshot)
        else:
            with lake.write_lock(self.folder, self._lock_timeout):
                lake.attach(connection, self.folder)
        confine(connection, folders=[self.folder])  # queries read tables, whatever they say
        return connection

    def _refuse_lost_catalog(self) -> None:
        """Files without the catalog that says what they are would pass for a new lake, and be lost in silence."""
        catalog = self.folder / "catalog.sqlite"
        if (not catalog.exists() or not catalog.stat().st_size) and any((self.folder / "data").rglob("*.parquet")):
            raise WarehouseError(
                f"open the lake {self.folder}: it holds tables' files, but its catalog {catalog} is gone or empty. Put"
                f" it back from a copy; or begin anew, which deletes all that was loaded: rm -r '{self.folder}'"
            )

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, OSError) as error:
            what = f"{doing} in the lake {self.folder}"
            if told := explained(what, self.folder, error, damaged=self._damaged):
                raise told from error
            passes = isinstance(error, (duckdb.IOException, duckdb.TransactionException, OSError))
            advice = _GONE if isinstance(error, duckdb.CatalogException) and "does not exist" in str(error) else ""
            raise (WarehouseUnavailableError if passes else WarehouseError)(f"{what}: {error}{advice}") from error

    def _damaged(self) -> str:
        """Which data files cannot be read, and what to do about it; nothing where all can."""
        files = lake.damaged_files(self._connection) if self._connection else []
        if not files:
            return ""
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        return (
            f"Damaged: {', '.join(files[:5])}{more}. Put the files back from a copy, or a raw table's from the landing"
            " zone, which has the same file for a while. Without one, a model's table is made anew from raw:"
            " `c360 run --full --date <latest day>`"
        )

    @contextmanager
    def _transaction(self, doing: str, run: RunInfo | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self.connection
        with lake.write_lock(self.folder, self._lock_timeout), self._errors(doing):
            connection.execute("BEGIN")
            try:
                yield connection
                if run:  # lets `as_of` find what a run left behind
                    connection.execute(
                        f"CALL {lake.ALIAS}.set_commit_message(?, ?, extra_info => ?)",
                        [
                            run.dag_id,
                            doing,
                            json.dumps({"run_id": run.run_id, "run_date": str(run.run_date)}),
                        ],
                    )
                connection.execute("COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # after a failed COMMIT there is nothing left to roll back
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
