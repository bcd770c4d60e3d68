"""What is known of one person, as frozen values. Their names are the keys of the JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Shown(Generic[T]):
    """The first of many: a person may have ten thousand source customers. `total` counts all."""

    shown: tuple[T, ...]
    total: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)


@dataclass(frozen=True)
class Match:
    """A person whom a text may mean. matched: customer360_id, source customer, or the type of the identifier."""

    customer360_id: str
    matched: str
    matched_value: str
    full_name: str | None
    primary_email: str | None
    last_seen_at: datetime | None


@dataclass(frozen=True)
class Decision:
    """What somebody decided. Sides are `system:id`; right is None for set_primary and verify. `…_person`: who they are
    now, None where no source names them."""

    override_id: str
    action: str
    left: str
    left_person: str | None
    right: str | None
    right_person: str | None
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True)
class Link:
    """Why a source customer is the same person as one that was explained before it.

    other: `system:id` of that one · identity_type, identity_value: what both have; of a decision its id
    since: day from which both had it · decision: where somebody decided it · probability: where a model found it
    sentence: all of it in words
    """

    other: str
    identity_type: str
    identity_value: str
    since: date | None
    decision: Decision | None
    probability: float | None
    sentence: str


@dataclass(frozen=True)
class SourceCustomer:
    """A source customer of the person. since: the day it became this person; link: None for the first one, and where
    the evidence was too much to read."""

    source_system: str
    source_customer_id: str
    first_loaded_date: date | None
    since: date | None
    link: Link | None


@dataclass(frozen=True)
class Identifier:
    """An identifier, or a combination of attributes, of the person.

    source_customers: a few of the person's source customers that have it, as `system:id`; own_customers counts them,
    all_customers everybody's · state: joins (several of the person's), single, or kept_apart (others have it, too, or
    it does not count here, because a decision outweighs it)
    """

    identity_type: str
    identity_value: str
    state: str
    source_customers: tuple[str, ...]
    own_customers: int
    all_customers: int
    first_loaded_date: date | None
    last_seen_at: datetime | None


@dataclass(frozen=True)
class Blocked:
    """A value that joins nobody. reason: placeholder, invalid, over_shared or unreliable."""

    identity_type: str
    identity_value: str
    reason: str
    own_customers: int
    all_customers: int
    example: str
    sentence: str


@dataclass(frozen=True)
class Change:
    """What happened to an id, or to source customers that moved between people.

    change: id or moved · was, became: ids; became is None for a new id, and where no source names the customers any
    longer · source_customers counts those that moved, example is one of them · sentence: in words
    """

    changed_on: date
    change: str
    was: str
    became: str | None
    cause: str
    why: str | None
    source_customers: int
    example: str | None
    sentence: str


@dataclass(frozen=True)
class TimelineEvent:
    """Something that happened. kind: order, refund, session, support, campaign or event; what the other columns hold is
    said in sql/queries/customer_timeline.sql."""

    happened_at: datetime
    kind: str
    reference: str
    what: str | None
    channel: str | None
    about: str | None
    outcome: str | None
    quantity: int | None
    amount: Decimal | None
    rating: Decimal | None
    source_customer: str


@dataclass(frozen=True)
class Consent:
    """What the person allows, and how many of their source customers grant and refuse it."""

    consent_type: str
    is_granted: bool
    grants: int
    refusals: int
    last_recorded_at: datetime | None


@dataclass(frozen=True)
class Rfm:
    """Recency, frequency, monetary: each score is 1 + DIV(5 × worse, buyers)."""

    rfm_segment: str | None
    buyers: int
    days_since_last_purchase: int | None
    recency_worse: int
    recency_score: int | None
    orders_count: int | None
    frequency_worse: int
    frequency_score: int | None
    total_revenue: Decimal | None
    monetary_worse: int
    monetary_score: int | None


@dataclass(frozen=True)
class Engagement:
    """The engagement score and its points: 40 for being seen, 30 for events, 30 for orders."""

    engagement_score: int | None
    days_since_last_seen: int | None
    recency_points: int
    events_last_30_days: int
    event_points: int
    orders_count: int | None
    order_points: int


@dataclass(frozen=True)
class Components:
    """Shares of people who are strictly worse, 0 to 100; overall_score is the mean of those that are known."""

    overall_score: Decimal | None
    email_score: Decimal | None
    email_engagement_rate: Decimal | None
    web_score: Decimal | None
    sessions_last_90_days: int | None
    portal_score: Decimal | None
    portal_events_last_90_days: int | None
    recency_component: Decimal | None
    frequency_component: Decimal | None
    monetary_component: Decimal | None


@dataclass(frozen=True)
class Purchases:
    """What the models see: x purchase days after the first, t_x and T in weeks, mean value of the later days."""

    first_purchase_date: date
    last_purchase_date: date
    x: int
    t_x_weeks: float
    age_weeks: float
    mean_value: Decimal | None


@dataclass(frozen=True)
class Predictions:
    """What the models expect, and the fit that says so, as in ops.model_fits; None where that is gone."""

    probability_alive: Decimal | None
    predicted_purchases_90d: Decimal | None
    propensity_to_buy_score: Decimal | None
    churn_risk_score: Decimal | None
    churn_risk_pct: int | None
    churn_risk_band: str | None
    predicted_value: Decimal | None
    fitted_on: date | None
    data_from: date | None
    customers: int | None
    repeat_buyers: int | None
    r: float | None
    alpha: float | None
    a: float | None
    b: float | None
    p: float | None
    q: float | None
    v: float | None
    medium_above: Decimal | None
    high_above: Decimal | None


@dataclass(frozen=True)
class Scores:
    """Every score with its inputs. None: not built, nothing to build it from, or the person refuses PROFILING."""

    rfm: Rfm | None
    engagement: Engagement | None
    components: Components | None
    purchases: Purchases | None
    predictions: Predictions | None


@dataclass(frozen=True)
class Then:
    """Who a source customer (`system:id`) was on a day, and is now; None is nobody."""

    source_customer: str
    customer360_id_then: str | None
    customer360_id_now: str | None


@dataclass(frozen=True)
class Person:
    """One person. `profile` is the row of marts.customer_360 by column, without its source customers; None while the
    marts do not know the person. Lists in it that are cut are counted in `profile_cut`. `not_built` names the tables
    that are missing for what is left out.

    run_date: the day the mapping is as of; None for somebody whom no source names any longer
    """

    customer360_id: str
    run_date: date | None
    profile: Mapping[str, Any] | None
    profile_cut: Mapping[str, int]
    source_customers: Shown[SourceCustomer]
    identifiers: Shown[Identifier]
    blocked: Shown[Blocked]
    decisions: Shown[Decision]
    changes: Shown[Change]
    consents: tuple[Consent, ...]
    refuses_profiling: bool
    scores: Scores
    segments: tuple[str, ...]
    timeline: Shown[TimelineEvent]
    on_day: date | None
    then: Shown[Then]
    not_built: tuple[str, ...]
