"""An expectation that cannot fail is decoration: every one objects to some corruption of the real table.

Each table of a small real build is spoiled in general ways (corruption.py) and audited, until every expectation of its
suite has objected. One that none of them provokes says itself how it can be broken, in its `meta`, and only that counts:

    "meta": {"breaks": {"set": {"gross_revenue": "-1"}, "where": "items > 0"}}   a row (that matches) again, changed
    "meta": {"breaks": {"remove": "customer360_id IS NOT NULL"}}                 these rows are missing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from customer360.build import Build
from customer360.project import TableSpec
from customer360.quality import AuditedTable, Expectation, Result, audit
from customer360.quality.suites import read_suite
from customer360.settings import Parameter, Settings
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo, Warehouse
from quality.conftest import ORDERS, RUN, SCHEMAS, SUITES, expectation, query, suites, write_suite
from quality.corruption import Corruption, corruptions

NEVER = date(1900, 1, 1)  # no run has this date, so its candidates are free


@dataclass(frozen=True)
class Bench:
    """Where tables are spoiled."""

    warehouse: Warehouse
    suites: Path
    run: RunInfo
    parameters: Mapping[str, Parameter]
    schemas: Mapping[str, Mapping[str, str]]

    def silent(self, path: Path, spec: TableSpec) -> list[str]:
        """The expectations of a suite that objected to nothing."""
        suite = read_suite(path)
        silent = set(range(len(suite.expectations)))
        for corruption in corruptions(suite, spec, empty=not self.warehouse.row_counts([spec.name])[spec.name]):
            targets = silent & corruption.targets
            if targets and all(suite.expectations[number].query for number in targets) and len(corruption.targets) == 1:
                silent -= {n for n in targets if self.objects(suite.expectations[n], corruption)}
            elif targets:
                results = self.audited(spec, corruption)
                errors = [str(result) for result in results if result.error]
                assert not errors, f"{corruption.what}: {errors}"
                silent -= {number for number in targets if not results[number].success}
        self.warehouse.drop([spec.name.candidate(NEVER)])
        told = suite.expectations
        return [f"{n + 1} ({told[n].type}: {told[n].description})" for n in sorted(silent)]

    def audited(self, spec: TableSpec, corruption: Corruption) -> tuple[Result, ...]:
        candidate = spec.name.candidate(NEVER)
        self.warehouse.write(spec, corruption.sql, target=candidate, parameters=self.parameters)
        return audit(
            [AuditedTable(spec, candidate)],
            warehouse=self.warehouse,
            suites=self.suites,
            run=self.run,
            parameters=self.parameters,
            renames={},
            schemas=self.schemas,
            samples=0,
        ).results

    def objects(self, expectation: Expectation, corruption: Corruption) -> bool:
        """Whether a query gives rows over the spoiled table: asked without writing it, for there are hundreds."""
        assert expectation.query is not None
        spoiled = expectation.query.format(batch=f"({corruption.sql})")
        return self.warehouse.query(spoiled, parameters=self.parameters).num_rows > 0


def test_there_are_suites() -> None:
    assert len(SUITES) > 20


def test_an_expectation_that_cannot_fail_is_found(orders: LocalWarehouse, tmp_path: Path) -> None:
    told = query("SELECT order_id FROM {batch} WHERE status = 'odd' AND amount = 7")
    folder = write_suite(
        tmp_path,
        ORDERS.name,
        [
            expectation("expect_column_values_to_not_be_null", column="customer"),
            expectation("expect_column_values_to_not_be_null", column="customer", mostly=0.5),
            expectation("expect_table_row_count_to_be_between", min_value=0),
            expectation("expect_table_row_count_to_be_between", min_value=1),
            expectation("expect_column_values_to_be_between", column="amount", min_value=-1e15),
            told,
            told | {"meta": {"breaks": {"set": {"status": "'odd'", "amount": "NUMERIC '7'"}, "where": "line = 2"}}},
            told | {"meta": {"breaks": {"set": {"status": "'odd'"}}}},
        ],
        ["order_id"],
    )
    bench = Bench(orders, folder, RUN, Settings().parameters(RUN.run_date), SCHEMAS)
    silent = bench.silent(folder / "core" / "orders.json", ORDERS)
    assert [text.split()[0] for text in silent] == ["3", "5", "6", "8"]


@suites
def test_every_expectation_objects_to_something(path: Path, small_shop: Build) -> None:
    bench = Bench(
        small_shop.warehouse,
        small_shop.settings.home / "expectations",
        small_shop.run,
        small_shop.parameters,
        small_shop.project.schemas,
    )
    silent = bench.silent(path, small_shop.project.spec(read_suite(path).table))
    assert not silent, f"nothing tried makes these fail; say in meta.breaks what does: {'; '.join(silent)}"
