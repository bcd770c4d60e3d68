"""A contract server: the part of BigQuery v2 and Cloud Storage v1 that the project uses, over HTTP, with faults to inject."""

from cloud_server.faults import Entry, Fault
from cloud_server.server import CloudServer

__all__ = ["CloudServer", "Entry", "Fault"]
