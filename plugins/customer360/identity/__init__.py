"""Identity: which source customers are one person, and the id that the person keeps."""

from customer360.identity.configuration import IdentityConfig, load_identity_config
from customer360.identity.resolve import Resolution, resolve
from customer360.identity.tables import OBSERVATIONS, OVERRIDES, SPECS, Tables

__all__ = [
    "OBSERVATIONS",
    "OVERRIDES",
    "SPECS",
    "IdentityConfig",
    "Resolution",
    "Tables",
    "load_identity_config",
    "resolve",
]
