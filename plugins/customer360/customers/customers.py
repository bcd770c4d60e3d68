"""The door of this room: find a person, describe a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from customer360.customers.describe import describe
from customer360.customers.find import find
from customer360.customers.queries import Queries
from customer360.customers.records import Match, Person, Shown
from customer360.identity import IdentityConfig
from customer360.warehouse.port import Warehouse


@dataclass(frozen=True)
class Customers:
    """The people of a warehouse.

    queries: the project's folder sql/queries · config: how people are told apart
    most: how many source customers, identifiers … of a person are told one by one; of all others, how many there are
    """

    warehouse: Warehouse
    queries: Path
    config: IdentityConfig
    most: int = 20

    def find(self, text: str) -> Shown[Match]:
        """The people that a text means: see `find.find`."""
        return find(self._ask(), text, self.config, most=self.most)

    def describe(self, customer360_id: str, *, events: int = 10, on: date | None = None) -> Person:
        """All that is known of a person, the last `events` included: see `describe.describe`."""
        return describe(self._ask(), customer360_id, self.config, most=self.most, events=events, on=on)

    def _ask(self) -> Queries:
        return Queries(self.warehouse, self.queries, self.config.parameters)
