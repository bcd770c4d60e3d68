"""What is known of a person, in sentences: the same for the command line and for whoever asks the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customer360.customers.chain import Step
from customer360.customers.records import Decision

OVERRIDE, PROBABILISTIC = "OVERRIDE", "PROBABILISTIC"
_TYPES = {
    "EMAIL": "e-mail",
    "PHONE": "phone number",
    "DEVICE_ID": "device",
    "COOKIE_ID": "cookie",
    "EXTERNAL_ID": "id",
}


def type_name(identity_type: str) -> str:
    """`EMAIL` → e-mail, `FIRST_NAME+DATE_OF_BIRTH` → first name and date of birth."""
    parts = [_TYPES.get(part, part.lower().replace("_", " ")) for part in identity_type.split("+")]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def value_text(identity_type: str, identity_value: str) -> str:
    """A value as a person reads it: the parts of a combination are set apart by commas."""
    return identity_value.replace("|", ", ") if "+" in identity_type else identity_value


def link_sentence(step: Step, decision: Decision | None, probability: float | None) -> str:
    """`crm:C2 is the same person as crm:C1, because both have the e-mail ann@x.com (since 2024-03-01)`"""
    return f"{step.customer} is the same person as {step.other}, because {_reason(step, decision, probability)}"


def _reason(step: Step, decision: Decision | None, probability: float | None) -> str:
    since = f" (since {step.since})" if step.since else ""
    if step.identity_type == OVERRIDE:
        who = decision.decided_by if decision and decision.decided_by else "somebody"
        at = decision.decided_at if decision else None
        on = f" on {at:%Y-%m-%d}" if at else f" on {step.since}" if step.since else ""
        return f"{who} decided so{on} (decision {step.identity_value})"
    if step.identity_type == PROBABILISTIC:
        how = f" with a probability of {probability:.3f}" if probability is not None else ""
        return f"their records match{how}{since}"
    value = value_text(step.identity_type, step.identity_value)
    return f"both have the {type_name(step.identity_type)} {value}{since}"


def blocked_sentence(row: Mapping[str, Any]) -> str:
    """`kiosk-1 (device) is shared by 21 source customers: it joins nobody`"""
    value = value_text(row["identity_type"], row["identity_value"])
    what = f"{value} ({type_name(row['identity_type'])})"
    why = {
        "over_shared": f"is shared by {row['source_customers']:,} source customers",
        "unreliable": "is of a kind that too many people share",
        "placeholder": "stands for nothing",
        "invalid": f"is no {type_name(row['identity_type'])}",
    }.get(row["reason"], f"is {row['reason']}")
    return f"{what} {why}: it joins nobody"


def change_sentence(row: Mapping[str, Any]) -> str:
    """`crm:C2 moved from c360_b to c360_a: crm:C2 and crm:C1 share EMAIL`"""
    why = f": {row['why']}" if row["why"] else f": {row['cause']}"
    was, became = row["customer360_id"], row["became"]
    if row["change"] == "id":
        return f"{was} stands for {became}{why}" if became else f"{was} came to be{why}"
    more = row["source_customers"] - 1
    who = row["example"] if not more else f"{row['example']} and {more:,} more"
    return f"{who} moved from {was} to {became}{why}" if became else f"{who} left {was}{why}"


def decision_sentence(decision: Decision) -> str:
    """`jane decided on 2024-03-01 that crm:C1 and crm:C2 are one person (o1)`"""
    who = decision.decided_by or "Somebody"
    on = f" on {decision.decided_at:%Y-%m-%d}" if decision.decided_at else ""
    left, right = decision.left, decision.right or "?"
    what = {
        "merge": f"{left} and {right} are one person",
        "split": f"{left} and {right} are two people",
        "set_primary": f"what {left} says comes first",
        "verify": f"{left} is verified",
    }.get(decision.action, f"{decision.action} {left}")
    return f"{who} decided{on} that {what} (decision {decision.override_id})"
