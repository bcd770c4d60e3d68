"""One module per family of constructs; importing this package registers every rule."""

from customer360.googlesql.rules import aggregates, arithmetic, arrays, casts, dates, documents, formats, strings
from customer360.googlesql.rules.base import RULES

__all__ = ["RULES", "aggregates", "arithmetic", "arrays", "casts", "dates", "documents", "formats", "strings"]
