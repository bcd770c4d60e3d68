"""Scores of people: their definitions, their rounding, their independence of one another."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer360.scoring import SCHEMA, Fit, score
from customer360.scoring.bg_nbd import BgNbd
from customer360.scoring.gamma_gamma import GammaGamma
from scoring import cdnow, exact

MONEY = pa.decimal128(38, 9)
FIT = Fit(
    fitted_on=date(2024, 6, 30),
    data_from=date(2023, 1, 1),
    customers=2357,
    repeat_buyers=946,
    bg_nbd=BgNbd(0.243, 4.414, 0.793, 2.426),
    log_likelihood=-9582.4,
    gamma_gamma=GammaGamma(6.25, 3.74, 15.44),
    value_log_likelihood=-4055.9,
    medium_above=Decimal("0.8"),
    high_above=Decimal("0.9"),
    diagnostics={},
)
CENTS = Decimal("0.01")


def history(*rows: tuple[int | None, float | None, float | None, object]) -> pa.Table:
    """People c0, c1 … of (x, t_x, T, mean value)."""
    x, t_x, age, mean_value = zip(*rows, strict=True)
    return pa.table(
        {
            "customer360_id": [f"c{number}" for number in range(len(rows))],
            "x": pa.array(x, pa.int64()),
            "t_x_weeks": pa.array(t_x, pa.float64()),
            "age_weeks": pa.array(age, pa.float64()),
            "mean_value": pa.array([None if v is None else Decimal(str(v)) for v in mean_value], MONEY),
        }
    )


@pytest.fixture(scope="module")
def scored() -> pa.Table:
    return score(cdnow.history(), FIT)


def test_columns_are_in_the_warehouse_s_types(scored: pa.Table) -> None:
    assert scored.schema == SCHEMA and len(scored) == 2357
    assert scored["customer360_id"].to_pylist() == cdnow.history()["customer360_id"].to_pylist()
    assert not any(column.null_count for column in scored.columns)


def test_scores_are_what_they_are_called() -> None:
    row = score(history((2, 30.43, 38.86, "22.35")), FIT).to_pylist()[0]
    weeks = 90 / 7
    model = FIT.bg_nbd
    alive = 1 / (1 + 0.793 / 3.426 * ((4.414 + 38.86) / (4.414 + 30.43)) ** 2.243)
    again = alive * (1 - ((4.414 + 38.86) / (4.414 + 38.86 + weeks)) ** 2.243)
    assert float(row["probability_alive"]) == pytest.approx(alive, abs=6e-7)
    assert float(row["propensity_to_buy_score"]) == pytest.approx(again, abs=6e-7)
    assert row["churn_risk_score"] == 1 - row["propensity_to_buy_score"]
    assert row["churn_risk_pct"] == round(100 * (1 - again))
    expected = exact.conditional_expectation(model, weeks, 2, 30.43, 38.86)
    assert float(row["predicted_purchases_90d"]) == pytest.approx(expected, abs=6e-7)


def test_a_predicted_value_is_twelve_discounted_months() -> None:
    customer = (2, 30.43, 38.86)
    until = [exact.conditional_expectation(FIT.bg_nbd, k * 365.25 / 84, *customer) for k in range(13)]
    worth = 6.25 * (15.44 + 2 * 22.35) / (6.25 * 2 + 3.74 - 1)

    def value(rate: float) -> float:
        return sum((until[k] - until[k - 1]) / (1 + rate) ** k for k in range(1, 13)) * worth

    rows = history((*customer, "22.35"))
    for rate in ("0.01", "0", "0.1"):
        found = score(rows, FIT, monthly_discount=Decimal(rate))["predicted_value"][0].as_py()
        assert float(found) == pytest.approx(value(float(rate)), abs=0.006)
        assert found == found.quantize(CENTS)


def test_one_time_buyers_are_alive_yet_at_risk() -> None:
    rows = score(history((0, 0.0, 1.0, None), (0, 0.0, 20.0, None), (0, 0.0, 200.0, None)), FIT).to_pylist()
    assert [row["probability_alive"] for row in rows] == [1, 1, 1]
    risks = [row["churn_risk_score"] for row in rows]
    assert risks == sorted(risks) and risks[0] < risks[2]
    assert all(row["predicted_value"] > 0 for row in rows)


def test_who_never_bought_has_no_score() -> None:
    bought, never = score(history((1, 3.0, 9.0, "5"), (None, None, None, None)), FIT).to_pylist()
    assert never == {"customer360_id": "c1"} | dict.fromkeys(SCHEMA.names[1:])
    assert None not in bought.values()


def test_bands_are_exclusive_at_their_thresholds() -> None:
    people = history(*[(0, 0.0, float(weeks), None) for weeks in range(1, 100, 7)])
    risks = score(people, FIT)["churn_risk_score"].to_pylist()
    medium, high = risks[4], risks[9]
    found = score(people, dataclasses.replace(FIT, medium_above=medium, high_above=high))
    assert found["churn_risk_band"].to_pylist() == ["low"] * 5 + ["medium"] * 5 + ["high"] * 5
    # A hair below, and the customer at the threshold is above it.
    hair = Decimal("0.0000001")
    lower = dataclasses.replace(FIT, medium_above=medium - hair, high_above=high - hair)
    assert score(people, lower)["churn_risk_band"].to_pylist() == ["low"] * 4 + ["medium"] * 5 + ["high"] * 6


def test_percent_is_rounded_half_up(scored: pa.Table) -> None:
    pairs = zip(scored["churn_risk_pct"].to_pylist(), scored["churn_risk_score"].to_pylist(), strict=True)
    assert all(percent == int(100 * risk + Decimal("0.5")) for percent, risk in pairs)


def test_scores_have_six_decimals_and_money_two(scored: pa.Table) -> None:
    for name in ("probability_alive", "predicted_purchases_90d", "propensity_to_buy_score", "churn_risk_score"):
        values = scored[name].to_pylist()
        assert all(value == round(value, 6) for value in values) and any(value != round(value, 5) for value in values)
    assert all(value == value.quantize(CENTS) for value in scored["predicted_value"].to_pylist())


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 3000), st.randoms(use_true_random=False))
def test_neither_order_nor_batches_matter(batch_rows: int, random: st.DataObject) -> None:
    rows = cdnow.history().slice(0, 300)
    whole = score(rows, FIT)
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = pa.concat_tables([rows.take(order).slice(0, 100), rows.take(order).slice(100)])
    assert score(shuffled, FIT, batch_rows=batch_rows) == whole.take(order)


def test_nobody_and_one_person_are_tables_too() -> None:
    assert score(cdnow.history().slice(0, 0), FIT) == SCHEMA.empty_table()
    assert len(score(cdnow.history().slice(5, 1), FIT)) == 1


def test_extreme_customers_have_ordinary_scores() -> None:
    people = history(
        (0, 0.0, 0.0, None),
        (0, 0.0, 5000.0, None),
        (1, 1 / 7, 1 / 7, "0.01"),
        (4000, 570.0, 571.0, "0.01"),
        (4000, 571.0, 571.0, "9999999999999"),
        (4000, 1.0, 571.0, "20"),
        (3, 9.0, 9.0, None),
        (3, 9.0, 9.0, "0"),
    )
    for model in (FIT.bg_nbd, BgNbd(1e-3, 1e-2, 1.0, 1e-3), BgNbd(1e4, 1e4, 1e4, 1.0)):
        for row in score(people, dataclasses.replace(FIT, bg_nbd=model)).to_pylist():
            assert None not in row.values(), row
            for name in ("probability_alive", "propensity_to_buy_score", "churn_risk_score"):
                assert 0 <= row[name] <= 1, row
            assert row["predicted_purchases_90d"] >= 0 and row["predicted_value"] >= 0, row
            assert 0 <= row["churn_risk_pct"] <= 100, row
