"""Every error this package raises on purpose.

    Customer360Error                   what went wrong, where, and what would be right
    ├── SettingsError                  an environment variable or option is missing or malformed
    ├── ProjectError                   a file under sql/, expectations/ or a bindings folder is wrong
    │   └── UnsupportedSqlError        SQL outside the GoogleSQL allow-list
    ├── SourceError                    a source system cannot be read as its binding says
    │   ├── SourceUnreachableError     it is out of reach, not there yet or being written to (a retry helps)
    │   ├── SchemaDriftError           a contract column is missing or has another type
    │   ├── TooManyRefusedError        more rows were refused than the contract allows; nothing was loaded
    │   └── StaleSourceError           the newest row of a source is older than its binding allows
    ├── WarehouseError                 the warehouse refused an operation
    │   ├── BudgetError                a query would read more bytes than its model may
    │   ├── WarehouseBusyError         another process holds the write lock (a retry helps)
    │   └── WarehouseUnavailableError  a disk, a lock or a connection failed (a retry helps)
    ├── UnknownCustomerError           no person has this id, source customer or identifier
    ├── AuditError                     an expectation failed; what people read was left untouched
    └── LocalAirflowError              raised by orchestration: the local Airflow did not start, or a run in it failed

Only errors whose `retry_helps` is true are worth running again unchanged: the operators fail the others without retry.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Customer360Error(Exception):
    """Base of all errors raised on purpose. `retry_helps` says whether the same call may succeed later."""

    retry_helps = False


class SettingsError(Customer360Error):
    """An environment variable or option is missing or malformed."""


class ProjectError(Customer360Error):
    """A project file is wrong. The message starts with `path:line:` where they are known and ends with the hint."""

    def __init__(
        self, message: str, *, path: Path | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        self.path, self.line, self.hint = path, line, hint
        where = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(f"{where}{message}{f' ({hint})' if hint else ''}")


class UnsupportedSqlError(ProjectError):
    """SQL outside the GoogleSQL allow-list."""


class SourceError(Customer360Error):
    """A source system cannot be read as its binding says."""


class SourceUnreachableError(SourceError):
    """A source is out of reach, not there yet, or being written to while it is read."""

    retry_helps = True


class SchemaDriftError(SourceError):
    """A contract column is missing in the source or has a type that cannot be read."""


class TooManyRefusedError(SourceError):
    """More rows were refused than the contract allows; nothing of the batch is visible."""


class StaleSourceError(SourceError):
    """The newest row of a source is older than its binding allows. What came is loaded."""


class WarehouseError(Customer360Error):
    """The warehouse refused an operation."""


class BudgetError(WarehouseError):
    """A query would read more bytes than its model may."""


class WarehouseBusyError(WarehouseError):
    """Another process holds the write lock."""

    retry_helps = True


class WarehouseUnavailableError(WarehouseError):
    """The warehouse could not do it now: a disk, a lock or a connection failed."""

    retry_helps = True


class UnknownCustomerError(Customer360Error):
    """No person has this id, source customer or identifier."""


class AuditError(Customer360Error):
    """An expectation of severity critical failed; published tables are untouched. `report` is the audit's."""

    def __init__(self, message: str, *, report: Any = None) -> None:
        self.report = report
        super().__init__(message)
