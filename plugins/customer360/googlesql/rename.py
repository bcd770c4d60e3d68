"""Send a query's reads to other tables, keeping its text otherwise: comments and layout stay."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from customer360.googlesql.parse import parse_query


def rename_tables(sql: str, renames: Mapping[str, str]) -> str:
    """Replace `dataset.table` by `renames[dataset.table]` wherever it is read.

    A read without an alias gets the old table's name as one, so that `fct_orders.order_id` still resolves.
    """
    spans: list[tuple[int, int, str]] = []
    for table in parse_query(sql).find_all(exp.Table):
        new = renames.get(f"{table.db}.{table.name}") if table.db else None
        if new:
            alias = "" if table.alias else f" AS {table.name}"
            spans.append((table.args["db"].meta["start"], table.this.meta["end"] + 1, new + alias))
    for start, end, text in sorted(spans, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql
