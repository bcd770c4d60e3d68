"""`c360 doctor`: what stands between this deployment and its first run."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import click
from rich.markup import escape
from rich.status import Status as RichStatus
from rich.text import Text

from customer360.cli.session import console
from customer360.doctor import Advice, Check, Finding, Result, Status, examine
from customer360.errors import Customer360Error
from customer360.settings import Settings

_MARKS = {Status.PASSED: "[green]✓[/]", Status.WARNED: "[yellow]![/]", Status.FAILED: "[red]✗[/]", Status.SKIPPED: "–"}
_NAME_WIDTH, _TEXT_WIDTH = 28, 120


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
def doctor(as_json: bool) -> None:
    """Check this deployment step by step, and say what to do about each check that fails.

    \b
    c360 doctor
    C360_WAREHOUSE=bigquery C360_GOOGLE_PROJECT=my-project c360 doctor

    On BigQuery: connection, credentials, API, clock, every permission, locations, limits, and one row loaded, queried,
    published and deleted. On the embedded warehouse: folder, disk, engine, lock and lake. Then the sources.

    It leaves nothing behind. ✓ fine, ! works, but read it, ✗ would fail a run, – not checked. Exit code 0 if nothing
    failed, 1 otherwise.
    """
    report = _Json() if as_json else _Lines()
    with _checks() as (warehouse, announcement, checks):
        report.begin(warehouse, announcement)
        for result in examine(checks, report.look):
            report.add(result)
    report.end()
    sys.exit(1 if any(result.finding.status is Status.FAILED for result in report.results) else 0)


@contextmanager
def _checks() -> Iterator[tuple[str, str, Sequence[Check]]]:
    """The warehouse, what will be touched, and the checks. What they made is gone after the block, however it ends."""
    from customer360.orchestration.connections import airflow_connection, open_bigquery, open_landing, open_storage
    from customer360.orchestration.example import settings_of
    from customer360.project import load_project

    try:
        settings, example = settings_of()
        project = load_project(settings.home)
    except Customer360Error as error:
        advice = Advice("docs/settings.md lists the settings; an error in a file names file and line.")
        finding = Finding(Status.FAILED, str(error), advice)
        yield "", "", [Check("Project", "settings and files", lambda: finding)]
        return
    from customer360.doctor.sources import sources_check

    found = f"{len(project.models)} models, {len(project.contracts)} source contracts"
    first = Check("Project", "settings and files", lambda: Finding(Status.PASSED, found))
    buckets = partial(open_storage, settings)
    last = sources_check(settings, project, airflow_connection, sample=example.sample, buckets=buckets)
    if settings.warehouse == "local":
        from customer360.doctor.local import local_checks

        yield "the embedded warehouse", _touches_locally(settings), [first, *local_checks(settings, project), last]
        return
    from customer360.doctor.cloud import bigquery_checks, will_touch
    from customer360.doctor.patient import Patient

    patient = Patient(settings, project, open_bigquery, open_landing)
    try:
        yield "BigQuery", will_touch(patient), [first, *bigquery_checks(patient), last]
    except KeyboardInterrupt:
        click.echo("\nStopping; what was made is being deleted.", err=True)
        raise
    finally:
        if left := patient.close():
            click.echo(f"Left behind, to be deleted by hand: {', '.join(left)}", err=True)


def _touches_locally(settings: Settings) -> str:
    return f"It will write a small file into {settings.data} and delete it. It touches nothing else."


@dataclass
class _Lines:
    """For people: a line a check, as it comes."""

    results: list[Result] = field(default_factory=list)
    _group: str = ""
    _status: RichStatus | None = None

    def begin(self, warehouse: str, announcement: str) -> None:
        if warehouse:
            console.print(f"[bold]Customer 360 on {warehouse}[/]")
            self._wrapped(announcement, indent="")

    def look(self, check: Check) -> None:
        if check.group != self._group:
            console.print(f"\n[bold]{check.group}[/]")
            self._group = check.group
        self._status = console.status(check.name)
        self._status.start()

    def add(self, result: Result) -> None:
        if self._status:
            self._status.stop()
        self.results.append(result)
        finding, name = result.finding, f"{result.check.name:<{_NAME_WIDTH}}"
        mark, took = _MARKS[finding.status], f"[dim]({result.seconds:.1f} s)[/]"
        if finding.status is Status.SKIPPED:
            self._line(f"{mark} [dim]{name} skipped: {escape(finding.detail)}[/]")
        elif finding.status is Status.FAILED:
            self._line(f"{mark} {name} [red]failed[/] {took}")
            self._wrapped(finding.detail, style="red")
        else:
            self._line(f"{mark} {name} {escape(finding.detail)} {took}")
        if finding.advice:
            self._wrapped(finding.advice.text)
            for command in finding.advice.commands:
                console.print(Text(f"      {command}", "cyan"), soft_wrap=True)  # unbroken, to be pasted

    @staticmethod
    def _line(markup: str) -> None:
        console.print(markup, highlight=False, soft_wrap=True)

    @staticmethod
    def _wrapped(text: str, *, indent: str = "    ", style: str = "") -> None:
        width = min(console.width, _TEXT_WIDTH) - len(indent)
        for paragraph in text.splitlines():
            for line in textwrap.wrap(paragraph, width, break_long_words=False, break_on_hyphens=False):
                console.print(Text(indent + line, style), soft_wrap=True)

    def end(self) -> None:
        failed = [result.check.name for result in self.results if result.finding.status is Status.FAILED]
        counts = {status: sum(result.finding.status is status for result in self.results) for status in Status}
        rest = f"{counts[Status.PASSED]} fine, {counts[Status.WARNED]} to read, {counts[Status.SKIPPED]} skipped."
        if failed:
            self._line(f"\n[red]{len(failed)} failed[/] ({', '.join(failed)}), {rest}")
        else:
            self._line(f"\n[green]Nothing failed[/]: {rest}")


@dataclass
class _Json:
    """For machines: one object at the end."""

    results: list[Result] = field(default_factory=list)
    _warehouse: str = ""

    def begin(self, warehouse: str, _: str) -> None:
        self._warehouse = warehouse

    def look(self, _: Check) -> None:
        return

    def add(self, result: Result) -> None:
        self.results.append(result)

    def end(self) -> None:
        failed = [result.check.name for result in self.results if result.finding.status is Status.FAILED]
        checks = [
            {
                "group": result.check.group,
                "name": result.check.name,
                "status": result.finding.status.value,
                "detail": result.finding.detail,
                "seconds": round(result.seconds, 3),
                "advice": result.finding.advice.text if result.finding.advice else None,
                "commands": list(result.finding.advice.commands) if result.finding.advice else [],
            }
            for result in self.results
        ]
        click.echo(json.dumps({"warehouse": self._warehouse, "ok": not failed, "checks": checks}, ensure_ascii=False))
