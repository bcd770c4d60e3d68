"""The sample shop: nine source systems of an invented shop, as dirty as real ones, with the truth about them beside."""

from customer360.sample.manifest import Manifest, TableFacts
from customer360.sample.shop import DAILY_FILES, STEPS, generate

__all__ = ["DAILY_FILES", "STEPS", "Manifest", "TableFacts", "generate"]
