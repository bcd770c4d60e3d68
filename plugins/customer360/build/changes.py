"""What a writing has changed, found after it: in the partitions that it replaced, or, of small tables, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from customer360.build.incremental import Plan
from customer360.build.ledger import Change, Writing
from customer360.project import Model, Project, TableName
from customer360.project.incremental import FIRST_LOADED, Partitions
from customer360.project.periods import condition
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo, Warehouse

# What the same row says of its delivery, which may differ from day to day.
_OF_THE_LOAD = ("_", FIRST_LOADED)
_SCALAR = {"STRING", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "TIMESTAMP", "DATETIME", "TIME"}


@dataclass
class Followed:
    """A table that incremental tables read: `days` are its columns whose changed days they ask for, `late` those of
    them whose readers leave out rows dated after the run."""

    days: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)


def followed(project: Project) -> dict[TableName, Followed]:
    """The tables whose changes are recorded, and which columns."""
    found: dict[TableName, Followed] = {}
    for model in project.models.values():
        if model.incremental is None:
            continue
        found.setdefault(model.name, Followed())
        if not isinstance(model.incremental, Partitions):
            continue
        for reference in model.references:
            if reference.name in project.models:
                found.setdefault(reference.name, Followed())
        for name, column in [*model.incremental.days.items(), *model.incremental.since.items()]:
            found[name].days.add(column)
            if name in model.incremental.days and "run_date" in model.parameters:
                found[name].late.add(column)
    return found


@dataclass(frozen=True)
class Recorder:
    """Finds what writings have changed."""

    warehouse: Warehouse
    run: RunInfo
    followed: Mapping[TableName, Followed]

    def writing(self, model: Model, plan: Plan, candidate: TableName) -> Writing | None:
        """What to remember of a candidate that was written by `plan`; None for a table that nobody follows."""
        if model.name not in self.followed:
            return None
        asked = self.followed[model.name]
        version = self.warehouse.versions([candidate])[candidate]
        change: Change = "all"
        touched: dict[str, frozenset[date]] = {}
        if plan.partitions is not None:
            change = "some" if plan.partitions else "none"
            touched = self._touched(model, plan.partitions, candidate, asked)
        elif not model.incremental and plan.base and self.warehouse.columns(model.name) == dict(model.spec.schema):
            change, touched = self._difference(model, candidate, asked)
        return Writing(
            table=model.name,
            version=version,
            base=plan.base,
            run_date=self.run.run_date,
            content=plan.content,
            change=change,
            touched=touched,
            due=self._due(model, plan, candidate, asked),
            inputs=plan.inputs,
            partitions=plan.partitions or (),
            reasons=plan.reasons,
        )

    def _touched(
        self, model: Model, partitions: tuple[date, ...], candidate: TableName, asked: Followed
    ) -> dict[str, frozenset[date]]:
        """The days of all rows, before and after, in the partitions that were replaced."""
        assert model.spec.partition is not None
        own = model.spec.partition.column
        touched = {own: frozenset(partitions)} if own in asked.days else {}
        others = sorted(asked.days - {own})
        if others and partitions:
            wanted = condition(own, model.spec.schema[own], partitions, model.spec.partition.granularity)
            columns = ", ".join(f"`{column}`" for column in others)
            rows = " UNION ALL ".join(
                f"SELECT {columns} FROM {table} WHERE {wanted}" for table in (candidate, model.name)
            )
            touched |= self._days(model, f"({rows})", others)
        return touched | {column: frozenset[date]() for column in others if column not in touched}

    def _difference(
        self, model: Model, candidate: TableName, asked: Followed
    ) -> tuple[Change, dict[str, frozenset[date]]]:
        """The days of the rows that differ from the published table's, in a table that is small enough to compare."""
        columns = [name for name in model.spec.schema if not name.startswith(_OF_THE_LOAD)]
        if any(model.spec.schema[name] not in _SCALAR for name in columns):
            return "all", {}  # arrays and documents are not compared
        listed = ", ".join(f"`{column}`" for column in columns)
        now, then = (f"SELECT {listed} FROM {table}" for table in (candidate, model.name))
        differ = f"(({now} EXCEPT DISTINCT {then}) UNION ALL ({then} EXCEPT DISTINCT {now}))"
        days = sorted(asked.days)
        if days:
            touched = self._days(model, differ, days)
            if any(touched.values()):
                return "some", touched
        (row,) = self.warehouse.query(f"SELECT COUNT(*) AS n FROM {differ}").to_pylist()
        return ("some", {column: frozenset() for column in days}) if row["n"] else ("none", {})

    def _days(self, model: Model, rows: str, columns: list[str]) -> dict[str, frozenset[date]]:
        each = ", ".join(f"STRUCT('{c}' AS column_name, {_date(model, c)} AS day)" for c in columns)
        found = self.warehouse.query(
            f"SELECT DISTINCT each.column_name, each.day FROM {rows} CROSS JOIN UNNEST([{each}]) AS each"
            " WHERE each.day IS NOT NULL"
        ).to_pylist()
        return {c: frozenset(row["day"] for row in found if row["column_name"] == c) for c in columns}

    def _due(
        self, model: Model, plan: Plan, candidate: TableName, asked: Followed
    ) -> dict[str, frozenset[tuple[date, date]]]:
        """Rows with any date after the run's: their readers may count them only from that day on."""
        dates = [c for c, type_ in model.spec.schema.items() if type_ in ("DATE", "TIMESTAMP") and c[0] != "_"]
        if not asked.late or plan.partitions == ():
            return {}
        where = ""
        if plan.partitions:
            assert model.spec.partition is not None
            own = model.spec.partition.column
            where = condition(own, model.spec.schema[own], plan.partitions, model.spec.partition.granularity) + " AND "
        columns = sorted(asked.late)
        each = ", ".join(f"STRUCT('{c}' AS column_name, {_date(model, c)} AS day)" for c in columns)
        late = " OR ".join(f"{_date(model, c)} > @run_date" for c in dates)
        found = self.warehouse.query(
            f"WITH late_rows AS (SELECT * FROM {candidate} WHERE {where}({late}))\n"
            "SELECT DISTINCT each.column_name, each.day, due\n"
            f"FROM late_rows CROSS JOIN UNNEST([{each}]) AS each"
            f" CROSS JOIN UNNEST([{', '.join(_date(model, c) for c in dates)}]) AS due\n"
            "WHERE due > @run_date AND each.day IS NOT NULL",
            parameters={"run_date": Parameter("DATE", self.run.run_date)},
        ).to_pylist()
        due: dict[str, set[tuple[date, date]]] = {}
        for row in found:
            due.setdefault(row["column_name"], set()).add((row["day"], row["due"]))
        return {column: frozenset(pairs) for column, pairs in due.items()}


def _date(model: Model, column: str) -> str:
    return f"`{column}`" if model.spec.schema[column] == "DATE" else f"DATE(`{column}`)"
