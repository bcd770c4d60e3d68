"""Who is meant: from what somebody types to people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from customer360.customers.queries import Queries
from customer360.customers.records import Match, Shown
from customer360.customers.wording import type_name
from customer360.errors import UnknownCustomerError
from customer360.identity import IdentityConfig
from customer360.identity.normalise import normalise
from customer360.settings import Parameter

_SPELT = ("EMAIL", "PHONE")
_SUGGESTIONS = 5


@dataclass(frozen=True)
class _Reading:
    """What a text may be as an identifier. wrong: why it is none where it looks like one."""

    identifiers: tuple[tuple[str, str], ...]
    wrong: str


def find(queries: Queries, text: str, config: IdentityConfig, *, most: int) -> Shown[Match]:
    """The people that a text means, the first `most` of them: an id of a person (also one merged away), an e-mail
    address or phone number in any spelling, another identifier, or a source customer as `system:id` or `id`.

    Raises UnknownCustomerError where it means nobody, with what may have been meant.
    """
    text = _key(text.strip())
    read = _read(text, config)
    rows = queries.ask(
        "customer_find",
        text=Parameter("STRING", text),
        identity_types=Parameter("ARRAY<STRING>", [type_ for type_, _ in read.identifiers]),
        identity_values=Parameter("ARRAY<STRING>", [value for _, value in read.identifiers]),
        most=Parameter("INT64", most),
    )
    if not rows:
        raise UnknownCustomerError(_nobody(queries, text, read, config))
    total = rows[0]["people"]
    return Shown(tuple(Match(**{k: v for k, v in row.items() if k != "people"}) for row in rows), total)


def _key(text: str) -> str:
    """Systems are written in lower case: `CRM:C1` is crm:C1."""
    system, colon, id_ = text.partition(":")
    return f"{system.lower()}:{id_}" if colon and system.isidentifier() else text


def _read(text: str, config: IdentityConfig) -> _Reading:
    """E-mail addresses and phone numbers as the warehouse spells them; other identifiers as they are."""
    import pyarrow as pa

    types = [type_ for type_ in config.identifiers if type_ in _SPELT]
    values = pa.table({"identity_type": types, "raw_value": [text] * len(types), "country": [""] * len(types)})
    judged = normalise(values, config).to_pylist() if types and text else []
    spelt = [(row["identity_type"], row["identity_value"]) for row in judged if row["reason"] is None]
    others = [(type_, text) for type_ in config.identifiers if type_ not in _SPELT]
    placeholder = any(row["reason"] == "placeholder" for row in judged)
    return _Reading(tuple(spelt + others), "it stands for nothing, so it is nobody's" if placeholder else "")


def _nobody(queries: Queries, text: str, read: _Reading, config: IdentityConfig) -> str:
    kinds = ["customer360_id", "source customer (system:id)", *sorted(map(type_name, config.identifiers))]
    message = f"nobody has {text!r} as {', '.join(kinds[:-1])} or {kinds[-1]}"
    if read.wrong:
        return f"{message}: {read.wrong}"
    near = list(_near(queries, text))
    return f"{message}; did you mean {' or '.join(near)}?" if near else message


def _near(queries: Queries, text: str) -> Iterator[str]:
    """What begins alike: the name of a mailbox, else all but the last characters."""
    mailbox, at, _ = text.lower().partition("@")
    beginning = f"{mailbox}@" if at else text[: max(3, len(text) - 2)]
    if len(beginning) < 3:
        return
    rows = queries.ask(
        "customer_near",
        beginning=Parameter("STRING", beginning),
        length=Parameter("INT64", len(text)),
        most=Parameter("INT64", _SUGGESTIONS),
    )
    for row in rows:
        yield row["suggestion"]
