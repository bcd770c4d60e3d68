"""E-mail addresses and phone numbers as identifiers: one spelling each, and the reason where a value is none.

Values are normalised once each, in Arrow, and kept in a table beside the observations: a day only looks at values that
no day before has seen.
"""

from __future__ import annotations

import hashlib
import json
import logging
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from customer360.identity.configuration import IdentityConfig
from customer360.identity.tables import DATASET
from customer360.project.model import Column, TableSpec
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.port import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

VALUES = TableSpec(
    TableName(DATASET, "identity_values"),
    (
        Column("identity_type", "STRING", "EMAIL, PHONE …", required=True),
        Column("raw_value", "STRING", "The value as a source gave it.", required=True, pii=True),
        Column("country", "STRING", "Country of the row it stood in, two letters; '' where unknown.", required=True),
        Column("identity_value", "STRING", "Normalised; as it arrived where it is no identifier.", pii=True),
        Column("reason", "STRING", "Why it is no identifier (empty, placeholder, invalid); NULL where it is one."),
        Column("rules", "STRING", "The rules it was normalised by, as `rules_of` names them.", required=True),
    ),
    "What a raw value is as an identifier. One row per identity_type, raw_value, country and rules.",
)
_KEYS = ["identity_type", "raw_value", "country"]
_AT_ONCE = 1_000_000

# No judgement of what is deliverable: one @, no space, a domain with a point in it.
_EMAIL = r'^[^@\s<>,;:"]+@[^@\s<>,;:"._-][^@\s<>,;:"]*\.[^@\s<>,;:".]+$'
_GMAIL = r"@(gmail|googlemail)\.com$"


def rules_of(config: IdentityConfig) -> str:
    """A short name for what normalising depends on: another library or setting normalises all values again."""
    parts = [config.gmail_is_one_mailbox, config.phone_country, list(config.placeholders), version("phonenumbers"), 1]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def normalise(values: pa.Table, config: IdentityConfig) -> pa.Table:
    """Normalise `values` (columns identity_type, raw_value, country): a table like VALUES, one row per *distinct* row.

    E-mail: trimmed, lower case, no `mailto:`. Phone: E.164. Other types: trimmed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    # A NULL is the empty value: joins on it must find it.
    filled = pa.table({name: pc.fill_null(values[name].cast(pa.string()), "") for name in _KEYS})
    distinct = filled.group_by(_KEYS).aggregate([]).select(_KEYS)
    pieces = []
    for type_ in pc.unique(distinct["identity_type"]).to_pylist():
        part = distinct.filter(pc.equal(distinct["identity_type"], type_))
        trimmed = pc.utf8_trim_whitespace(part["raw_value"])
        if type_ == "EMAIL":
            spelt = _emails(trimmed, config)
        elif type_ == "PHONE":
            spelt = _phones(trimmed, part["country"], config)
        else:
            spelt = trimmed
        pieces.append(_judged(part, trimmed, spelt, config))
    if not pieces:
        return VALUES.arrow_schema.empty_table()
    return pa.concat_tables(pieces).cast(VALUES.arrow_schema)


def normalise_new(warehouse: Warehouse, observed: TableName, config: IdentityConfig) -> int:
    """Add to `identity.identity_values` the values of `observed` (columns identity_type, raw_value, country) that are
    not there by today's rules. Returns how many. May be killed and run again."""
    warehouse.ensure([VALUES])
    new = (
        "SELECT DISTINCT o.identity_type, COALESCE(o.raw_value, '') AS raw_value, COALESCE(o.country, '') AS country"
        f" FROM {observed} AS o LEFT JOIN {VALUES.name} AS v ON o.identity_type = v.identity_type"
        " AND COALESCE(o.raw_value, '') = v.raw_value AND COALESCE(o.country, '') = v.country AND v.rules = @rules"
        " WHERE o.identity_type IS NOT NULL AND v.raw_value IS NULL"
    )
    rules = {"rules": Parameter("STRING", rules_of(config))}
    count = warehouse.query(f"SELECT COUNT(*) AS n FROM ({new})", parameters=rules).to_pylist()[0]["n"]
    for part in _parts(count):
        warehouse.append(VALUES, normalise(warehouse.query(new + part, parameters=rules), config))
    log.info("%s new values", f"{count:,}")
    return int(count)


def _parts(count: int) -> list[str]:
    """Conditions that divide so many values into parts of about `_AT_ONCE`. Each part reads all observations again, so
    there are as few as memory allows."""
    number = -(-count // _AT_ONCE)
    if number == 1:
        return [""]
    place = "TO_HEX(SHA256(COALESCE(o.raw_value, '')))"
    edges = [*(f"{part * 0x10000 // number:04x}" for part in range(number)), "g"]  # after every hexadecimal digit
    return [f" AND {place} >= '{first}' AND {place} < '{end}'" for first, end in pairwise(edges)]


def _judged(part: pa.Table, trimmed: Any, spelt: Any, config: IdentityConfig) -> pa.Table:
    """With the reasons. `spelt` is NULL where a value is no identifier of its type."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = pa.array(list(config.placeholders), pa.string())
    digits = pc.replace_substring_regex(trimmed, r"[\s()/.+-]", "")
    stands_for_nothing = pc.or_kleene(
        pc.or_(pc.is_in(pc.utf8_lower(trimmed), nothing), pc.is_in(pc.fill_null(spelt, ""), nothing)),
        pc.and_(pc.equal(part["identity_type"], "PHONE"), pc.match_substring_regex(digits, "^(" + "|".join(
            f"{n}{{6,}}" for n in range(10)) + ")$")),
    )  # fmt: skip
    is_placeholder = pc.or_(stands_for_nothing, pc.is_in(digits, nothing))
    reason = pc.case_when(
        pc.make_struct(pc.equal(trimmed, ""), is_placeholder, pc.is_null(spelt)),
        pa.scalar("empty"), pa.scalar("placeholder"), pa.scalar("invalid"), pa.scalar(None, pa.string()),
    )  # fmt: skip
    rules = pa.array([rules_of(config)] * len(part), pa.string())
    value = pc.coalesce(spelt, trimmed)
    columns = {"identity_value": value, "reason": reason, "rules": rules}
    for name, column in columns.items():
        part = part.append_column(name, column)
    return part


def _emails(trimmed: Any, config: IdentityConfig) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    spelt = pc.replace_substring_regex(pc.utf8_lower(trimmed), r"^mailto:\s*", "")
    if config.gmail_is_one_mailbox:
        local = pc.replace_substring_regex(spelt, r"(\+[^@]*)?@.*$", "")
        one = pc.binary_join_element_wise(pc.replace_substring(local, ".", ""), pa.scalar("gmail.com"), "@")
        spelt = pc.if_else(pc.match_substring_regex(spelt, _GMAIL), one, spelt)
    return pc.if_else(pc.match_substring_regex(spelt, _EMAIL), spelt, pa.scalar(None, pa.string()))


def _phones(trimmed: Any, country: Any, config: IdentityConfig) -> Any:
    """phonenumbers has no columns: it is asked value by value, for distinct ones."""
    import phonenumbers
    import pyarrow as pa

    def known(code: str) -> str:
        return code.upper() if code.upper() in phonenumbers.SUPPORTED_REGIONS else config.phone_country

    pairs = zip(trimmed.to_pylist(), country.to_pylist(), strict=True)
    return pa.chunked_array([pa.array([_phone(number, known(code)) for number, code in pairs], pa.string())])


def _phone(number: str, country: str) -> str | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
