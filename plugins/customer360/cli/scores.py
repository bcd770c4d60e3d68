"""Scores with their inputs, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from customer360.customers.records import Components, Engagement, Predictions, Purchases, Rfm, Scores


def score_lines(scores: Scores, profile: Mapping[str, Any], currency: str) -> Iterator[tuple[str, str]]:
    """(name, how it comes about) of every score that the person has."""
    if scores.engagement:
        yield from _engagement(scores.engagement)
    if scores.rfm:
        yield from _rfm(scores.rfm, currency)
    if scores.components:
        yield from _components(scores.components)
    if scores.predictions:
        yield from _predictions(scores.predictions)
    if scores.purchases:
        yield from _purchases(scores.purchases, scores.predictions, currency)
    if profile.get("lifetime_value") is not None:
        predicted = profile.get("predicted_value")
        expected = f" + {predicted:,.2f} expected in 12 months" if predicted is not None else ", nothing predicted"
        value, current = profile["lifetime_value"], profile.get("current_value") or 0
        yield "lifetime", f"{value:,.2f} {currency} = {current:,.2f} so far{expected}"


def _engagement(found: Engagement) -> Iterator[tuple[str, str]]:
    seen = "never seen" if found.days_since_last_seen is None else f"seen {found.days_since_last_seen:,} days ago"
    yield (
        "engagement",
        f"{_number(found.engagement_score)} of 100 = {found.recency_points} ({seen})"
        f" + {found.event_points} (events in 30 days: {found.events_last_30_days:,})"
        f" + {found.order_points} (orders: {found.orders_count or 0:,})",
    )


def _rfm(found: Rfm, currency: str) -> Iterator[tuple[str, str]]:
    yield "RFM", f"{found.rfm_segment or 'no segment'}, among {found.buyers:,} people who bought"
    money = f"{found.total_revenue or 0:,.2f} {currency}"
    for name, score, value, worse in (
        ("  recency", found.recency_score, f"bought {found.days_since_last_purchase} days ago", found.recency_worse),
        ("  frequency", found.frequency_score, f"bought {found.orders_count:,} times", found.frequency_worse),
        ("  monetary", found.monetary_score, money, found.monetary_worse),
    ):
        yield name, f"{_number(score)} of 5: {value}, better than {worse:,} of them"


def _components(found: Components) -> Iterator[tuple[str, str]]:
    parts = {
        "e-mail": (found.email_score, found.email_engagement_rate, "{:.0%} of e-mail campaigns opened"),
        "web": (found.web_score, found.sessions_last_90_days, "sessions in 90 days: {:,}"),
        "portal": (found.portal_score, found.portal_events_last_90_days, "portal events in 90 days: {:,}"),
        "recency": (found.recency_component, None, ""),
        "frequency": (found.frequency_component, None, ""),
        "monetary": (found.monetary_component, None, ""),
    }
    known = [
        f"{name} {score:.1f}" + (f" ({text.format(value)})" if value is not None else "")
        for name, (score, value, text) in parts.items()
        if score is not None
    ]
    if found.overall_score is not None and known:
        yield "overall", f"{found.overall_score:.1f} of 100, the mean of {', '.join(known)}"


def _predictions(found: Predictions) -> Iterator[tuple[str, str]]:
    bands = ""
    if found.medium_above is not None and found.high_above is not None:
        bands = f"; medium above {found.medium_above:.3f}, high above {found.high_above:.3f}"
    yield "churn risk", f"{_number(found.churn_risk_score, 3)}, {found.churn_risk_band or 'no band'}{bands}"
    yield (
        "next 90 days",
        f"{_number(found.predicted_purchases_90d, 2)} purchases; one at least with probability"
        f" {_number(found.propensity_to_buy_score, 3)}; still a customer with {_number(found.probability_alive, 3)}",
    )


def _purchases(found: Purchases, predictions: Predictions | None, currency: str) -> Iterator[tuple[str, str]]:
    mean = f"; mean value {found.mean_value:,.2f} {currency}" if found.mean_value is not None else ""
    yield (
        "  made from",
        f"x = {found.x:,} purchase days after the first ({found.first_purchase_date}); t_x = {found.t_x_weeks:.2f}"
        f" weeks to the last ({found.last_purchase_date}); T = {found.age_weeks:.2f} weeks to now{mean}",
    )
    if predictions is None:
        yield "  model", "none: not fitted yet, or fewer than 100 people bought twice"
        return
    names = ("r", "alpha", "a", "b", "p", "q", "v")
    values = [f"{name} {getattr(predictions, name):.4g}" for name in names if getattr(predictions, name) is not None]
    if predictions.data_from:
        yield (
            "  model",
            f"fitted on {predictions.fitted_on} to {predictions.customers or 0:,} people's purchases since"
            f" {predictions.data_from}: {', '.join(values)}",
        )


def _number(value: Decimal | int | None, decimals: int = 0) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"
