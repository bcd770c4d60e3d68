"""The UCI Online Retail file, loaded by general rules. Its figures are facts about the file, known beforehand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from customer360.project import Project, load_project
from customer360.settings import load_settings
from customer360.sources import Connection, LoadResult, load_bindings, load_table
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("C360_SHARED_DATA") or ROOT.parent / "shared" / "data")
FILE = DATA / "online_retail" / "online_retail.parquet"
RUN = RunInfo("test", date(2011, 12, 9))

pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason=f"needs the Online Retail file: {FILE} is absent; set C360_SHARED_DATA"
)


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project(ROOT)


@pytest.fixture(scope="module")
def loaded(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LocalWarehouse, dict[str, LoadResult]]]:
    data = tmp_path_factory.mktemp("data")
    settings = load_settings({"C360_DATA": str(data), "ONLINE_RETAIL_FILE": str(FILE)})
    warehouse = LocalWarehouse(settings.lake, schemas=project.schemas)
    results = {}
    for system in load_bindings(ROOT / "examples" / "online_retail", project).values():
        for name, binding in system.tables.items():
            results[name] = load_table(
                binding, project.contracts[binding.contract], run=RUN, warehouse=warehouse, settings=settings,
                connections=dict[str, Connection]().__getitem__,
            )  # fmt: skip
    yield warehouse, results
    warehouse.close()


def test_every_line_is_loaded_and_none_refused(loaded: tuple[LocalWarehouse, dict[str, LoadResult]]) -> None:
    counts = {
        name: (r.rows_read, r.rows_loaded, r.rows_quarantined, r.cells_quarantined) for name, r in loaded[1].items()
    }
    assert counts == {
        "purchase_transactions": (541_909, 541_909, 0, 0),
        "product_catalog": (4_070, 4_070, 0, 0),
        "customer_info": (4_372, 4_372, 0, 0),
    }


def test_amounts_are_exact(loaded: tuple[LocalWarehouse, dict[str, LoadResult]]) -> None:
    (row,) = (
        loaded[0]
        .query("""
        SELECT
          SUM(total_amount) AS net,
          SUM(IF(total_amount > 0, total_amount, 0)) AS gross,
          SUM(IF(customer_id IS NOT NULL, total_amount, 0)) AS net_of_people,
          SUM(IF(customer_id IS NOT NULL AND total_amount > 0, total_amount, 0)) AS gross_of_people,
          COUNT(DISTINCT IF(total_amount > 0, transaction_id, NULL)) AS orders,
          COUNTIF(customer_id IS NULL) AS lines_of_guests,
          COUNTIF(total_amount = 0) AS free_lines,
          COUNT(DISTINCT currency) AS currencies
        FROM raw_commerce.purchase_transactions
    """)
        .to_pylist()
    )
    assert row == {
        "net": Decimal("9747747.934"), "gross": Decimal("10666684.544"), "net_of_people": Decimal("8300065.814"),
        "gross_of_people": Decimal("8911407.904"), "orders": 19_960, "lines_of_guests": 135_080, "free_lines": 2_515,
        "currencies": 1,
    }  # fmt: skip


def test_customers_have_a_country_and_products_a_name(loaded: tuple[LocalWarehouse, dict[str, LoadResult]]) -> None:
    query = (
        "SELECT country, COUNT(*) AS people FROM raw_crm.customer_info GROUP BY country ORDER BY people DESC, country"
    )
    rows = loaded[0].query(query).to_pylist()
    assert rows[0] == {"country": "GB", "people": 3_950}
    assert sum(row["people"] for row in rows if row["country"] is None) < 20
    named = loaded[0].query("SELECT COUNT(product_name) AS n FROM raw_commerce.product_catalog").to_pylist()
    assert named == [{"n": 3_957}]
