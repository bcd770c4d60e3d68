"""Awkward values as a table: one column of one row each, loaded at once; each arrives as it is, or is refused and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from customer360.project import AUDIT_COLUMNS, Column
from customer360.sources import Connection
from customer360.warehouse.local import LocalWarehouse
from sources.conftest import NAME, ORDERS, Shop


class Refused(NamedTuple):
    """The cell is NULL, and the quarantine says why and what there was."""

    reason: str
    value: str


class Case(NamedTuple):
    """`type` and `value` are the server's SQL, `contract` the type that the contract asks for (`json`: a document)."""

    type: str
    value: str
    contract: str
    expected: Any


def assert_each(
    shop: Shop, cases: Sequence[Case], connection: Connection, sql: Callable[[str], Any], broken: int = 0
) -> None:
    """Make the table, load it, and compare every value and every refusal. `broken`: rows that `sql` adds to be refused."""
    json = [case.contract == "json" for case in cases]
    columns = [
        Column(f"c{n}", "STRING" if json[n] else case.contract, "", format="json" if json[n] else None)
        for n, case in enumerate(cases)
    ]
    spec = replace(ORDERS.spec, columns=(Column("id", "INT64", "", required=True), *columns, *AUDIT_COLUMNS))
    shop.contract = replace(ORDERS, spec=spec, key=("id",), event_time=None)
    shop.connections["shop_db"] = connection
    shop.warehouse.close()
    shop.warehouse = LocalWarehouse(shop.settings.lake, schemas={str(NAME): spec.schema})
    types = ", ".join(f"c{n} {case.type}" for n, case in enumerate(cases))
    values = ", ".join(case.value for case in cases)
    sql(f"CREATE TABLE awkward (id int, {types}); INSERT INTO awkward VALUES (1, {values});")
    result = shop.load("connection: shop_db\nrelation: awkward\nload: snapshot")
    assert (result.rows_read, result.rows_loaded) == (1 + broken, 1), shop.refusals()
    (row,) = shop.warehouse.query("SELECT * FROM raw_shop.orders").to_pylist()
    entries = shop.quarantine() if result.cells_quarantined else []
    refused = {entry["column_name"]: Refused(entry["reason"], entry["value"]) for entry in entries}
    found = {f"c{n}": refused.get(f"c{n}", row[f"c{n}"]) for n in range(len(cases))}
    for n, case in enumerate(cases):
        assert found[f"c{n}"] == case.expected, (case, found[f"c{n}"])
        assert type(found[f"c{n}"]) is type(case.expected), (case, found[f"c{n}"])
        assert not isinstance(case.expected, Refused) or row[f"c{n}"] is None, case
