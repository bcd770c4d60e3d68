"""Great Expectations connected to a warehouse: one context, one data source per dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from customer360.errors import WarehouseError, WarehouseUnavailableError
from customer360.warehouse import Warehouse

if TYPE_CHECKING:
    from google.cloud import bigquery
    from great_expectations.datasource.fluent.interfaces import Batch

    from customer360.project.names import TableName
    from customer360.warehouse.bigquery import BigQueryWarehouse
    from customer360.warehouse.local import LocalWarehouse
    from customer360.warehouse.port import RunInfo


# Of candidates, all of a layer together: their copies in memory are about as large.
_AT_HAND_BYTES = 128 * 1024 * 1024


class _Dialect(StrEnum):
    """Great Expectations asks for members with `.value` that equal the dialect's name."""

    DUCKDB = "duckdb"


class Session:
    """Batches of tables, over connections that live until the session is closed."""

    def __init__(
        self, warehouse: Warehouse, run: RunInfo, cleanup: ExitStack, at_hand: Mapping[TableName, TableName]
    ) -> None:
        self._warehouse, self._run, self._cleanup = warehouse, run, cleanup
        self.at_hand = at_hand  # where copies of tables are that are quicker to ask
        self._context = _context()
        self._sources: dict[str, Any] = {}
        self._interruption: BaseException | None = None
        self._client: bigquery.Client | None = None

    def batch(self, table: TableName) -> Batch:
        """The whole of a table, for Great Expectations to look at."""
        # BigQuery's dialect qualifies names only for clients of its own making.
        place = self.at_hand.get(table, table)
        name = str(table) if self._warehouse.engine == "bigquery" else place.table
        try:
            if place.dataset not in self._sources:
                self._sources[place.dataset] = self._source(place.dataset)
            asset = self._sources[place.dataset].add_table_asset(str(table), table_name=name)
            return cast("Batch", asset.add_batch_definition_whole_table("all").get_batch())
        except WarehouseError:
            raise
        except Exception as error:  # Great Expectations has no base class for what it raises here
            self.raise_if_interrupted(table)
            raise WarehouseError(f"Great Expectations cannot read {table}: {error}") from error

    def raise_if_interrupted(self, table: TableName) -> None:
        """WarehouseUnavailableError if a query failed for something that passes: that says nothing about the rows, and
        Great Expectations would tell of it like of an expectation that cannot be evaluated."""
        if self._interruption is not None:
            error, self._interruption = self._interruption, None
            raise WarehouseUnavailableError(
                f"the audit of {table} was interrupted, nothing is known about its rows yet: {error}."
                " The task is tried again by itself"
            ) from error

    def _labelled_client(self) -> bigquery.Client:
        if self._client is None:
            warehouse = cast("BigQueryWarehouse", self._warehouse)
            self._client = self._cleanup.enter_context(warehouse.labelled(self._run))
        return self._client

    def _listen(self, source: Any) -> None:
        from sqlalchemy import event

        from customer360.warehouse.bigquery_errors import ERRORS, retry_helps

        def remember(context: Any) -> None:
            error = context.original_exception
            inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
            if isinstance(inner, ERRORS) and retry_helps(inner):
                self._interruption = inner

        for engine in {source.get_engine(), source.get_execution_engine().engine}:
            event.listen(engine, "handle_error", remember)

    def _source(self, dataset: str) -> Any:
        add = self._context.data_sources
        match self._warehouse.engine:
            case "local":
                url, kwargs = _lake(cast("LocalWarehouse", self._warehouse), dataset)
                source = add.add_sql(dataset, connection_string=url, kwargs=kwargs)
            case "bigquery":
                client = self._labelled_client()
                url, kwargs = _bigquery(client, dataset)
                source = add.add_bigquery(dataset, connection_string=url, kwargs=kwargs)
                self._listen(source)
            case other:
                raise WarehouseError(f"Great Expectations has no connection to a {other!r} warehouse")
        self._cleanup.callback(_close, source)
        return source


@contextmanager
def session(warehouse: Warehouse, run: RunInfo, tables: Iterable[TableName] = ()) -> Iterator[Session]:
    """Great Expectations over a warehouse, to look at these tables. The first in a process takes about 4 s: its
    import."""
    with ExitStack() as cleanup:
        at_hand: Mapping[TableName, TableName] = {}
        if warehouse.engine == "local":
            lake = cast("LocalWarehouse", warehouse)
            at_hand = cleanup.enter_context(lake.at_hand(tables, maximum_bytes=_AT_HAND_BYTES))
        yield Session(warehouse, run, cleanup, at_hand)


def _close(source: Any) -> None:
    engine = source.get_execution_engine()
    with engine.get_connection() as connection:  # the one that it persists
        connection.close()
    engine.engine.dispose()
    source.get_engine().dispose()


def _context() -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )


def _lake(warehouse: LocalWarehouse, dataset: str) -> tuple[str, dict[str, Any]]:
    """Cursors of the warehouse's own DuckDB, so that memory limit, threads and the attached lake are shared."""
    import duckdb_engine
    from great_expectations.execution_engine import sqlalchemy_execution_engine as gx_engine

    from customer360.googlesql.session import SESSION_SETTINGS
    from customer360.quality.lake_dialect import URL
    from customer360.warehouse.lake import ALIAS, SCRATCH

    # Great Expectations closes a connection before it fetches, except with these; DuckDB's result dies with it.
    if _Dialect.DUCKDB not in gx_engine._PERSISTED_CONNECTION_DIALECTS:
        gx_engine._PERSISTED_CONNECTION_DIALECTS = (  # type: ignore[assignment]
            *gx_engine._PERSISTED_CONNECTION_DIALECTS,
            _Dialect.DUCKDB,
        )

    def connect() -> duckdb_engine.ConnectionWrapper:
        cursor = warehouse.connection.cursor()
        for statement in SESSION_SETTINGS:  # a cursor does not inherit them
            cursor.execute(statement)
        # A query looks for its functions too in what is in use: in the lake, that alone takes longer than the query.
        cursor.execute(f"USE {SCRATCH}" if dataset == SCRATCH else f'USE {ALIAS}."{dataset}"')
        return duckdb_engine.ConnectionWrapper(cursor)

    return URL, {"creator": connect}


def _bigquery(client: bigquery.Client, dataset: str) -> tuple[str, dict[str, Any]]:
    """sqlalchemy-bigquery (it comes with Airflow's Google provider) over the adapter's own client.

    Not with the Storage Read API, which takes another permission and another protocol for a few sample rows.
    """
    url = f"bigquery://{client.project}/{dataset}?user_supplied_client=true"
    return url, {"connect_args": {"client": client, "prefer_bqstorage_client": False}}
