"""What of a table a run must rebuild: all of it, some partitions, or nothing; and the query for just that.

A table with an `incremental:` line is made from its published self and what has changed since: `ledger.Ledger` knows
what changed in the tables it reads, `ops.loads` knows the loads. Whenever that is not known for sure, the table is
rebuilt whole. The model's SELECT stays as it is; what it reads is narrowed to the days at hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from customer360.build.ledger import Ledger, Writing
from customer360.build.merge import lookup_sql, merge_sql
from customer360.build.published import Published, State
from customer360.googlesql.rename import rename_tables
from customer360.project import Model, Project, TableName
from customer360.project.incremental import Loads, Partitions
from customer360.project.periods import between, condition, starts
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo, Warehouse

_LOADS = """
SELECT loaded_date, MAX(finished_at) AS finished_at
FROM ops.loads
WHERE table_name = @table_name AND loaded_date <= @run_date
GROUP BY loaded_date
"""


@dataclass(frozen=True)
class Plan:
    """What to write. `partitions`: their first days, None for the whole table; `sql` gives the rows of just those.

    base, content, inputs: what ops.writes remembers; inputs are the versions of the tables read
    """

    sql: str
    partitions: tuple[date, ...] | None
    reasons: tuple[str, ...]
    base: str | None
    content: str
    inputs: Mapping[str, str]

    def __str__(self) -> str:
        why = f": {'; '.join(self.reasons)}" if self.reasons else ""
        if self.partitions is None:
            return f"whole{why}"
        shown = [f"{day:%Y-%m}" if day.day == 1 else str(day) for day in self.partitions]
        if len(shown) > 6:
            shown = [*shown[:3], f"… {len(shown) - 5} more …", *shown[-2:]]
        return f"{len(self.partitions)} partitions ({', '.join(shown)}){why}" if shown else f"nothing{why}"


class _Whole(Exception):
    """Why a table is rebuilt whole."""


@dataclass(frozen=True)
class Planner:
    """Plans the writes of one run. followed: tables that incremental ones read; `full`: rebuild everything whole,
    because a person said so; `foreseen`: the plans of tables that the run would write first, when only asking."""

    project: Project
    warehouse: Warehouse
    run: RunInfo
    published: Published
    parameters: Mapping[str, Parameter]
    followed: Container[TableName]
    full: bool = False
    foreseen: Mapping[TableName, Plan] = field(default_factory=dict)

    def plan(self, model: Model, reads: Mapping[TableName, TableName]) -> Plan:
        """`reads`: which of the tables that the model reads are read as candidates."""
        state = self.published.state() if model.incremental or model.name in self.followed else {}
        at = state.get(str(model.name))
        base = at.version if at else None
        content = self.content(model)
        loads = self._loads(model.incremental.raw) if isinstance(model.incremental, Loads) else {}
        inputs = self._inputs(model, reads, state, loads)
        try:
            if model.incremental is None:
                raise _Whole
            before, ledger = self._before(model, at, content)
            if isinstance(model.incremental, Loads):
                partitions, sql, reasons = self._by_loads(model, model.incremental, before, loads)
            else:
                partitions, sql, reasons = self._by_partitions(model, model.incremental, before, ledger, inputs)
            return Plan(sql, partitions, reasons, base, content, inputs)
        except _Whole as why:
            return Plan(model.sql, None, tuple(map(str, why.args)), base, content, inputs)

    def content(self, model: Model) -> str:
        """Digest of all that a table's rows depend on besides the rows it is made from and the run date."""
        values = {key: self.parameters[key] for key in sorted(model.parameters) if key != "run_date"}
        said = [model.sql, list(model.spec.schema.items()), repr(model.spec.partition), repr(model.incremental), values]
        return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:16]

    def _before(self, model: Model, at: State | None, content: str) -> tuple[Writing, Ledger]:
        """The published writing that this one starts from."""
        if self.full:
            raise _Whole("asked for")
        if at is None or self.warehouse.columns(model.name) is None:
            raise _Whole("the first build")
        if at.run_date > self.run.run_date:
            raise _Whole("a newer day is published")
        ledger = Ledger(self.warehouse, [model.name, *(reference.name for reference in model.references)])
        before = ledger.writing(model.name, at.version)
        if before is None:
            raise _Whole("how the published table was made is not recorded")
        if before.content != content:
            raise _Whole("its query, columns or settings have changed")
        return before, ledger

    def _inputs(
        self,
        model: Model,
        reads: Mapping[TableName, TableName],
        state: Mapping[str, State],
        loads: Mapping[date, datetime],
    ) -> dict[str, str]:
        """The versions of what is read now. Of a raw table: when its last load ended."""
        if isinstance(model.incremental, Loads):
            return {str(model.incremental.raw): max(loads.values()).isoformat()} if loads else {}
        candidates = self.warehouse.versions(reads.values()) if model.incremental else {}
        found = {}
        for reference in model.references if model.incremental else ():
            name = reference.name
            known = state.get(str(name))
            version = candidates.get(reads[name]) if name in reads else known and known.version
            if version:
                found[str(name)] = version
        return found

    # -- following the loads of a source

    def _by_loads(
        self, model: Model, rule: Loads, before: Writing, loads: Mapping[date, datetime]
    ) -> tuple[tuple[date, ...], str, tuple[str, ...]]:
        seen = datetime.fromisoformat(before.inputs.get(str(rule.raw), "1970-01-01T00:00:00+00:00"))
        new = [day for day, end in loads.items() if day > before.run_date or end > seen]
        if not new:
            return (), _nothing(model), (f"{rule.raw} has not been loaded since {before.run_date}",)
        assert model.spec.partition is not None
        first, granularity = min(new), model.spec.partition.granularity
        narrowed = rename_tables(
            model.sql, {str(rule.raw): f"(SELECT * FROM {rule.raw} WHERE _loaded_date >= DATE '{first}')"}
        )
        found = self.warehouse.query(
            lookup_sql(model, rule, narrowed, first), parameters=self._parameters(model)
        ).to_pylist()
        if any(row["side"] == "gone" for row in found):
            raise _Whole(f"rows of {rule.raw} loaded since {first} are no longer delivered")
        days = {row["day"] for row in found}
        if None in days:
            raise _Whole("some rows are in no partition")
        partitions = starts(days, granularity)
        why = f"{rule.raw} was loaded for {_days(sorted(new))}"
        return partitions, merge_sql(model, rule, narrowed, first, partitions), (why,)

    def _loads(self, raw: TableName) -> dict[date, datetime]:
        """Loaded date → when its last load ended."""
        parameters = {
            "table_name": Parameter("STRING", str(raw)),
            "run_date": Parameter("DATE", self.run.run_date),
        }
        rows = self.warehouse.query(_LOADS, parameters=parameters).to_pylist()
        return {row["loaded_date"]: row["finished_at"].astimezone(UTC) for row in rows}

    # -- following the partitions of other tables

    def _by_partitions(
        self, model: Model, rule: Partitions, before: Writing, ledger: Ledger, inputs: Mapping[str, str]
    ) -> tuple[tuple[date, ...], str, tuple[str, ...]]:
        assert model.spec.partition is not None
        granularity = model.spec.partition.granularity
        today, last = self.run.run_date, before.run_date
        found: set[date] = set()
        reasons = []
        for name in (reference.name for reference in model.references):
            if str(name) not in inputs:
                raise _Whole(f"of {name} it is not recorded which writing it is")
            changes = ledger.changes(name, before.inputs.get(str(name)), inputs.get(str(name)))
            foreseen = self._foreseen(name)
            if name in rule.days:
                column = rule.days[name]
                days = changes.days(column)
                if days is None:
                    raise _Whole(f"{name} was rebuilt whole")
                days |= foreseen
                due = ledger.due(name, column, last, today) if "run_date" in model.parameters else frozenset()
                if touched := starts(days | due, granularity):
                    reasons.append(f"{name} has changed in {len(touched)} of its partitions")
                found.update(touched)
            elif name in rule.since:
                days = changes.days(rule.since[name])
                if days is None or (days and min(days) <= last):
                    raise _Whole(f"{name} has changed for {min(days)}" if days else f"{name} was rebuilt whole")
            elif changes.change != "none":
                raise _Whole(f"{name} has changed")
        if "run_date" in model.parameters and (come := between(last + timedelta(days=1), today, granularity)):
            found.update(come)
            reasons.append(f"{_days([last + timedelta(days=1), today])} has come")
        partitions = tuple(sorted(found))
        if not partitions:
            return (), _nothing(model), ("nothing it reads has changed",)
        return partitions, self._narrowed(model, rule, partitions), tuple(reasons)

    def _foreseen(self, name: TableName) -> frozenset[date]:
        """The partitions of an input that are to be rebuilt first. They stand for its rows' other days too, which are
        known only then and mostly of the same time."""
        planned = self.foreseen.get(name)
        if planned is not None and planned.partitions is None:
            raise _Whole(f"{name} is rebuilt whole")
        return frozenset(planned.partitions or ()) if planned else frozenset()

    def _narrowed(self, model: Model, rule: Partitions, partitions: tuple[date, ...]) -> str:
        """The model's query over the rows of some partitions."""
        assert model.spec.partition is not None
        granularity = model.spec.partition.granularity
        reads = {
            str(name): f"(SELECT * FROM {name} WHERE"
            f" {condition(column, self.project.schema(name)[column], partitions, granularity)})"
            for name, column in rule.days.items()
        }
        own = model.spec.partition.column
        wanted = condition(own, model.spec.schema[own], partitions, granularity)
        return f"SELECT * FROM (\n{rename_tables(model.sql, reads)}\n) WHERE {wanted}"

    def _parameters(self, model: Model) -> dict[str, Parameter]:
        return {key: self.parameters[key] for key in sorted(model.parameters)}


def _nothing(model: Model) -> str:
    return f"SELECT * FROM (\n{model.sql}\n) WHERE FALSE"


def _days(days: list[date]) -> str:
    if len(days) == 1 or days[0] == days[-1]:
        return str(days[0])
    return f"{days[0]} to {days[-1]}" if len(days) > 3 or len(days) == 2 else ", ".join(map(str, days))
