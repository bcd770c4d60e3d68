"""What lineage leaves out does not matter: change a column that is not named, and the answer stays the same.

Models run on DuckDB over the rows of their own cases. For every input column that decides no rows, the outputs that do
not name it are compared before and after it was given other values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from reference import duckdb_engine
from reference.canonical import Row, canonical
from reference.cases import Case, cases_of, inputs
from reference.zetasql_engine import Parameters, Tables

from customer360.googlesql import types
from customer360.lineage import Lineage, Node
from customer360.project import Model, Project

# Input columns that are changed alone, in each model: enough to meet every construct, few enough to be quick.
AT_MOST = 4


def other(value: Any, type_text: str) -> Any:
    """Another value of the type."""
    type_ = types.parse(type_text)
    if type_.element is not None or type_.name == "STRUCT":
        return None
    match type_.name:
        case "BOOL":
            return None if value is None else not canonical(value, type_)
        case "INT64" | "NUMERIC" | "FLOAT64":
            return 7 if value is None else Decimal(str(value)) + 7 if type_.name == "NUMERIC" else int(value) + 7
        case "DATE":
            return date(2024, 3, 1) if value is None else date.fromisoformat(str(value)) - timedelta(days=40)
        case "TIMESTAMP":
            return "2024-03-01 10:00:00+00"
        case "JSON":
            return '"changed"'
    return "changed" if value is None else f"{value}x"


def telling(cases: list[Case]) -> Case:
    """The case that gives most columns a value, the shortest of them."""

    def worth(case: Case) -> tuple[int, int]:
        given = {(table, column) for table, rows in case.given.items() for row in rows for column in row}
        return len(given), -sum(len(rows) for rows in case.given.values())

    return max(cases, key=worth)


def projected(rows: list[Row], columns: Iterable[str]) -> Counter[str]:
    return Counter(repr([row[column] for column in columns]) for row in rows)


@dataclass
class Experiment:
    """One model over the rows of one case, again and again with other values in some columns."""

    model: Model
    tables: Tables
    parameters: Parameters

    @cached_property
    def before(self) -> list[Row]:
        return self.run([])

    def run(self, changed: list[Node]) -> list[Row]:
        mutated = dict(self.tables)
        for table in {node.table for node in changed}:
            schema, rows = self.tables[table]
            columns = [node.column for node in changed if node.table == table]
            mutated[table] = schema, [{**row, **{c: other(row.get(c), schema[c]) for c in columns}} for row in rows]
        return duckdb_engine.execute(self.model.sql, tables=mutated, parameters=self.parameters)


def test_a_column_that_lineage_does_not_name_has_no_influence(project: Project, lineage: Lineage) -> None:
    tried, moved = 0, 0
    for model in project.models.values():
        cases = [case for case in cases_of(model) if case.expected]
        if not model.sql or not cases:
            continue
        experiment = Experiment(model, *inputs(telling(cases), project))
        traced = lineage.trace(str(model.name))
        deciding = {source.node for source in traced.rows}
        named = {name: {source.node for source in value.sources} for name, value in traced.columns.items()}
        filled = [
            Node(table, column) for table, (schema, rows) in experiment.tables.items() if rows for column in schema
        ]
        unused = [node for node in filled if node not in deciding.union(*named.values())]
        alone = [[node] for node in filled if node not in deciding and node not in unused]
        assert experiment.before, f"{model.name}: the case gives nothing"
        for changed in [unused, *alone[:: len(alone) // AT_MOST + 1]]:
            after = experiment.run(changed)
            unnamed = [name for name, sources in named.items() if not sources.intersection(changed)]
            assert projected(after, unnamed) == projected(experiment.before, unnamed), (
                f"{', '.join(map(str, changed))} has influence on {model.name}"
            )
            if changed is not unused:
                tried += 1
                moved += projected(after, named) != projected(experiment.before, named)
    # Values that change nothing anywhere would prove nothing.
    assert tried > 90
    assert moved > 0.8 * tried
