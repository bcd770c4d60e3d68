"""Identity: which source customers are one person, and the id that the person keeps."""

from customer360.identity.configuration import IdentityConfig, load_identity_config
from customer360.identity.people import resolve_people
from customer360.identity.resolve import Resolution, resolve
from customer360.identity.tables import DECISIONS, OBSERVATIONS, SIGHTINGS, Tables, specs_of

__all__ = [
    "DECISIONS",
    "OBSERVATIONS",
    "SIGHTINGS",
    "IdentityConfig",
    "Resolution",
    "Tables",
    "load_identity_config",
    "resolve",
    "resolve_people",
    "specs_of",
]
