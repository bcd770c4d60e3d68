"""Predicted against actual purchases of days held out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from customer360.project.platform import MODEL_QUALITY
from customer360.scoring import HOLDOUT_DAYS, Calibration, NotFitted, calibrate, calibration_rows
from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.calibration import Comparison
from customer360.scoring.gamma_gamma import GammaGamma
from customer360.scoring.simulation import simulate

FITTED, UNTIL = date(2024, 4, 1), date(2024, 6, 30)


@pytest.fixture(scope="module")
def history() -> pa.Table:
    return simulate(
        20_000,
        purchases=BgNbd(0.6, 8, 0.8, 2.5),
        values=GammaGamma(6, 4, 15),
        weeks=80,
        holdout_weeks=HOLDOUT_DAYS / 7,
        seed=2,
    )


def _calibrate(history: pa.Table) -> Calibration:
    found = calibrate(history, fitted_on=FITTED, compared_until=UNTIL)
    assert isinstance(found, Calibration)
    return found


def _with_purchases(history: pa.Table, factor: float) -> pa.Table:
    held_out = pc.cast(pc.round(pc.multiply(history["holdout_purchases"], factor)), pa.int64())
    return history.set_column(history.column_names.index("holdout_purchases"), "holdout_purchases", held_out)


def test_days_are_ninety() -> None:
    assert (UNTIL - FITTED).days == HOLDOUT_DAYS == 90


def test_customers_as_the_model_believes_are_predicted_well(history: pa.Table) -> None:
    found = _calibrate(history)
    assert found.warning is None and not found.total.is_off
    assert found.total.error is not None and abs(found.total.error) < Decimal("0.05")
    assert found.total.actual == pc.sum(history["holdout_purchases"]).as_py()
    assert (found.fit.fitted_on, found.compared_until) == (FITTED, UNTIL)
    for decile in found.deciles[:5]:
        assert decile.error is not None and abs(decile.error) < Decimal("0.15")


def test_deciles_are_tenths_by_prediction(history: pa.Table) -> None:
    found = _calibrate(history)
    assert [decile.decile for decile in found.deciles] == list(range(1, 11))
    assert {decile.customers for decile in found.deciles} == {2000}
    predicted = [decile.predicted for decile in found.deciles]
    assert predicted == sorted(predicted, reverse=True)
    assert sum(predicted) == pytest.approx(found.total.predicted, abs=Decimal("0.00002"))
    assert sum(decile.actual for decile in found.deciles) == found.total.actual


def test_the_order_of_rows_does_not_matter(history: pa.Table) -> None:
    backwards = history.take(list(range(len(history) - 1, -1, -1)))
    assert [d.actual for d in _calibrate(backwards).deciles] == [d.actual for d in _calibrate(history).deciles]


def test_twice_the_purchases_are_a_warning(history: pa.Table) -> None:
    found = _calibrate(_with_purchases(history, 2))
    assert found.warning == (
        f"the model fitted on purchases until 2024-04-01 expected {found.total.predicted:,.0f} purchases until"
        f" 2024-06-30 and {found.total.actual:,} came: off by more than 20%"
    )


def test_no_purchases_are_a_warning_without_a_share(history: pa.Table) -> None:
    found = _calibrate(_with_purchases(history, 0))
    assert found.warning and found.total.error is None


@pytest.mark.parametrize(
    ("predicted", "off"), [("119.9", False), ("120", False), ("120.1", True), ("79.9", True), ("80", False)]
)
def test_off_is_more_than_a_fifth_of_what_came(predicted: str, off: bool) -> None:
    assert Comparison(None, 10, Decimal(predicted), 100).is_off is off


def test_nothing_expected_and_nothing_came_is_right() -> None:
    assert not Comparison(None, 10, Decimal(0), 0).is_off


def test_rows_are_one_for_everybody_and_one_per_decile(history: pa.Table) -> None:
    found = _calibrate(_with_purchases(history, 2))
    rows = calibration_rows(found, run_id="weekly__1", run_date=UNTIL, checked_at=datetime(2024, 7, 1, tzinfo=UTC))
    assert rows.schema == MODEL_QUALITY.arrow_schema
    everybody, *deciles = rows.to_pylist()
    assert everybody["decile"] is None and everybody["warning"] is True and everybody["error"] == found.total.error
    assert everybody["actual_purchases"] == found.total.actual and everybody["customers"] == 20_000
    assert [row["decile"] for row in deciles] == list(range(1, 11)) and {row["warning"] for row in deciles} == {None}


def test_too_few_repeat_buyers_are_no_calibration(history: pa.Table) -> None:
    found = calibrate(history.slice(0, 100), fitted_on=FITTED, compared_until=UNTIL)
    assert isinstance(found, NotFitted) and "people have bought on more than one day" in found.reason
