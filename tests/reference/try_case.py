"""Analyse one model and run its cases on both engines, while writing it.

PYTHONPATH=plugins:tests python tests/reference/try_case.py sql/staging/stg_crm__customer_info [words of a case's name]
"""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "plugins"), str(_ROOT / "tests")]


def main(folder: str, *words: str) -> int:
    """Print what differs; the exit code is the number of problems."""
    import duckdb

    from customer360.errors import Customer360Error
    from customer360.project import load_project
    from reference.cases import ENGINES, check_case, check_columns, read_case
    from reference.zetasql_client import ServerError

    try:
        project = load_project(_ROOT)
    except Customer360Error as error:
        sys.exit(str(error))
    path = Path(folder).resolve()
    model = next((model for model in project.models.values() if Path(model.path).resolve() == path), None)
    if model is None:
        sys.exit(f"{folder} is no model's folder")
    problems = 0

    def report(title: str, difference: str) -> None:
        nonlocal problems
        problems += bool(difference)
        sys.stdout.write(f"FAIL  {title}\n{difference}\n" if difference else f"ok    {title}\n")

    try:
        report("columns as in model.yaml", check_columns(model, project))
    except ServerError as error:
        report("analysis", f"  {error}")
    for file in model.cases:
        if not all(word in file.stem for word in words):
            continue
        for engine in ENGINES:
            try:
                report(f"{file.stem} [{engine}]", check_case(read_case(model, file), project, engine))
            except (ServerError, Customer360Error, ValueError, duckdb.Error) as error:
                report(f"{file.stem} [{engine}]", f"  {type(error).__name__}: {error}")
    if not model.cases:
        report("cases", "  there is no case")
    return problems


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
