"""Which table reads which: order, generations and selection. References are parsed from the SQL, never declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from customer360.errors import ProjectError
from customer360.project.model import Contract, Model
from customer360.project.names import TableName


class Graph:
    """The models of a project and what each reads. Refuses unknown references and cycles, by file and line."""

    def __init__(self, models: Mapping[TableName, Model], contracts: Mapping[TableName, Contract]) -> None:
        self._models = models
        known = models.keys() | contracts.keys()
        for model in models.values():
            for reference in model.references:
                if reference.name not in known:
                    raise ProjectError(
                        f"{model.name} reads {reference.name}, which is not in this project",
                        path=model.file,
                        line=reference.line,
                        hint=_nearest(reference.name, known),
                    )
        self.parents: dict[TableName, frozenset[TableName]] = {
            name: frozenset(r.name for r in model.references if r.name in models) for name, model in models.items()
        }
        self.children: dict[TableName, set[TableName]] = {name: set() for name in models}
        for name, parents in self.parents.items():
            for parent in parents:
                self.children[parent].add(name)
        self.order: tuple[TableName, ...] = self._sorted()
        self._refuse_torn_groups()

    def together(self, name: TableName) -> tuple[TableName, ...]:
        """The tables that are written in one step with this one, itself included, in build order: those that the same
        room computes in the same dataset; a model with a query is alone."""
        room = self._models[name].built_by
        if room is None:
            return (name,)
        return tuple(n for n in self.order if n.dataset == name.dataset and self._models[n].built_by == room)

    def steps(self, names: Iterable[TableName]) -> tuple[TableName, ...]:
        """What is written for these models, in their order: each model with a query, and of tables that are computed
        together the first, which stands for all."""
        found: dict[TableName, None] = {}
        for name in names:
            found.setdefault(self.together(name)[0], None)
        return tuple(found)

    def _refuse_torn_groups(self) -> None:
        """What is computed together is computed from the same, so it has one place in the order."""
        for name in self.order:
            first = self.together(name)[0]
            if self.parents[name] != self.parents[first]:
                model = self._models[name]
                raise ProjectError(
                    f"{name} and {first} are computed together by {model.built_by}, but read different tables",
                    path=model.file,
                    hint="give all of them the same reads:",
                )

    def _sorted(self) -> tuple[TableName, ...]:
        # Sorted within a generation, so that the order does not depend on the file system's.
        sorter = TopologicalSorter({name: sorted(self.parents[name]) for name in sorted(self.parents)})
        try:
            sorter.prepare()
        except CycleError as error:
            cycle: list[TableName] = error.args[1]
            reader = self._models[cycle[1]]
            line = next(r.line for r in reader.references if r.name == cycle[0])
            raise ProjectError(
                f"cycle: {' → '.join(str(name) for name in cycle)}", path=reader.file, line=line
            ) from None
        order: list[TableName] = []
        while sorter.is_active():
            generation = sorted(sorter.get_ready())
            order.extend(generation)
            sorter.done(*generation)
        return tuple(order)

    def layers(self, names: Iterable[TableName] | None = None) -> dict[str, tuple[TableName, ...]]:
        """Dataset → its models in build order; datasets ordered so that each reads only earlier ones (and itself).

        A layer is what is audited and published together. Datasets that read each other are a ProjectError.
        """
        wanted = set(self.order if names is None else names)
        reads: dict[str, set[str]] = {}
        for name in self.order:
            reads.setdefault(name.dataset, set()).update(
                parent.dataset for parent in self.parents[name] if parent.dataset != name.dataset
            )
        try:
            datasets = list(TopologicalSorter({d: sorted(reads[d]) for d in sorted(reads)}).static_order())
        except CycleError as error:
            raise ProjectError(f"datasets read each other: {' → '.join(error.args[1])}") from None
        layers = {d: tuple(name for name in self.order if name.dataset == d and name in wanted) for d in datasets}
        return {dataset: models for dataset, models in layers.items() if models}

    def upstream(self, name: TableName) -> set[TableName]:
        """All models that `name` is built from, itself excluded."""
        return self._reach(name, self.parents)

    def downstream(self, name: TableName) -> set[TableName]:
        """All models built from `name`, itself excluded."""
        return self._reach(name, self.children)

    @staticmethod
    def _reach(start: TableName, edges: Mapping[TableName, Iterable[TableName]]) -> set[TableName]:
        found: set[TableName] = set()
        waiting = list(edges[start])
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(edges[name])
        return found

    def select(self, selectors: Iterable[str]) -> tuple[TableName, ...]:
        """Models named by selectors, in build order; none given is all.

        `marts.customer_360`, `customer_360` (where it is unique), `staging.*` (or `staging`), with `+` before for all
        upstream and after for all downstream: `+marts.customer_360`, `core.fct_orders+`. What is computed together is
        selected together, and a table that keeps the days of another with that one.
        """
        wanted: set[TableName] = set()
        given = list(selectors)
        for selector in given:
            text = selector.strip()
            for name in self._named(text.strip("+")):
                wanted.add(name)
                if text.startswith("+"):
                    wanted |= self.upstream(name)
                if text.endswith("+"):
                    wanted |= self.downstream(name)
        wanted |= {child for name in wanted for child in self.children[name] if self._models[child].is_kept_by_day}
        wanted = {each for name in wanted for each in self.together(name)}
        return tuple(name for name in self.order if not given or name in wanted)

    def _named(self, text: str) -> list[TableName]:
        dataset = text.removesuffix(".*")
        found = [n for n in self.order if text in (str(n), n.table) or n.dataset == dataset]
        if not found:
            raise ProjectError(f"no model is called {text!r}", hint=_nearest(text, self.order))
        return found


def _nearest(name: object, known: Iterable[TableName]) -> str | None:
    import difflib

    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1)
    return f"did you mean {close[0]}?" if close else None
