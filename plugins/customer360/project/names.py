"""Table names: frozen values that answer every question about a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

_PART = re.compile(r"[a-z][a-z0-9_]*")
_CANDIDATE = re.compile(r"(?P<table>.+)__candidate_(?P<day>\d{8})")


@dataclass(frozen=True, order=True)
class TableName:
    """`dataset.table`, without a project: the project is where the code runs, not what it says."""

    dataset: str
    table: str

    @classmethod
    def parse(cls, text: str) -> TableName:
        """`"marts.customer_360"` → TableName. Raises ValueError for anything but two lower-case parts."""
        parts = text.split(".")
        if len(parts) != 2 or not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(f"{text!r} is not dataset.table in lower case")
        return cls(*parts)

    @classmethod
    def from_path(cls, folder: Path) -> TableName:
        """The address of a model's folder: `sql/marts/customer_360` → `marts.customer_360`."""
        return cls.parse(f"{folder.parent.name}.{folder.name}")

    def candidate(self, run_date: date) -> TableName:
        """Where a run writes this table before it is audited. Dated, so that runs of two days never meet."""
        return TableName(self.dataset, f"{self.table}__candidate_{run_date:%Y%m%d}")

    @property
    def published(self) -> TableName:
        """The name people read: undoes `candidate`."""
        found = _CANDIDATE.fullmatch(self.table)
        return TableName(self.dataset, found["table"]) if found else self

    @property
    def is_candidate(self) -> bool:
        return _CANDIDATE.fullmatch(self.table) is not None

    def __str__(self) -> str:
        return f"{self.dataset}.{self.table}"
