"""What people are told when something fails: pure functions from facts to a message. Sending it is notifier.py's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from customer360.errors import Customer360Error
from customer360.project import Project, TableName

# Sections of the runbook beside those named after the classes in errors.py.
TASK_TIMED_OUT, RUN_TIMED_OUT, RUN_LATE, ANYTHING_ELSE = "TaskTimedOut", "RunTimedOut", "RunLate", "AnythingElse"
OTHER_SECTIONS = (TASK_TIMED_OUT, RUN_TIMED_OUT, RUN_LATE, ANYTHING_ELSE)
# Layers whose tables are named one by one: they are what people read.
_READ = ("marts", "dashboards")
_NAMED = 4
_LONGEST = 1500


@dataclass(frozen=True)
class Alert:
    """One message. `title` is one line; `section` names the runbook's, whose address `runbook` is; `url` is where to
    look in Airflow, empty where that is not known."""

    title: str
    what: str
    since: str
    affected: str
    section: str
    runbook: str
    url: str = ""

    @property
    def text(self) -> str:
        """All of it, for a log, a chat or an e-mail."""
        lines = [
            self.title,
            "",
            self.what,
            "",
            f"Since: {self.since}",
            f"Affected: {self.affected}",
            f"What to do: {self.runbook}",
        ]
        return "\n".join([*lines, f"Log: {self.url}"] if self.url else lines)


@dataclass(frozen=True)
class TaskFailure:
    """A task that has failed for good. `makes` are the tables that it loads, writes, audits or publishes; `last_good`
    is the day of the last run that went through, None where there is none or it is not known; `began` when the last try
    did."""

    dag_id: str
    task_id: str
    run_date: str
    error: BaseException | str | None
    tries: int
    began: datetime | None
    last_good: date | None = None
    makes: tuple[TableName, ...] = ()
    url: str = ""


def task_failed(failure: TaskFailure, project: Project, *, runbook: str) -> Alert:
    """The message about a task that has failed for good. `runbook` is the address of the runbook, without a section."""
    section = section_of(failure.error)
    tried = f"try {failure.tries}" if failure.tries > 1 else "the first try"
    began = f", which began {failure.began:%Y-%m-%d %H:%M} UTC" if failure.began else ""
    good = f"; the last run that went through is of {failure.last_good}" if failure.last_good else ""
    return Alert(
        title=f"{failure.dag_id} of {failure.run_date}: {failure.task_id} failed",
        what=_words(failure.error),
        since=f"{tried}{began}{good}",
        affected=affected(project, failure.makes),
        section=section,
        runbook=address(runbook, section),
        url=failure.url,
    )


def run_ended(dag_id: str, run: str, *, reason: str, runbook: str) -> Alert:
    """The message about a run that was ended as a whole, because it took longer than a run may."""
    return Alert(
        title=f"{dag_id}, {run}: the run was ended",
        what=f"Airflow ended the whole run: {reason}. What had not run by then is skipped; no task reports it.",
        since="now",
        affected="whatever this run had not published: people read the day before there",
        section=RUN_TIMED_OUT,
        runbook=address(runbook, RUN_TIMED_OUT),
    )


def run_late(dag_id: str, run: str, *, deadline: str, queued: str, state: str, runbook: str, url: str) -> Alert:
    """The message about a run that has not ended by its deadline."""
    return Alert(
        title=f"{dag_id}, {run}: not done by {deadline}",
        what=f"The run should have ended by {deadline}. It is {state}.",
        since=f"it was queued at {queued}",
        affected="what this run has not published yet: people read the day before there",
        section=RUN_LATE,
        runbook=address(runbook, RUN_LATE),
        url=url,
    )


def affected(project: Project, tables: Iterable[TableName]) -> str:
    """Which layers a failure about these tables keeps from being published, and what is made of them, in words.

    A layer is published as a whole, so one table holds up all of its own, and every layer that reads from a held one.
    """
    failed = set(tables)
    if not failed:
        return "no table"
    made = {name for name in project.graph.order if name in failed}
    made |= {m.name for m in project.models.values() if any(r.name in failed for r in m.references)}
    made |= {below for name in made for below in project.graph.downstream(name)}
    if not made:
        return f"{_listed(sorted(map(str, failed)))} only: nothing is made of it"
    held: list[str] = []
    for layer, names in project.graph.layers().items():
        reads = {parent.dataset for name in names for parent in project.graph.parents[name]}
        if made & set(names) or reads & set(held):
            held.append(layer)
    read = [str(name) for layer in _READ for name in sorted(made) if name.dataset == layer]
    among = f", among them {_listed(read)}" if read else ""
    layers = f"{_and(held)} {'is' if len(held) == 1 else 'are'} not published until it is mended"
    return f"{layers}; {f'{len(made)} tables hang' if len(made) > 1 else '1 table hangs'} on it{among}"


def section_of(error: BaseException | str | None) -> str:
    """The runbook's section about an error: the class of what this package raised, wherever in its chain of causes."""
    seen: set[int] = set()
    while isinstance(error, BaseException) and id(error) not in seen:
        if isinstance(error, Customer360Error):
            return type(error).__name__
        if "Timeout" in type(error).__name__:
            return TASK_TIMED_OUT
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return ANYTHING_ELSE


def address(runbook: str, section: str) -> str:
    """Where a section is: its heading is its name, which GitHub and its like make an anchor of."""
    return f"{runbook}#{section.lower()}"


def _words(error: BaseException | str | None) -> str:
    if error is None or not str(error).strip():
        return (
            f"{type(error).__name__}, without a message."
            if isinstance(error, BaseException)
            else "Its process ended without a word: killed, or out of memory."
        )
    text = str(error).strip()
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST].rsplit(chr(10), 1)[0]}\n… (all of it is in the log)"
    return text


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
