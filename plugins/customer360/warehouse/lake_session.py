"""The lake as one process has it open: its connection, its write lock, and errors people can act on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from customer360.errors import WarehouseError, WarehouseUnavailableError
from customer360.warehouse import lake
from customer360.warehouse.duckdb_session import confine, connect
from customer360.warehouse.port import RunInfo


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

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (duckdb.IOException, duckdb.TransactionException, OSError) as error:
            raise WarehouseUnavailableError(f"{doing} in the lake {self.folder}: {error}") from error
        except duckdb.Error as error:
            raise WarehouseError(f"{doing} in the lake {self.folder}: {error}") from error

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
