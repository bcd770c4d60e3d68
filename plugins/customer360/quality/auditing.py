"""The audit of write → audit → publish: suites over candidates, with samples of what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer360.errors import Customer360Error, WarehouseError
from customer360.project.model import TableSpec
from customer360.project.names import TableName
from customer360.quality.engines import Session, session
from customer360.quality.queries import Scope, engine_sql, for_great_expectations
from customer360.quality.report import AuditReport, Result
from customer360.quality.row_counts import judge_row_counts
from customer360.quality.suites import ROWS_QUERY, Expectation, Suite, load_suite
from customer360.settings import Parameter
from customer360.warehouse import Warehouse
from customer360.warehouse.port import RunInfo

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch

_Format = dict[str, Any]
# Whether it holds: one scan of the table answers all that is about single rows, and there is no count to know if so.
_HOLDS: _Format = {"result_format": "BOOLEAN_ONLY"}
_OBSERVED: _Format = {"result_format": "BASIC", "partial_unexpected_count": 0}


@dataclass(frozen=True)
class AuditedTable:
    """A table to look at: what it is, and the name it has now (the candidate's, or the published one)."""

    spec: TableSpec
    physical: TableName


def audit(
    tables: Sequence[AuditedTable],
    *,
    warehouse: Warehouse,
    suites: Path,
    run: RunInfo,
    parameters: Mapping[str, Parameter],
    renames: Mapping[TableName, TableName],
    schemas: Mapping[str, Mapping[str, str]],
    samples: int = 5,
) -> AuditReport:
    """Run every table's suite from the folder `suites`; nothing is raised for an expectation that fails.

    `renames` says where this run's other tables are (published name → candidate); `schemas` are the declared ones
    (`dataset.table` → column → GoogleSQL type); at most `samples` unexpected rows are named by their keys, and with 0
    what fails is not even counted. A table without a suite is a ProjectError, before anything runs; a
    table that does not exist is a WarehouseError. An expectation that cannot be evaluated is a critical failure. Last
    come warnings about numbers of rows that earlier runs do not lead to expect.
    """
    found = [(table, load_suite(suites, table.spec.name)) for table in tables]
    versions = warehouse.versions([table.physical for table in tables])  # before the first look at them
    counts = warehouse.row_counts([table.physical for table in tables])
    for table in tables:
        if table.physical not in counts:
            raise WarehouseError(
                f"{table.physical} does not exist, so {table.spec.name} cannot be audited; write it first"
            )
    results: list[Result] = []
    with session(warehouse, run, [table.physical for table in tables]) as gx:
        for table, suite in found:
            places = {**renames, table.spec.name: table.physical}
            places = {name: gx.at_hand.get(place, place) for name, place in places.items()}
            scope = Scope(warehouse.engine, parameters, places, schemas)
            results += _TableAudit(table, suite, scope, counts[table.physical], samples).run(gx)
    results += judge_row_counts(warehouse, run, {table.spec.name: counts[table.physical] for table in tables})
    looked_at = {table.spec.name: versions[table.physical] for table in tables if table.physical in versions}
    return AuditReport(run, datetime.now(UTC), tuple(results), looked_at)


@dataclass(frozen=True)
class _TableAudit:
    table: AuditedTable
    suite: Suite
    scope: Scope
    rows: int
    samples: int

    def run(self, gx: Session) -> list[Result]:
        from great_expectations.exceptions.exceptions import GreatExpectationsError

        results: dict[int, Result] = {}
        ready: dict[int, dict[str, Any]] = {}
        for number, expectation in enumerate(self.suite.expectations):
            try:
                ready[number] = self._configuration(number, expectation)
            # Great Expectations refuses arguments by a ValueError, conditions by an error of its own.
            except (Customer360Error, ValueError, GreatExpectationsError) as error:
                results[number] = self._result(expectation, error=" ".join(str(error).split()))
        batch = gx.batch(self.table.physical)
        rows = {n: c for n, c in ready.items() if self.suite.expectations[n].is_about_rows}
        others = {n: c for n, c in ready.items() if n not in rows}
        for configurations, result_format in ((rows, _HOLDS), (others, _OBSERVED)):
            results |= self._judged(gx, batch, configurations, result_format)
            broken = {n: c for n, c in configurations.items() if results[n].error is not None}
            if len(broken) > 1:  # expectations share a query: one that the engine refuses takes the others with it
                for number, configuration in broken.items():
                    results |= self._judged(gx, batch, {number: configuration}, result_format)
        if self.samples:
            results |= self._sampled(gx, batch, ready, results)
        return [results[number] for number in sorted(results)]

    def _configuration(self, number: int, expectation: Expectation) -> dict[str, Any]:
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        kwargs = dict(expectation.kwargs)
        if expectation.query is not None:
            sql = engine_sql(expectation.query, self.suite.table, self.scope)
            kwargs["unexpected_rows_query"] = for_great_expectations(sql)
        ExpectationConfiguration(type=expectation.type, kwargs=dict(kwargs)).to_domain_obj()
        # Numbered, because results come back in another order.
        return {"type": expectation.type, "kwargs": kwargs, "meta": {"number": number}}

    def _validate(
        self, gx: Session, batch: Batch, configurations: Mapping[int, dict[str, Any]], result_format: _Format
    ) -> dict[int, ExpectationValidationResult]:
        from great_expectations import ExpectationSuite

        if not configurations:
            return {}
        suite = ExpectationSuite(name=str(self.suite.table), expectations=list(configurations.values()))
        values = {name: parameter.value for name, parameter in self.scope.parameters.items()}
        outcomes = batch.validate(suite, result_format=result_format, expectation_parameters=values).results
        gx.raise_if_interrupted(self.suite.table)
        numbered: dict[int, ExpectationValidationResult] = {}
        for outcome in outcomes:
            meta = outcome.expectation_config.meta if outcome.expectation_config else None
            assert meta is not None
            numbered[meta["number"]] = outcome
        return numbered

    def _judged(
        self, gx: Session, batch: Batch, configurations: Mapping[int, dict[str, Any]], result_format: _Format
    ) -> dict[int, Result]:
        outcomes = self._validate(gx, batch, configurations, result_format)
        return {n: self._judge(self.suite.expectations[n], outcome) for n, outcome in outcomes.items()}

    def _sampled(
        self, gx: Session, batch: Batch, ready: Mapping[int, dict[str, Any]], results: Mapping[int, Result]
    ) -> dict[int, Result]:
        """What failed again, now with counts and the keys of a few unexpected rows."""
        failed = {n: c for n, c in ready.items() if not results[n].success and results[n].error is None}
        queries = {n: c for n, c in failed.items() if c["type"] == ROWS_QUERY}
        by_key = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": self.samples,
            "unexpected_index_column_names": list(self.suite.key),
        }
        outcomes = {
            **self._validate(gx, batch, queries, {"result_format": "COMPLETE"}),
            **self._validate(gx, batch, {n: c for n, c in failed.items() if n not in queries}, by_key),
        }
        sampled: dict[int, Result] = {}
        for number, outcome in outcomes.items():
            names = (self._name(row) for row in _rows(outcome.result or {})[: self.samples])
            result = self._judge(self.suite.expectations[number], outcome)
            sampled[number] = replace(result, sample_keys=tuple(dict.fromkeys(filter(None, names))))
        return sampled

    def _name(self, row: Mapping[str, Any]) -> str:
        """`transaction_id=T17, line_number=2`. A row without the key, such as a total, is named by its numbers and
        dates: text may be about a person and stays where it is."""
        personal = {column.name for column in self.table.spec.columns if column.pii}
        named = {column: row[column] for column in self.suite.key if column in row} or {
            column: value
            for column, value in row.items()
            if isinstance(value, int | float | Decimal | date) and column not in personal
        }
        return ", ".join(f"{column}={value}" for column, value in named.items())

    def _judge(self, expectation: Expectation, outcome: ExpectationValidationResult) -> Result:
        if error := _exception(outcome):
            return self._result(expectation, error=error)
        result = outcome.result or {}
        unexpected = result.get("observed_value" if expectation.type == ROWS_QUERY else "unexpected_count")
        if expectation.is_about_rows and outcome.success:
            unexpected = 0
        observed = result.get("observed_value")
        return self._result(
            expectation,
            success=bool(outcome.success),
            rows_unexpected=None if unexpected is None else int(unexpected),
            observed=None if observed is None else json.dumps(observed, default=str)[:500],
        )

    def _result(self, expectation: Expectation, *, error: str | None = None, **facts: Any) -> Result:
        if error is not None:
            facts = {"success": False, "observed": json.dumps({"error": error})}
        return Result(
            table=self.suite.table,
            expectation=expectation.type,
            columns=expectation.columns,
            description=expectation.description,
            severity="critical" if error is not None else expectation.severity,
            rows_checked=self.rows,
            error=error,
            **facts,
        )


def _rows(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Unexpected rows as a result has them: with their keys, with all the query gives, or the repeated columns."""
    found = (
        result.get("partial_unexpected_index_list")
        or result.get("details", {}).get("unexpected_rows")
        or result.get("partial_unexpected_list")
        or []
    )
    return [row for row in found if isinstance(row, Mapping)]


def _exception(outcome: ExpectationValidationResult) -> str | None:
    """Why Great Expectations could not evaluate: the engine's own first lines, without the statement."""
    info: Mapping[str, Any] = outcome.exception_info or {}
    entries: Iterable[Any] = [info] if "raised_exception" in info else info.values()
    messages = [entry["exception_message"] for entry in entries if entry.get("raised_exception")]
    if not messages:
        return None
    text = re.split(r"\[SQL:|\n\s*\n", str(messages[0]))[0]
    return " ".join(text.split())[:300]
