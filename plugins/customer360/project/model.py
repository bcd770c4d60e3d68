"""What the files under sql/ say, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from customer360.googlesql import types
from customer360.project.names import TableName

if TYPE_CHECKING:
    import pyarrow as pa

    from customer360.project.incremental import Incremental

Granularity = Literal["DAY", "MONTH", "YEAR"]
Materialized = Literal["table", "view"]
Format = Literal["json"]
NewColumns = Literal["ignore", "add", "fail"]
Schedule = Literal["daily", "weekly"]


@dataclass(frozen=True)
class Column:
    """One column. `type` is GoogleSQL text (`NUMERIC`, `ARRAY<STRUCT<category STRING, weight NUMERIC>>`).

    For contracts: `allowed` values (whatever their case), bounds (a literal, or `run_date`), and a regular expression
    (RE2) that a STRING must match as a whole, or the `format` that it has: `json`, a JSON document.
    """

    name: str
    type: str
    description: str
    required: bool = False
    pii: bool = False
    allowed: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    pattern: str | None = None
    format: Format | None = None


@dataclass(frozen=True)
class Partition:
    """Time partitioning: `column` is DATE (or TIMESTAMP with granularity)."""

    column: str
    granularity: Granularity = "DAY"
    require_filter: bool = False


@dataclass(frozen=True)
class TableSpec:
    """All a warehouse must know to create a table."""

    name: TableName
    columns: tuple[Column, ...]
    description: str
    partition: Partition | None = None
    cluster_by: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def schema(self) -> dict[str, str]:
        """Column name → GoogleSQL type, in order."""
        return {column.name: column.type for column in self.columns}

    @property
    def arrow_schema(self) -> pa.Schema:
        """The columns as Arrow has them, in order."""
        import pyarrow as pa

        return pa.schema([(column.name, types.to_arrow(column.type)) for column in self.columns])


@dataclass(frozen=True)
class Reference:
    """A table that a query reads, and the line that names it."""

    name: TableName
    line: int


@dataclass(frozen=True)
class Model:
    """A table or view built by one SELECT: a folder with model.yaml and query.sql.

    A *computed* table has no query.sql (`sql` is empty): plain SQL cannot make it, so the room `built_by` of this
    package does, together with all other tables of that room and dataset, from `references`.
    """

    spec: TableSpec
    path: Path
    owner: str
    sql: str
    references: tuple[Reference, ...]
    parameters: frozenset[str]
    built_by: str | None = None
    materialized: Materialized = "table"
    schedule: Schedule = "daily"
    key: tuple[str, ...] = ()
    budget_bytes: int | None = None
    incremental: Incremental | None = None

    @property
    def name(self) -> TableName:
        return self.spec.name

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.spec.columns

    @property
    def is_kept_by_day(self) -> bool:
        """Whether each run replaces its own day's partition and leaves the others, whatever day the rest is at."""
        return self.built_by == "history"

    @property
    def file(self) -> Path:
        """The file that says what this model reads."""
        return self.path / ("model.yaml" if self.built_by else "query.sql")

    @property
    def cases(self) -> tuple[Path, ...]:
        """The given/expect files of this model, sorted."""
        return tuple(sorted((self.path / "tests").glob("*.yaml")))


@dataclass(frozen=True)
class Contract:
    """A source table as it must arrive: a folder with model.yaml and no query.sql.

    `spec.columns` ends in the audit columns that loading adds. `key` is unique within a load; a row without it is
    refused, as is one without `event_time` or any other column marked required. `new_columns` says what to do about
    columns of the source that the contract does not have: report and ignore them, keep their values as JSON in `_extra`
    (add), or refuse the load.
    """

    spec: TableSpec
    path: Path
    owner: str
    key: tuple[str, ...]
    event_time: str | None = None
    max_refused_share: float = 0.01
    new_columns: NewColumns = "ignore"

    @property
    def name(self) -> TableName:
        return self.spec.name

    def too_many(self, refused: int, read: int) -> bool:
        """Whether a load must fail for the rows that were refused of those read. One bad row among the few of a quiet
        day is no sign of a broken source, whatever its share; nothing but bad rows is."""
        if refused == 1 < read and self.max_refused_share:
            return False
        return bool(read) and refused / read > self.max_refused_share

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.spec.columns

    @property
    def system(self) -> str:
        """`raw_crm.customer_info` → `crm`."""
        return self.name.dataset.removeprefix("raw_")

    @property
    def source_columns(self) -> tuple[Column, ...]:
        """The columns a source delivers: all but the audit columns."""
        return tuple(column for column in self.columns if not column.name.startswith("_"))


AUDIT_COLUMNS = (
    Column("_loaded_date", "DATE", "Logical date of the load that brought the row; the partition.", required=True),
    Column("_loaded_at", "TIMESTAMP", "When the load wrote the row.", required=True),
    Column("_batch_id", "STRING", "The load that brought the row.", required=True),
    Column("_source", "STRING", "File or table the row came from.", required=True),
)
# What a contract with `new_columns: add` has besides. Its columns stay the declared ones on both engines.
EXTRA = Column(
    "_extra", "STRING", "Values of source columns that the contract does not have, as a JSON object.", pii=True
)
