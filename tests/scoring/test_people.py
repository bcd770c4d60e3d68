"""Scores of a day in a warehouse: which fit they are made from, when a new one is made, and what is kept of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from customer360.project import TableName, load_project
from customer360.project.platform import MODEL_FITS, MODEL_QUALITY
from customer360.scoring import Shop, fit_and_check, read_fit, score, score_people
from customer360.scoring.people import FIT_LASTS
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

ROOT = Path(__file__).resolve().parents[2]
PROJECT = load_project(ROOT)
ORDERS, MAP = TableName("core", "int_customer_orders_daily"), TableName("identity", "identity_map")
OPT_IN = TableName("core", "int_person_opt_in")
SUNDAY = date(2024, 6, 30)


@pytest.fixture
def shop_on(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    warehouse = LocalWarehouse(tmp_path / "lake", schemas=PROJECT.schemas)
    warehouse.ensure([MODEL_FITS, MODEL_QUALITY])
    yield lambda day: Shop(ROOT, warehouse, RunInfo(f"run_{day}", day), {})
    warehouse.close()


def sell(shop: Shop, people: int) -> None:
    """A year of purchases: everybody's own rhythm, from a seed."""
    chance = np.random.default_rng(3)
    days = np.cumsum(
        chance.exponential(np.repeat(chance.gamma(2, 30, people), 6).reshape(people, 6), (people, 6)), axis=1
    )
    start, values = SUNDAY - timedelta(days=365), chance.gamma(4, chance.gamma(3, 8, people)[:, None], (people, 6))
    rows = [
        {"source_system": "crm", "source_customer_id": f"C{n}", "activity_date": start + timedelta(days=int(day)),
         "orders_count": 1, "gross_revenue": Decimal(f"{value:.2f}")}
        for n in range(people)
        for day, value in {int(day): value for day, value in zip(days[n], values[n], strict=True)}.items()
    ]  # fmt: skip
    ids = [{"customer360_id": f"P{n}", "source_system": "crm", "source_customer_id": f"C{n}"} for n in range(people)]
    refusing = [
        {"customer360_id": "P1", "refuses_profiling": True},
        {"customer360_id": "P2", "refuses_profiling": False},
    ]
    for name, given in ((ORDERS, rows), (MAP, ids), (OPT_IN, refusing)):
        spec = PROJECT.models[name].spec
        shop.warehouse.append(spec, pa.Table.from_pylist(given, schema=spec.arrow_schema))


def by_id(scores: pa.Table) -> pa.Table:
    return scores.sort_by("customer360_id").combine_chunks()


def allowed(scores: pa.Table) -> pa.Table:
    """Without P1, who refuses to be profiled and has bought like others."""
    assert "P1" in scores["customer360_id"].to_pylist()
    return scores.filter(pc.not_equal(scores["customer360_id"], "P1"))


def fits(shop: Shop) -> list[dict[str, Any]]:
    return shop.warehouse.query("SELECT * FROM ops.model_fits ORDER BY fitted_on").to_pylist()


def test_a_week_is_scored_by_one_fit_and_a_day_run_again_finds_its_own(shop_on: Callable[..., Shop]) -> None:
    shop = shop_on(SUNDAY)
    sell(shop, 300)
    first = score_people(shop)
    (kept,) = fits(shop)
    assert kept["fitted_on"] == SUNDAY and kept["repeat_buyers"] >= 100
    assert by_id(first.drop_columns(["fitted_on"])).equals(by_id(allowed(score(shop.history(SUNDAY), read_fit(kept)))))
    assert first["predicted_value"].null_count == 0
    assert set(first["fitted_on"].to_pylist()) == {SUNDAY} and first.num_rows == kept["customers"] - 1

    later = shop_on(SUNDAY + FIT_LASTS)
    assert set(score_people(later)["fitted_on"].to_pylist()) == {SUNDAY}
    too_late = shop_on(SUNDAY + FIT_LASTS + timedelta(days=1))
    assert set(score_people(too_late)["fitted_on"].to_pylist()) == {too_late.run.run_date}
    assert by_id(score_people(shop_on(SUNDAY))).equals(by_id(first))
    # An older day does not see the fits of later ones.
    earlier = shop_on(SUNDAY - timedelta(days=30))
    assert set(score_people(earlier)["fitted_on"].to_pylist()) == {earlier.run.run_date}
    assert len(fits(shop)) == 3


def test_too_few_repeat_buyers_have_no_scores_and_the_log_says_so(
    shop_on: Callable[..., Shop], caplog: pytest.LogCaptureFixture
) -> None:
    shop = shop_on(SUNDAY)
    sell(shop, 20)
    with caplog.at_level(logging.WARNING):
        assert score_people(shop).num_rows == 0
        assert fit_and_check(shop) == (None, None)
    assert "a fit takes 100" in caplog.text and fits(shop) == []


def test_the_weekly_fit_is_kept_with_its_window_and_checked_on_the_last_90_days(shop_on: Callable[..., Shop]) -> None:
    shop = shop_on(SUNDAY)
    sell(shop, 400)
    found, calibration = fit_and_check(shop)
    assert found is not None and calibration is not None
    (kept,) = fits(shop)
    assert kept["data_from"] == SUNDAY - timedelta(days=365) and kept["log_likelihood"] == found.log_likelihood
    checks = shop.warehouse.query("SELECT * FROM ops.model_quality ORDER BY decile").to_pylist()
    assert len(checks) == 11 and {row["fitted_on"] for row in checks} == {SUNDAY - timedelta(days=90)}
    # Counted apart: purchase days after the 90 days began, of those who had bought before.
    (actual,) = shop.warehouse.query(
        "SELECT COUNT(*) AS n FROM core.int_customer_orders_daily AS o INNER JOIN ("
        " SELECT source_customer_id, MIN(activity_date) AS first_date FROM core.int_customer_orders_daily"
        " GROUP BY source_customer_id) AS f ON o.source_customer_id = f.source_customer_id"
        " WHERE o.activity_date > DATE '2024-04-01' AND o.activity_date <= DATE '2024-06-30'"
        " AND f.first_date <= DATE '2024-04-01'"
    ).to_pylist()
    assert checks[0]["decile"] is None and checks[0]["actual_purchases"] == actual["n"]
