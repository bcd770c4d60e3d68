"""How people are told apart: `identity.yaml`, or the defaults where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from customer360.errors import ProjectError
from customer360.project.yaml_files import read_yaml
from customer360.settings import Parameter

OVERRIDE, PROBABILISTIC = "OVERRIDE", "PROBABILISTIC"
NEVER_JOIN = ("IP_ADDRESS", "SESSION_ID")
_TYPE = re.compile(r"[A-Z][A-Z0-9_]*")
_COUNTRY = re.compile(r"[A-Z]{2}")


def _identifiers() -> dict[str, int]:
    return {"EXTERNAL_ID": 10, "EMAIL": 10, "PHONE": 10, "DEVICE_ID": 5, "COOKIE_ID": 5}


@dataclass(frozen=True)
class Probabilistic:
    """Pairs that a Splink model finds, as evidence weaker than all other.

    model: JSON file of a trained Splink model; in `identity.yaml` its path from there
    threshold: the least probability of a pair to be one person that makes it evidence
    most_pairs: how many pairs the model's blocking rules may give to compare; more is an error
    """

    model: Path
    threshold: float = 0.9
    most_pairs: int = 50_000_000


@dataclass(frozen=True)
class IdentityConfig:
    """What joins source customers to people. `identity.yaml` has the same keys.

    identifiers: type → how many source customers one value may join before it is blocked; stronger evidence first
    combinations: lists of attribute types that together are an identifier, weaker than all identifiers
    combination_limit: how many source customers one combination may join
    unreliable_percent: a combination joins nobody when more than this share of the values that several customers have
        are over the limit, five at least: it is no identifier, such as a city. Identifiers are never judged so
    placeholders: values that stand for nothing, in lower case; dates as 1900-01-01
    trust: source systems whose attributes are believed first (survivorship, primary_source)
    gmail_is_one_mailbox: whether dots and +tags are left out of Gmail addresses
    phone_country: ISO 3166 code of numbers without a country
    probabilistic: the model that finds pairs which are probably one person; None for none
    """

    identifiers: Mapping[str, int] = field(default_factory=_identifiers)
    combinations: Sequence[tuple[str, ...]] = (("FIRST_NAME", "LAST_NAME", "DATE_OF_BIRTH"),)
    combination_limit: int = 10
    unreliable_percent: int = 5
    placeholders: Sequence[str] = (
        *("test@test.com", "test@example.com", "noreply@example.com", "none@none.com", "na@na.com", "email@email.com"),
        *("unknown", "n/a", "na", "none", "null", "nan", "test", "-", "1900-01-01", "1970-01-01"),
        *("+0000000000", "0000000000", "1234567890", "1111111111", "9999999999"),
        *("00000000-0000-0000-0000-000000000000", "anonymous", "undefined"),
    )
    trust: Sequence[str] = ("crm", "commerce", "loyalty", "support", "marketing", "web")
    gmail_is_one_mailbox: bool = False
    phone_country: str = "DE"
    probabilistic: Probabilistic | None = None

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Query parameters, of models too: types with their limits, strongest first, the attributes of each
        combination, and the systems by trust."""
        names = ["+".join(attributes) for attributes in self.combinations]
        types = [OVERRIDE, *self.identifiers, *names, PROBABILISTIC]
        # A decision joins two, whatever it is, and so does a match.
        limits = [2, *self.identifiers.values(), *(self.combination_limit for _ in names), 2]
        parts = [(name, each) for name, group in zip(names, self.combinations, strict=True) for each in group]
        return {
            "identity_types": Parameter("ARRAY<STRING>", types),
            "share_limits": Parameter("ARRAY<INT64>", limits),
            "unreliable_percents": Parameter(
                "ARRAY<INT64>", [100] * (1 + len(self.identifiers)) + [self.unreliable_percent] * len(names) + [100]
            ),
            "identifiers": Parameter("ARRAY<STRING>", list(self.identifiers)),
            "part_combinations": Parameter("ARRAY<STRING>", [name for name, _ in parts]),
            "part_attributes": Parameter("ARRAY<STRING>", [attribute for _, attribute in parts]),
            "placeholders": Parameter("ARRAY<STRING>", list(self.placeholders)),
            "trusted_systems": Parameter("ARRAY<STRING>", list(self.trust)),
        }


def load_identity_config(file: Path) -> IdentityConfig:
    """The configuration in a YAML file; the defaults where there is none, and for keys it does not have.

    Raises ProjectError with file and place for unknown keys and values that cannot be meant.
    """
    if not file.exists():
        return IdentityConfig()
    return _Reader(file).config(read_yaml(file) or {})


