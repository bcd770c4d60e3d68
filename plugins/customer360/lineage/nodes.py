"""What lineage speaks of: columns, the rows of a table, parameters; and how one comes to be from another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_ROWS, _ANY = "(rows)", "*"


class Kind(StrEnum):
    """How a value gets into a column. The words are OpenLineage's, save READ and COMPUTED."""

    IDENTITY = "IDENTITY"
    TRANSFORMATION = "TRANSFORMATION"
    AGGREGATION = "AGGREGATION"
    COMPUTED = "COMPUTED"  # by Python: by what path cannot be said
    CONDITIONAL = "CONDITIONAL"
    WINDOW = "WINDOW"
    SORT = "SORT"
    JOIN = "JOIN"
    FILTER = "FILTER"
    GROUP_BY = "GROUP_BY"
    READ = "READ"  # a row is there because one is there in what is read

    @property
    def is_direct(self) -> bool:
        """Whether the value itself is passed on; else it decides, by a condition, an order or a join."""
        return self in _DIRECT

    @property
    def words(self) -> str:
        """For people, after a name."""
        return _WORDS[self]


_DIRECT = (Kind.IDENTITY, Kind.TRANSFORMATION, Kind.AGGREGATION, Kind.COMPUTED)
_WORDS = {
    Kind.IDENTITY: "as it is",
    Kind.TRANSFORMATION: "transformed",
    Kind.AGGREGATION: "aggregated",
    Kind.COMPUTED: "by computation",
    Kind.CONDITIONAL: "in a condition",
    Kind.WINDOW: "divides or orders a window",
    Kind.SORT: "puts in order",
    Kind.JOIN: "joined on",
    Kind.FILTER: "filtered by",
    Kind.GROUP_BY: "grouped by",
    Kind.READ: "read",
}


@dataclass(frozen=True, order=True)
class Node:
    """A column of `table` (`dataset.table`); or its rows, any column of it, or a parameter of the run (no table)."""

    table: str
    column: str

    @classmethod
    def rows(cls, table: str) -> Node:
        """Which rows a table has, and how many."""
        return cls(table, _ROWS)

    @classmethod
    def anything(cls, table: str) -> Node:
        """The whole table, where nobody can say which of its columns matter."""
        return cls(table, _ANY)

    @classmethod
    def parameter(cls, name: str) -> Node:
        """`@name`."""
        return cls("", f"@{name}")

    @property
    def is_rows(self) -> bool:
        return self.column == _ROWS

    @property
    def is_anything(self) -> bool:
        return self.column == _ANY

    @property
    def is_parameter(self) -> bool:
        return not self.table

    @property
    def is_column(self) -> bool:
        return not (self.is_rows or self.is_anything or self.is_parameter)

    def __str__(self) -> str:
        if self.is_parameter:
            return self.column
        if self.is_rows:
            return f"rows of {self.table}"
        return f"{self.table} (any column)" if self.is_anything else f"{self.table}.{self.column}"


@dataclass(frozen=True, order=True)
class Source:
    """Where something comes from, and how."""

    node: Node
    kind: Kind

    def through(self, kind: Kind) -> Source:
        """The same after one step more. What only decides never becomes a value; a value changes for good."""
        if not self.kind.is_direct or (kind.is_direct and _DIRECT.index(kind) <= _DIRECT.index(self.kind)):
            return self
        return Source(self.node, kind)


Sources = frozenset[Source]
NOTHING: Sources = frozenset()


def through(sources: Sources, kind: Kind) -> Sources:
    """All of them after one step more."""
    return frozenset(source.through(kind) for source in sources)
