"""Every day of `marts.customer_360`: kept when it is published, read again as it was, and compared with another day."""

from customer360.history.comparing import Comparison, compare
from customer360.history.keeping import keep_day
from customer360.history.reading import customer_360_at, kept_days
from customer360.history.tables import DAYS, KEPT, VERSIONS

__all__ = ["DAYS", "KEPT", "VERSIONS", "Comparison", "compare", "customer_360_at", "keep_day", "kept_days"]
