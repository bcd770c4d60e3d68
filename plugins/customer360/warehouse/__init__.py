"""The warehouse port and its two adapters."""

from customer360.warehouse.port import Estimate, JobStats, Publication, Warehouse

__all__ = ["Estimate", "JobStats", "Publication", "Warehouse"]
