"""Customers: one person whole, found by any id or identifier. For the command line and the API alike."""

from customer360.customers.customers import Customers
from customer360.customers.document import to_document
from customer360.customers.records import Match, Person, Shown

__all__ = ["Customers", "Match", "Person", "Shown", "to_document"]
