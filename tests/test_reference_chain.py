"""A small shop's whole chain, raw → dashboards, on Google's reference implementation: every table is the published one.

The reference implementation starts from the raw rows and sees nothing else of ours: each model reads what it gave for
the models before. Tables are compared as multisets, cell by cell, with the types of their columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from conftest import ROOT
from reference import zetasql_tables
from reference.chain import Chain
from reference.chain_shop import FIRST_LOAD, SECOND_LOAD, load_chain_shop

from customer360.build import Build
from customer360.project import TableName, load_project
from customer360.project.platform import MODEL_FITS
from customer360.scoring import Fit, fit_row
from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.gamma_gamma import GammaGamma

# What Python computes is given to both.
_MODELS = [name for name, model in load_project(ROOT).models.items() if not model.built_by]
_UNKNOWN = {"last_app_event_at"}  # the sample shop's app tells no device
_FIT = Fit(
    fitted_on=SECOND_LOAD, data_from=FIRST_LOAD, customers=2357, repeat_buyers=946,
    bg_nbd=BgNbd(0.243, 4.414, 0.793, 2.426), log_likelihood=-9582.4,
    gamma_gamma=GammaGamma(6.25, 3.74, 15.44), value_log_likelihood=None,
    medium_above=Decimal("0.4"), high_above=Decimal("0.75"), diagnostics={},
)  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    build = load_chain_shop(tmp_path_factory.mktemp("chain"))
    # Too small a shop to be fitted: it is scored by somebody else's fit.
    fitted = fit_row(_FIT, run_id="run_0", run_date=FIRST_LOAD, fitted_at=datetime(2024, 6, 16, tzinfo=UTC))
    build.warehouse.append(MODEL_FITS, fitted)
    for layer in build.project.graph.layers().values():
        for name in build.project.graph.steps(layer):
            build.write(name)
        build.publish(layer)  # unaudited: expectations have their own tests, and refuse some of this shop's rows
    yield build
    build.warehouse.close()


@pytest.fixture(scope="module")
def chain(shop: Build) -> Chain:
    return Chain(shop)


@pytest.mark.parametrize("name", _MODELS, ids=str)
def test_table_is_the_published_one(chain: Chain, name: TableName) -> None:
    difference = chain.difference(name)
    assert not difference, f"{name}, expected as on the reference implementation:\n{difference}"


@pytest.mark.parametrize("name", _MODELS, ids=str)
def test_every_column_has_something_to_compare(chain: Chain, name: TableName) -> None:
    table = chain.table(name)
    rows = zetasql_tables.rows(table)
    empty = {column for column, _ in table.columns if all(row[column] in (None, []) for row in rows)}
    assert empty <= _UNKNOWN
    # Exactly: compare_rows allows a difference, of 1e-12, to nothing but FLOAT64.
    assert "FLOAT64" not in str(table.columns)


@pytest.mark.parametrize(
    ("changed", "old", "new", "seen_in"),
    [
        pytest.param(
            "staging.stg_commerce__purchase_transactions",
            "lines._loaded_date = newest.newest_date",
            "lines._loaded_date <= newest.newest_date",
            "staging.stg_commerce__purchase_transactions",
            id="lines_of_older_deliveries_stay",
        ),
        pytest.param(
            "core.fct_order_lines",
            "IF(is_sold, amount, 0)",
            "IF(is_sold, amount + 0.000000001, 0)",
            "marts.customer_360",
            id="money_is_off_by_its_smallest_unit_four_tables_before",
        ),
        pytest.param(
            "core.fct_order_lines",
            "LEAD(rate_date)",
            "MAX(rate_date)",
            "dashboards.agg_category_performance",
            id="the_period_of_a_rate_is_another",
        ),
        pytest.param(
            "identity.identity_sightings",
            "COALESCE(DATE(verified_at) <= @run_date, FALSE) AS is_verified",
            "verified_at IS NULL AS is_verified",
            "identity.identity_sightings",
            id="a_flag_is_turned",
        ),
        pytest.param(
            "core.int_response_types",
            "STRUCT('open' AS response_type, 'positive' AS sentiment),",
            "STRUCT('open' AS response_type, 'positive' AS sentiment), STRUCT('open', 'positive'),",
            "core.int_response_types",
            id="a_row_is_there_twice",
        ),
    ],
)
def test_a_changed_model_is_found(chain: Chain, changed: str, old: str, new: str, seen_in: str) -> None:
    name = TableName.parse(changed)
    sql = chain.build.project.models[name].sql
    assert sql.count(old) == 1
    assert "expected, not found" in chain.changed(name, sql.replace(old, new)).difference(TableName.parse(seen_in))


def test_a_changed_type_is_found(chain: Chain) -> None:
    name = TableName.parse("core.fct_refunds")
    sql = f"SELECT * REPLACE (CAST(lines AS NUMERIC) AS lines) FROM ({chain.build.project.models[name].sql})"
    assert "('lines', 'NUMERIC')" in chain.changed(name, sql).difference(name)


def test_a_given_table_has_every_row_once() -> None:
    table = zetasql_tables.given({"n": "INT64"}, [{"n": n} for n in range(450)])
    assert [row["n"] for row in zetasql_tables.rows(table)] == list(range(449, -1, -1))
    assert zetasql_tables.rows(zetasql_tables.given({"n": "INT64"}, [])) == []


def test_rows_are_stored_as_bigquery_stores_them() -> None:
    stored = zetasql_tables.query("SELECT 1 AS n, CAST(NULL AS ARRAY<INT64>) AS list UNION ALL SELECT 2, [3]", {}, {})
    assert [row["n"] for row in zetasql_tables.rows(stored)] == [2, 1]
    asked = zetasql_tables.query("SELECT n, list IS NULL AS unknown FROM t.stored", {"t.stored": stored}, {})
    assert zetasql_tables.rows(asked) == [{"n": 1, "unknown": False}, {"n": 2, "unknown": False}]
    with pytest.raises(ValueError, match="list: an array with a NULL in it"):
        zetasql_tables.query("SELECT [1, NULL] AS list", {}, {})
