"""Write → audit → publish: how models become the tables that people read."""

from customer360.build.build import Build

__all__ = ["Build"]
