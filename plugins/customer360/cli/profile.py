"""What the profile says of a person, one line a theme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

_MONEY = ("gross_revenue", "refunds_amount", "avg_order_value")
# What the profile says, by theme; what is not known, none or false is left out.
_THEMES: dict[str, tuple[tuple[str, str], ...]] = {
    "contact": (("emails", "{}"), ("phones", "{}"), ("language", "{}")),
    "lives in": (("postal_code", "{}"), ("city", "{}"), ("region", "{}"), ("country", "{}"), ("timezone", "{}")),
    "born": (("date_of_birth", "{}"), ("age", "{} years"), ("age_group", "{}"), ("gender", "{}")),
    "status": (
        ("customer_status", "{}"),
        ("lifecycle_stage", "{}"),
        ("customer_type", "{}"),
        ("registration_date", "registered {}"),
        ("last_seen_at", "last seen {}"),
        ("last_channel_seen", "in {}"),
    ),
    "won by": (("acquisition_channel", "{}"), ("acquisition_source", "{}"), ("acquisition_campaign", "{}")),
    "bought": (
        ("orders_count", "{} orders"),
        ("gross_revenue", "{}"),
        ("refunds_amount", "{} given back"),
        ("avg_order_value", "{} each"),
        ("last_purchase_at", "latest {}"),
    ),
    "likes": (("interests", "{}"), ("favorite_brand", "{}")),
    "visits": (
        ("total_sessions", "{} sessions"),
        ("total_page_views", "{} pages"),
        ("total_events", "{} events"),
        ("most_viewed_category", "mostly {}"),
    ),
    "mail": (
        ("campaigns_sent", "{} campaigns"),
        ("campaigns_engaged", "{} answered"),
        ("preferred_channel", "best by {}"),
    ),
    "support": (
        ("support_tickets", "{} contacts"),
        ("resolved_tickets", "{} resolved"),
        ("avg_satisfaction_score", "rated {}"),
    ),
    "loyalty": (("loyalty_tier", "{}"), ("loyalty_points_balance", "{} points")),
    "tags": (("tags", "{}"),),
    "segments": (("segments", "{}"), ("primary_segment", "primary: {}")),
}


def profile_lines(row: Mapping[str, Any], cut: Mapping[str, int], currency: str) -> Iterator[tuple[str, str]]:
    """(theme, what is known of it) of a row of marts.customer_360; `cut` says how much longer its lists are."""
    for theme, columns in _THEMES.items():
        told = [_say(row, column, text, cut, currency) for column, text in columns if row.get(column)]
        if told:
            yield theme, " · ".join(told)


def _say(row: Mapping[str, Any], column: str, text: str, cut: Mapping[str, int], currency: str) -> str:
    """`{} orders` with the value in it; of one it is an order."""
    value = row[column]
    text = text.removesuffix("s") if value == 1 else text
    if isinstance(value, list):
        more = f" and {cut[column]:,} more" if column in cut else ""
        return text.format(", ".join(map(str, value)) + more)
    if column == "date_of_birth":
        # Where only the month or the year is known, the rest of the date says nothing.
        return text.format(str(value)[: {"year": 4, "month": 7}.get(row.get("dob_precision") or "", 10)])
    if column in _MONEY:
        return text.format(f"{value:,.2f} {currency}")
    if isinstance(value, Decimal):
        return text.format(f"{value:,.1f}")
    if isinstance(value, datetime):
        return text.format(f"{value:%Y-%m-%d}")
    return text.format(f"{value:,}" if isinstance(value, int) else value)
