"""`c360 plan`: what a run would do, before it does anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest

import click
from rich.table import Table

from customer360.build import Build
from customer360.build.incremental import Plan
from customer360.cli.session import console, run_date_option, select_option, session
from customer360.errors import Customer360Error
from customer360.project import Model, TableName
from customer360.warehouse.port import Change, Estimate

_MARKS = {"create": "[green]+ create[/]", "alter": "[yellow]~ alter[/]", "refuse": "[red]! refuse[/]"}


@click.command()
@select_option
@run_date_option
@click.option("--full", is_flag=True, help="As `run --full` would: incremental tables whole.")
@click.pass_context
def plan(context: click.Context, selectors: tuple[str, ...], run_date: datetime | None, full: bool) -> None:
    """Show what `run` would build, in order, with the bytes each model would read in full and in this run, and which
    tables it would create or alter first. Changes nothing.

    An incremental table is rebuilt in the partitions that have changed: `rebuilds` says which, and why it is whole
    where it is. Of tables built from others that are rebuilt too, it is an estimate: the partitions of the same days.

    A change that would break those who read a table, such as a column of another type, is refused; the statement that
    makes it is shown, and the command exits with 1. So it does for a model that is over its budget, or whose query
    gives other columns than its model.yaml says.

    \b
    c360 plan --date 2024-06-30
    c360 plan --date 2024-06-30 -s +marts.customer_360
    """
    with session(run_date and run_date.date()) as opened:
        build = replace(opened, full=full, selected=frozenset())  # it looks at what is there, as a partial run does
        names = build.project.graph.select(selectors)
        wrong = _show_models(build, names)
        refused = _show_changes(build.changes(names))
    for sentence in wrong:
        console.print(f"[red]✗[/] {sentence}", highlight=False)
    if wrong or refused:
        context.exit(1)


def _show_models(build: Build, names: Sequence[TableName]) -> list[str]:
    """Print the models in order; what is wrong with them, one sentence each."""
    shown = Table(
        "#", "layer", "model", "kind", "reads", "bytes in full", "this run", "rebuilds", "budget",
        title=f"Plan for {build.run.run_date}",
    )  # fmt: skip
    shown.columns[2].no_wrap = True
    total, now, unknown, number, wrong = 0, 0, 0, 0, list[str]()
    foreseen: dict[TableName, Plan] = {}
    for layer, models in build.project.graph.layers(names).items():
        for name in models:
            model, number = build.project.models[name], number + 1
            size, part, rebuilds, budget = None, None, "", build.budget(model)
            try:
                estimate = _estimate(build, model, model.sql)
                size = part = None if estimate is None else estimate.bytes_processed
                if estimate is not None and model.incremental:
                    planned = foreseen[name] = build.plan(model, foreseen=foreseen)
                    rebuilds = str(planned)
                    if planned.partitions is not None and (narrowed := _estimate(build, model, planned.sql)):
                        part = narrowed.bytes_processed if planned.partitions else 0
                if estimate is not None and list(estimate.columns.items()) != list(model.spec.schema.items()):
                    wrong.append(f"{name}: {_columns(estimate, model)}")
            except Customer360Error as error:
                wrong.append(f"{name}: {error}")
            exceeded = part is not None and budget is not None and part > budget
            if exceeded:
                wrong.append(f"{name} would read {_bytes(part)}, its budget is {_bytes(budget)}")
            total, now = total + (size or 0), now + (part or 0)
            unknown += size is None and not model.built_by
            reads = ", ".join(sorted({str(reference.name) for reference in model.references}))
            limit = "–" if budget is None else f"[red]over {_bytes(budget)}[/]" if exceeded else _bytes(budget)
            kind = f"computed ({model.built_by})" if model.built_by else model.materialized
            shown.add_row(
                str(number), layer, name.table, kind, reads, "–" if model.built_by else _bytes(size),
                "–" if model.built_by else _bytes(part), rebuilds, limit,
            )  # fmt: skip
        shown.add_section()
    console.print(shown)
    share = f", {now / total:.0%} of it" if total else ""
    console.print(
        f"{_bytes(total)} in full, {_bytes(now)} in this run{share}"
        + (f"; {unknown} models read tables not built yet" if unknown else "")
    )
    return wrong


def _columns(estimate: Estimate, model: Model) -> str:
    """How the columns that the query gives differ from those of model.yaml."""
    pairs = zip_longest(estimate.columns.items(), model.spec.schema.items(), fillvalue=("nothing", ""))
    found = [f"{' '.join(have)} where model.yaml says {' '.join(want)}" for have, want in pairs if have != want]
    return f"query.sql gives {'; '.join(found[:3])}"


def _show_changes(changes: Sequence[Change]) -> bool:
    """Print the tables that are not as specified; whether any change is refused."""
    if not changes:
        console.print("Every table is as its model.yaml says.")
        return False
    shown = Table("", "table", "what", title="Tables that would change first")
    for change in changes:
        shown.add_row(_MARKS[change.action], str(change.name), "; ".join(change.details))
    console.print(shown)
    refused = [change for change in changes if change.action == "refuse"]
    for change in refused:
        console.print(f"[red]{change.name} is refused.[/]" + (" To do it, run:" if change.statement else ""))
        if change.statement:
            console.print(change.statement, soft_wrap=True, markup=False, highlight=False)
    return bool(refused)


def _estimate(build: Build, model: Model, sql: str) -> Estimate | None:
    """What a query of the model would read. None for what Python computes, and where something that it reads is not
    there yet."""
    if model.built_by or any(build.warehouse.columns(reference.name) is None for reference in model.references):
        return None
    parameters = {key: build.parameters[key] for key in model.parameters}
    return build.warehouse.estimate(sql, parameters=parameters)


def _bytes(size: int | None) -> str:
    if size is None:
        return "not built yet"
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:,.0f} {unit}" if unit == "B" else f"{amount:,.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} TiB"
