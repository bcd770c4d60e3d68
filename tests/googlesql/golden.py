"""Reading, and after a change of the rules rewriting, the golden files.

    --- title, a sentence
    SELECT … in GoogleSQL
    -- becomes
    SELECT … in DuckDB

A title followed by `-- fails` marks a query that must be an error on both engines when it runs.
`PYTHONPATH=plugins:tests python tests/googlesql/golden.py` rewrites what follows each `-- becomes`: read the diff.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Golden:
    """One case: a query, what it becomes, and whether running it must fail."""

    file: str
    title: str
    sql: str
    duckdb: str
    fails: bool

    def __str__(self) -> str:
        return f"{self.file}-{self.title.replace(' ', '_')}"

    def text(self) -> str:
        """The case as it stands in its file."""
        fails = "-- fails\n" if self.fails else ""
        return f"--- {self.title}\n{fails}{self.sql}\n-- becomes\n{self.duckdb}\n"


def read(path: Path) -> list[Golden]:
    """The cases of one file."""
    found = []
    for block in path.read_text(encoding="utf-8").split("--- ")[1:]:
        title, _, rest = block.partition("\n")
        sql, _, duckdb = rest.partition("-- becomes\n")
        fails = sql.startswith("-- fails\n")
        sql = sql.removeprefix("-- fails\n").strip()
        found.append(Golden(path.stem, title.strip(), sql, duckdb.strip(), fails))
    return found


def read_all() -> list[Golden]:
    """Every case, by file."""
    return [case for path in sorted(FOLDER.glob("*.sql")) for case in read(path)]


def rewrite() -> None:
    """Write what every query becomes today."""
    from customer360.errors import ProjectError
    from customer360.googlesql.to_duckdb import to_duckdb
    from googlesql.tables import PARAMETER_TYPES, SCHEMAS

    for path in sorted(FOLDER.glob("*.sql")):
        cases = []
        for case in read(path):
            try:
                duckdb = to_duckdb(case.sql, schemas=SCHEMAS, parameters=PARAMETER_TYPES)
            except ProjectError as error:
                duckdb = "-- (refused)"
                sys.stderr.write(f"{case}: {error}\n")
            cases.append(Golden(case.file, case.title, case.sql, duckdb, case.fails))
        path.write_text("\n".join(case.text() for case in cases), encoding="utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(FOLDER.parents[2] / "plugins"), str(FOLDER.parents[1])]
    rewrite()
