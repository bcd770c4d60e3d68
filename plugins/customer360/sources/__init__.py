"""Source systems → raw tables: bindings say where a contract's rows come from, `load_table` loads one logical date."""

from customer360.sources.bindings import SystemBinding, TableBinding, load_bindings
from customer360.sources.connections import Connection
from customer360.sources.freshness import check_freshness
from customer360.sources.load import LoadResult, load_table
from customer360.sources.window import loaded_days

__all__ = [
    "Connection",
    "LoadResult",
    "SystemBinding",
    "TableBinding",
    "check_freshness",
    "load_bindings",
    "load_table",
    "loaded_days",
]
