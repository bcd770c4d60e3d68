"""UCI Online Retail through the whole pipeline: the published tables give the file's figures to the cent.

The figures were computed from the file by other means; the data is not part of the project. Set ONLINE_RETAIL_FILE, or put
the shared data beside the project.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, open_build, settings_for

from customer360.build import Build

FILE = Path(
    os.environ.get("ONLINE_RETAIL_FILE") or ROOT.parent / "shared" / "data" / "online_retail" / "online_retail.parquet"
)
NET_BY_MONTH = [
    ("2010-12", "748957.02"), ("2011-01", "560000.26"), ("2011-02", "498062.65"), ("2011-03", "683267.08"),
    ("2011-04", "493207.121"), ("2011-05", "723333.51"), ("2011-06", "691123.12"), ("2011-07", "681300.111"),
    ("2011-08", "682680.51"), ("2011-09", "1019687.622"), ("2011-10", "1070704.67"), ("2011-11", "1461756.25"),
    ("2011-12", "433668.01"),
]  # fmt: skip

pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason=f"the Online Retail file is not here ({FILE}); set ONLINE_RETAIL_FILE"
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(["load", "run"], id="by hand"),
        pytest.param(["demo"], id="by Airflow", marks=[pytest.mark.airflow, pytest.mark.long]),
    ],
)
def retail(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """What `c360 load` and `c360 run` publish; or what `make demo SOURCES=examples/online_retail` does, through a real
    scheduler."""
    folder = tmp_path_factory.mktemp("online_retail")
    sources = ROOT / "examples" / "online_retail"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "C360_"))}
    env |= {"C360_DATA": str(folder), "C360_SOURCES": str(sources), "ONLINE_RETAIL_FILE": str(FILE)}
    for command in request.param:
        done = subprocess.run(
            [Path(sys.executable).parent / "c360", command],
            env=env,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    build = open_build(settings_for(folder, C360_SOURCES=str(sources)), "looking", date(2011, 12, 9))
    yield build
    build.warehouse.close()


def one(build: Build, sql: str) -> dict[str, Any]:
    (row,) = build.warehouse.query(sql).to_pylist()
    return row


def test_every_line_is_loaded_and_none_refused(retail: Build) -> None:
    loads = retail.warehouse.query("SELECT * FROM ops.loads").to_pylist()
    assert {
        row["table_name"]: (row["rows_read"], row["rows_loaded"], row["rows_quarantined"], row["cells_quarantined"])
        for row in loads
    } == {
        "raw_commerce.purchase_transactions": (541_909, 541_909, 0, 0),
        "raw_commerce.product_catalog": (4_070, 4_070, 0, 0),
        "raw_crm.customer_info": (4_372, 4_372, 0, 0),
    }


def test_people(retail: Build) -> None:
    assert one(
        retail,
        "SELECT COUNT(*) AS ids, COUNTIF(orders_count > 0) AS buyers, SUM(orders_count) AS orders,"
        " SUM(gross_revenue) AS gross, SUM(total_revenue) AS net FROM marts.customer_360",
    ) == {
        "ids": 4_372, "buyers": 4_338, "orders": 18_532,
        "gross": Decimal("8911407.904"), "net": Decimal("8300065.814"),
    }  # fmt: skip


def test_everybody_guests_included(retail: Build) -> None:
    assert one(retail, "SELECT COUNT(*) AS orders, SUM(gross_revenue) AS gross FROM core.fct_orders") == {
        "orders": 19_960,
        "gross": Decimal("10666684.544"),
    }
    lines = "SELECT COUNTIF(is_refund) AS lines, SUM(refund_amount) AS refunds FROM core.fct_order_lines"
    assert one(retail, lines) == {"lines": 9_290, "refunds": Decimal("918936.610")}


def test_lines_with_a_customer(retail: Build) -> None:
    assert one(
        retail,
        "SELECT COUNTIF(is_sold AND source_customer_id IS NOT NULL) AS sold, COUNTIF(source_customer_id IS NULL) AS guests,"
        " COUNTIF(amount = 0) AS gifts FROM core.fct_order_lines",
    ) == {"sold": 397_884, "guests": 135_080, "gifts": 2_515}


def test_what_no_source_tells_is_unknown_and_not_none(retail: Build) -> None:
    assert one(
        retail,
        "SELECT COUNT(total_sessions) + COUNT(support_tickets) + COUNT(campaigns_sent) + COUNT(web_score) AS told"
        " FROM marts.customer_360",
    ) == {"told": 0}


def test_customers_have_a_country_and_products_a_name(retail: Build) -> None:
    assert one(retail, "SELECT COUNTIF(country = 'GB') AS british FROM marts.customer_360") == {"british": 3_950}
    named = "SELECT COUNT(product_name) AS named FROM staging.stg_commerce__product_catalog"
    assert one(retail, named) == {"named": 3_957}


def test_net_by_month(retail: Build) -> None:
    found = retail.warehouse.query(
        "SELECT FORMAT_DATE('%Y-%m', month) AS month, net_revenue FROM dashboards.agg_monthly_revenue ORDER BY month"
    ).to_pylist()
    assert [(row["month"], row["net_revenue"]) for row in found] == [(m, Decimal(net)) for m, net in NET_BY_MONTH]
