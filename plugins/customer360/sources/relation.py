"""What readers of databases share: which columns are asked for, and the one copy of them that becomes `source`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.errors import SourceError
from customer360.sources.bindings import TableBinding
from customer360.sources.conversion import DECIMAL_TEXT
from customer360.sources.extract import RESERVED, Extract
from customer360.sources.window import Window
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Relation:
    """A table or view of the database attached as `remote`, for one load. `wanted`: columns in lower case.

    Its rows are copied once, into a file in `scratch`: a table that others write to is never the same twice, and in
    memory it may not fit.
    """

    session: duckdb.DuckDBPyConnection
    binding: TableBinding
    window: Window
    wanted: Collection[str]
    scratch: Path

    @property
    def schema(self) -> str:
        return self.binding.relation.rpartition(".")[0]

    @property
    def table(self) -> str:
        return self.binding.relation.rpartition(".")[2]

    def reads(self, column: str) -> bool:
        return column.lower() in self.wanted and column.lower() not in RESERVED

    def cursor_of(self, types: Mapping[str, str], dated: Collection[str]) -> str | None:
        """The column that the window is about, where the database can find its rows by it: a day or a time."""
        cursor = self.binding.load.cursor
        if cursor is None or not cursor.is_column:
            return None
        name = next((name for name in types if name.lower() == cursor.tree.name.lower()), None)
        return name if name is not None and types[name] in dated else None

    def copy(
        self, columns: Mapping[str, str], rows: str, position: str = "row_number() OVER ()", kept: str = "true"
    ) -> None:
        """Create `source`. `columns`: name → SQL over `rows`, read once; `kept`: which copies are in it."""
        select = "".join(f"{sql} AS {identifier(name)}, " for name, sql in columns.items())
        file = literal(str(self.scratch / "source.parquet"))
        self.session.execute(
            f"COPY (SELECT {select}CAST({position} AS BIGINT) AS _position FROM {rows}) TO {file} (FORMAT parquet,"
            " COMPRESSION lz4_raw)"
        )
        self.session.execute(
            "CREATE OR REPLACE TEMP VIEW source AS SELECT *, CAST(NULL AS BIGINT) AS _line,"
            f" {literal(self.binding.place)} AS _source FROM read_parquet({file}) WHERE {kept}"
        )

    def copied(self) -> str:
        """SQL of all copied rows, also those that `source` leaves out."""
        return f"read_parquet({literal(str(self.scratch / 'source.parquet'))})"

    def source_types(self) -> dict[str, str]:
        """Column → DuckDB type of `source`."""
        return {row[0]: row[1] for row in self.session.execute("DESCRIBE source").fetchall()}

    def extract(self, columns: Mapping[str, bool], present: Sequence[str]) -> Extract:
        """What was copied of a table whose columns are `present`. columns: name → whether it is a decimal there;
        such as arrived as text have more digits than DuckDB's."""
        found = self.source_types()
        types = {
            name: DECIMAL_TEXT if decimal and found[name] == "VARCHAR" else found[name]
            for name, decimal in columns.items()
        }
        return Extract(types, tuple(present), ordered=False)

    def missing(self, listing: str) -> SourceError:
        """There is no such table. `listing`: a query of the names that there are."""
        known = sorted({str(row[0]) for row in self.session.execute(listing).fetchall()})
        return SourceError(
            f"{self.binding.contract}: connection {self.binding.connection} has no table {self.binding.relation!r},"
            f" named in {self.binding.file.name}; it has {', '.join(known[:20]) or 'none'}"
        )