@dataclass(frozen=True)
class _Reader:
    file: Path

    def error(self, place: str, message: str, hint: str | None = None) -> ProjectError:
        return ProjectError(f"{place}: {message}", path=self.file, hint=hint)

    def config(self, raw: Any) -> IdentityConfig:
        known = [each.name for each in fields(IdentityConfig)]
        if not isinstance(raw, dict):
            raise self.error("the file", "must be a mapping", f"known keys: {', '.join(known)}")
        if unknown := [str(key) for key in raw if key not in known]:
            raise self.error(unknown[0], "unknown key", f"known keys: {', '.join(known)}")
        readers: dict[str, Callable[[Any, str], Any]] = {
            "identifiers": self.identifiers,
            "combinations": self.combinations,
            "combination_limit": self.limit,
            "unreliable_percent": self.percent,
            "placeholders": self.texts,
            "trust": self.texts,
            "gmail_is_one_mailbox": self.truth,
            "phone_country": self.country,
            "probabilistic": self.probabilistic,
        }
        return IdentityConfig(**{key: readers[key](value, key) for key, value in raw.items()})

    def probabilistic(self, value: Any, place: str) -> Probabilistic:
        readers: dict[str, Callable[[Any, str], Any]] = {
            "model": self.path,
            "threshold": self.probability,
            "most_pairs": self.limit,
        }
        if not isinstance(value, dict) or "model" not in value:
            raise self.error(place, "must be a mapping with a model", "{model: matching.json, threshold: 0.9}")
        if unknown := [str(key) for key in value if key not in readers]:
            raise self.error(f"{place}.{unknown[0]}", "unknown key", f"known keys: {', '.join(readers)}")
        return Probabilistic(**{key: readers[key](each, f"{place}.{key}") for key, each in value.items()})

    def path(self, value: Any, place: str) -> Path:
        if not isinstance(value, str) or not (found := self.file.parent / value).is_file():
            raise self.error(place, f"{value!r} is no file", f"a path from {self.file.parent}")
        return found

    def probability(self, value: Any, place: str) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < 1:
            raise self.error(place, f"{value!r} is no threshold", "a number between 0 and 1")
        return float(value)

    def identifiers(self, value: Any, place: str) -> dict[str, int]:
        if not isinstance(value, dict) or not value:
            raise self.error(place, "must be a mapping of types to limits", "EMAIL: 10")
        found = {}
        for type_, limit in value.items():
            found[self.type(type_, f"{place}.{type_}")] = self.limit(limit, f"{place}.{type_}")
            if type_ in (*NEVER_JOIN, OVERRIDE, PROBABILISTIC):
                raise self.error(f"{place}.{type_}", "cannot join people", "leave it out")
        return found

    def combinations(self, value: Any, place: str) -> tuple[tuple[str, ...], ...]:
        if not isinstance(value, list):
            raise self.error(place, "must be a list of lists", "- [FIRST_NAME, LAST_NAME, DATE_OF_BIRTH]")
        found = []
        for n, group in enumerate(value):
            here = f"{place}[{n}]"
            types = tuple(self.type(each, here) for each in self.texts(group, here))
            if not types or len(set(types)) < len(types):
                raise self.error(here, "must name one attribute or more, each once")
            found.append(types)
        if len({frozenset(group) for group in found}) < len(found):
            raise self.error(place, "holds the same combination twice")
        return tuple(found)

    def type(self, value: Any, place: str) -> str:
        if not isinstance(value, str) or not _TYPE.fullmatch(value):
            raise self.error(place, f"{value!r} is no type", "upper case, such as EMAIL or LAST_NAME")
        return value

    def limit(self, value: Any, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 2:
            raise self.error(place, f"{value!r} is no limit", "a whole number, 2 or more")
        return value

    def percent(self, value: Any, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
            raise self.error(place, f"{value!r} is no percentage", "a whole number from 0 to 100")
        return value

    def texts(self, value: Any, place: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.error(place, "must be a list of texts", "quote what YAML takes for a number or a date")
        return tuple(value)

    def truth(self, value: Any, place: str) -> bool:
        if not isinstance(value, bool):
            raise self.error(place, f"{value!r} must be true or false")
        return value

    def country(self, value: Any, place: str) -> str:
        if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
            raise self.error(place, f"{value!r} is no country code", "two letters of ISO 3166, such as DE or US")
        return value
