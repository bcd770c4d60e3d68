"""An expectation that cannot fail is decoration: every one objects to some corruption of the real table.

Each table of a small real build is spoiled in general ways (corruption.py) and audited, until every expectation of its
suite has objected. One that none of them provokes says itself how it can be broken, in its `meta`, and only that counts:

    "meta": {"breaks": {"set": {"gross_revenue": "-1"}, "where": "items > 0"}}   a row (that matches) again, changed
    "meta": {"breaks": {"remove": "customer360_id IS NOT NULL"}}                 these rows are missing
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.quality import AuditedTable, Expectation, Result, audit
from customer360.quality.suites import read_suite
from quality.conftest import SUITES, suites
from quality.corruption import Corruption, corruptions

if TYPE_CHECKING:
    from customer360.build import Build
    from customer360.project import TableSpec

NEVER = date(1900, 1, 1)  # no run has this date, so its candidates are free


def audited(build: Build, spec: TableSpec, corruption: Corruption) -> tuple[Result, ...]:
    candidate = spec.name.candidate(NEVER)
    build.warehouse.write(spec, corruption.sql, target=candidate, parameters=build.parameters)
    return audit(
        [AuditedTable(spec, candidate)],
        warehouse=build.warehouse,
        suites=build.settings.home / "expectations",
        run=build.run,
        parameters=build.parameters,
        renames={},
        schemas=build.project.schemas,
        samples=0,
    ).results


def objects(build: Build, expectation: Expectation, corruption: Corruption) -> bool:
    """Whether a query gives rows over the spoiled table: asked without writing it, for there are hundreds."""
    assert expectation.query is not None
    spoiled = expectation.query.format(batch=f"({corruption.sql})")
    return build.warehouse.query(spoiled, parameters=build.parameters).num_rows > 0


def test_there_are_suites() -> None:
    assert len(SUITES) > 20


@suites
def test_every_expectation_objects_to_something(path: Path, small_shop: Build) -> None:
    suite = read_suite(path)
    spec = small_shop.project.spec(suite.table)
    empty = not small_shop.warehouse.row_counts([suite.table])[suite.table]
    silent = set(range(len(suite.expectations)))
    for corruption in corruptions(suite, spec, empty=empty):
        targets = silent & corruption.targets
        if targets and all(suite.expectations[number].query for number in targets) and len(corruption.targets) == 1:
            silent -= {n for n in targets if objects(small_shop, suite.expectations[n], corruption)}
        elif targets:
            results = audited(small_shop, spec, corruption)
            errors = [str(result) for result in results if result.error]
            assert not errors, f"{corruption.what}: {errors}"
            silent -= {number for number in targets if not results[number].success}
    small_shop.warehouse.drop([spec.name.candidate(NEVER)])
    unbroken = [f"{n + 1} ({suite.expectations[n].type}: {suite.expectations[n].description})" for n in sorted(silent)]
    assert not unbroken, f"nothing tried makes these fail; say in meta.breaks what does: {'; '.join(unbroken)}"
