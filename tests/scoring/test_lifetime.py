"""The fit of both models: its facts, its thresholds, its rows, and when there is none."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from customer360.errors import Customer360Error
from customer360.project.platform import MODEL_FITS
from customer360.scoring import Fit, NotFitted, fit, fit_row, read_fit, score
from scoring import cdnow

DAY = date(2024, 6, 30)


@pytest.fixture(scope="module")
def fitted() -> Fit:
    found = fit(cdnow.history(), fitted_on=DAY)
    assert isinstance(found, Fit)
    return found


def test_says_what_it_has_seen(fitted: Fit) -> None:
    assert (fitted.fitted_on, fitted.customers, fitted.repeat_buyers) == (DAY, 2357, 946)
    assert fitted.data_from == date(2023, 10, 2)  # 38.86 weeks before
    assert fitted.gamma_gamma and fitted.gamma_gamma.q == pytest.approx(3.745, abs=1e-3)
    assert fitted.bg_nbd.alpha == pytest.approx(4.414, abs=5e-3)
    assert fitted.log_likelihood < -9500 and fitted.value_log_likelihood == pytest.approx(-4055.92, abs=0.01)
    assert fitted.diagnostics["bg_nbd"]["converged"] and fitted.diagnostics["gamma_gamma"]["converged"]
    assert abs(fitted.diagnostics["gamma_gamma"]["correlation_of_frequency_and_value"]) < 0.2


def test_thresholds_are_percentiles_of_the_scores_at_the_fit(fitted: Fit) -> None:
    scores = score(cdnow.history(), fitted)
    risks = sorted(float(value) for value in scores["churn_risk_score"].to_pylist())
    for threshold, percent in ((fitted.medium_above, 40), (fitted.high_above, 75)):
        assert float(threshold) == pytest.approx(np.percentile(risks, percent), abs=1e-9)
    counts = {row["values"]: row["counts"] for row in pc.value_counts(scores["churn_risk_band"]).to_pylist()}
    # Equal scores share a band, so the shares are not exact.
    assert counts["low"] / 2357 == pytest.approx(0.40, abs=0.03) and counts["high"] / 2357 == pytest.approx(
        0.25, abs=0.03
    )


def _people(again: int, once: int, **columns: list[object]) -> pa.Table:
    random = np.random.default_rng(4)
    x = np.concatenate([random.poisson(2, again) + 1, np.zeros(once, int)])
    age = random.integers(10, 300, again + once) / 7
    t_x = np.where(x > 0, age * random.uniform(0.1, 1, again + once), 0)
    cents = random.gamma(5, 400, again + once).astype(int) / 100
    table = {
        "customer360_id": [str(number) for number in range(again + once)],
        "x": x,
        "t_x_weeks": t_x,
        "age_weeks": age,
        "mean_value": pa.array(cents, mask=x == 0).cast(pa.decimal128(38, 9)),
    }
    return pa.table(table | columns)


def test_fewer_than_100_repeat_buyers_are_no_fit_and_it_says_so() -> None:
    found = fit(_people(99, 500), fitted_on=DAY)
    assert isinstance(found, NotFitted) and (found.customers, found.repeat_buyers) == (599, 99)
    assert found.reason == "99 people have bought on more than one day; a fit takes 100"
    assert isinstance(fit(_people(100, 500), fitted_on=DAY), Fit)


def test_nobody_is_no_fit() -> None:
    assert isinstance(fit(_people(0, 0), fitted_on=DAY), NotFitted)


def test_who_never_bought_is_not_in_a_fit(fitted: Fit) -> None:
    nobody = pa.table(
        {
            "customer360_id": ["n1", "n2"],
            "x": pa.nulls(2, pa.int64()),
            "t_x_weeks": pa.nulls(2, pa.float64()),
            "age_weeks": pa.nulls(2, pa.float64()),
            "mean_value": pa.nulls(2, pa.decimal128(38, 9)),
        }
    )
    assert fit(pa.concat_tables([nobody, cdnow.history()]), fitted_on=DAY) == fitted


def test_without_values_there_are_purchases_but_no_money() -> None:
    people = _people(150, 100, mean_value=pa.nulls(250, pa.decimal128(38, 9)))
    found = fit(people, fitted_on=DAY)
    assert isinstance(found, Fit) and found.gamma_gamma is None and found.value_log_likelihood is None
    scores = score(people, found)
    assert scores["predicted_value"].null_count == 250 and scores["predicted_purchases_90d"].null_count == 0
    assert read_fit(fit_row(found, run_id="r", run_date=DAY, fitted_at=datetime.now(UTC)).to_pylist()[0]) == found


def test_a_fit_is_a_row_and_a_row_a_fit(fitted: Fit) -> None:
    at = datetime(2024, 7, 1, 4, tzinfo=UTC)
    rows = fit_row(fitted, run_id="weekly__1", run_date=DAY, fitted_at=at)
    assert rows.schema == MODEL_FITS.arrow_schema and len(rows) == 1
    row = rows.to_pylist()[0]
    assert all(row[column.name] is not None for column in MODEL_FITS.columns)
    assert (row["run_id"], row["fitted_at"], row["model"]) == ("weekly__1", at, "bg_nbd_gamma_gamma")
    assert read_fit(row) == fitted


@pytest.mark.parametrize(
    ("column", "value"), [("x", -1), ("t_x_weeks", 400.0), ("t_x_weeks", float("nan")), ("age_weeks", float("inf"))]
)
def test_an_impossible_history_is_refused_by_name(column: str, value: float) -> None:
    people = _people(120, 10)
    broken = people[column].to_pylist()
    broken[7] = value
    people = people.set_column(people.column_names.index(column), column, pa.array(broken, people[column].type))
    with pytest.raises(Customer360Error, match=r"1 of 130 people .* the first is 7$"):
        fit(people, fitted_on=DAY)


def test_thresholds_are_numeric(fitted: Fit) -> None:
    assert Decimal(0) < fitted.medium_above < fitted.high_above < Decimal(1)
    assert all(isinstance(value, Decimal) for value in (fitted.medium_above, fitted.high_above))
    assert dataclasses.is_dataclass(fitted)
