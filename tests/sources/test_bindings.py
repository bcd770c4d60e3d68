"""Binding files: what is read, and that everything wrong is refused by file and place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from customer360.errors import ProjectError
from customer360.project import Project, load_project
from customer360.sources import load_bindings
from customer360.sources.bindings import Freshness
from sources.conftest import NAME, ORDERS

ROOT = Path(__file__).parents[2]
GOOD = """
system: shop
description: A shop.
tables:
  orders:
    connection: db
    relation: orders
    load: {cursor: updated_at, lookback_days: 3}
    where: deleted IS NULL
    freshness: {warn_after: 36 hours, fail_after: 7 days}
    distinct: {by: [order_id], latest: updated_at}
    columns: {order_id: number, line: 1}
"""


def project() -> Project:
    return Project(Path(), {}, {NAME: ORDERS})


def test_a_binding_says_where_rows_come_from(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(GOOD)
    (tmp_path / "example.yaml").write_text("description: what the folder is about")
    system = load_bindings(tmp_path, project())["shop"]
    binding = system.tables["orders"]
    assert (system.description, binding.contract, binding.place) == ("A shop.", NAME, "db.orders")
    assert (binding.load.mode, binding.load.lookback_days) == ("cursor", 3)
    assert binding.freshness == Freshness("placed_at", timedelta(hours=36), timedelta(days=7))
    assert binding.distinct is not None
    assert binding.distinct.by == ("order_id",)
    assert {name: e.text for name, e in binding.columns.items()} == {"order_id": "number", "line": "1"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("system: shop", "system: crm", "system: 'crm' has no contract .*shop"),
        ("description:", "descripton:", "unknown key 'descripton'"),
        ("  orders:", "  order:", "tables.order: is no contract .*orders"),
        ("connection: db", "conection: db", "tables.orders: unknown key 'conection'"),
        ("    relation: orders\n", "", "tables.orders: relation is missing"),
        ("connection: db", "files: a.csv\n    format: csv", "relation and files exclude each other"),
        ("{cursor: updated_at, lookback_days: 3}", "sometimes", "tables.orders.load: is 'sometimes'"),
        ("{cursor: updated_at, lookback_days: 3}", "{file_date: 'x_(.*)'}", "file_date: is for files"),
        ("lookback_days: 3", "lookback_days: -3", "lookback_days: is -3"),
        ("36 hours", "soon", "freshness.warn_after: is 'soon' .*36 hours, 2 days"),
        ("36 hours", "0 days", "freshness.warn_after: is '0 days'"),
        ("36 hours", "7 days", "freshness: warn_after must be less than fail_after"),
        ("warn_after: 36 hours, fail_after: 7 days", "column: born", "freshness: needs warn_after or fail_after"),
        ("warn_after: 36 hours", "column: note", "freshness.column: is 'note' .*placed_at, born"),
        (
            "{order_id: number, line: 1}",
            "{order: number}",
            "columns: 'order' is no column of raw_shop.orders .*order_id",
        ),
        ("order_id: number", "order_id: (number", "tables.orders.columns.order_id: "),
        ("order_id: number", "order_id: (SELECT 1)", "columns.order_id: .*subquery"),
        ("order_id: number", "order_id: t.number", "columns.order_id: t.number names a table"),
        ("order_id: number", "order_id: CURRENT_DATE()", "columns.order_id: .*allow-list"),
        ("order_id: number", "order_id: '@run_date'", "columns.order_id: @run_date is a parameter"),
        ("deleted IS NULL", "deleted IS", "tables.orders.where: "),
        ("by: [order_id]", "by: [id]", r"distinct.by: is \['id'\]"),
        ("tables:", "tables: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_refused_by_file_and_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    (tmp_path / "shop.yaml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ProjectError, match=message) as caught:
        load_bindings(tmp_path, project())
    assert str(caught.value).startswith(str(tmp_path / "shop.yaml"))


def test_a_folder_needs_bindings_and_a_system_one_file(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no bindings found"):
        load_bindings(tmp_path, project())
    with pytest.raises(ProjectError, match="no such folder"):
        load_bindings(tmp_path / "missing", project())
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD)
    with pytest.raises(ProjectError, match=r"system shop is bound already in .*a\.yaml"):
        load_bindings(tmp_path, project())


@pytest.mark.parametrize("example", sorted(path.parent.name for path in (ROOT / "examples").glob("*/example.yaml")))
def test_the_examples_are_bound_to_contracts_of_this_project(example: str) -> None:
    bindings = load_bindings(ROOT / "examples" / example, load_project(ROOT))
    assert sum(len(system.tables) for system in bindings.values()) >= 3
