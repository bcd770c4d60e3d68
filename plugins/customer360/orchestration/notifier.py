"""Tells people: Airflow's callbacks of failed tasks, ended runs and missed deadlines, and where their messages go.

A message always goes to the log; and where the setting C360_ALERTS names an Airflow connection, to its place too. An
alert that cannot be made or sent is itself only logged: it never fails a task, and never takes long.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseNotifier
from airflow.sdk.configuration import conf

from customer360.orchestration.alerts import Alert, TaskFailure, run_ended, run_late, task_failed
from customer360.orchestration.delivery import deliver
from customer360.orchestration.deployment import deployment
from customer360.project import Project, TableName
from customer360.settings import load_settings

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class _Notifier(BaseNotifier):
    """Makes a message and sends it, whatever happens meanwhile."""

    def notify(self, context: Context) -> None:
        tell(lambda: self.alert(context))

    def alert(self, context: Context) -> Alert | None:
        """The message; None where there is nothing to say."""
        raise NotImplementedError


class TaskFailed(_Notifier):
    """on_failure_callback of tasks: one message for a task that has failed for good."""

    def alert(self, context: Context) -> Alert:
        settings, project = deployment()
        instance, task = context["ti"], context["task"]
        failure = TaskFailure(
            dag_id=instance.dag_id,
            task_id=instance.task_id,
            run_date=_run_date(context),
            error=context.get("exception"),
            tries=instance.try_number,
            began=getattr(instance, "start_date", None),
            last_good=_quietly(lambda: _day(context["prev_data_interval_start_success"])),
            makes=tables_of(task, project),
            url=instance.log_url,
        )
        return task_failed(failure, project, runbook=settings.runbook)


class RunEnded(_Notifier):
    """on_failure_callback of Dags. Where a task failed it has told so itself: then there is nothing to add."""

    def alert(self, context: Context) -> Alert | None:
        reason = str(context.get("reason") or "")
        if reason == "task_failure":
            return None
        dag = context["dag"]
        return run_ended(dag.dag_id, context["run_id"], reason=reason, runbook=load_settings().runbook)


def run_missed_deadline(context: Mapping[str, Any]) -> None:
    """Callback of the Dags' deadline: Airflow calls it once, on an executor, with the run and its deadline."""

    def alert() -> Alert:
        run, deadline = context["dag_run"], context["deadline"]
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        return run_late(
            run["dag_id"],
            run.get("dag_run_id") or run["run_id"],
            deadline=_minute(deadline["deadline_time"]),
            queued=_minute(run.get("queued_at")),
            state=str(run.get("state") or "unknown"),
            runbook=load_settings().runbook,
            url=f"{base}/dags/{run['dag_id']}/runs/{quote(run.get('dag_run_id') or run['run_id'])}" if base else "",
        )

    tell(alert)


def tell(make: Callable[[], Alert | None]) -> None:
    """Log a message and send it. Nothing is raised."""
    try:
        alert = make()
    except Exception:
        log.warning("The alert about this failure could not be made", exc_info=True)
        return
    if alert is None:
        return
    log.warning("%s", alert.text)
    if conn_id := load_settings().alerts:
        problem = deliver(alert, conn_id)
        if problem:
            log.warning("The alert was not sent: %s", problem)


def tables_of(task: Any, project: Project) -> tuple[TableName, ...]:
    """The tables that a task of ours loads, writes, audits or publishes."""
    if model := getattr(task, "model", None):
        return project.graph.together(TableName.parse(model))
    named = getattr(task, "models", None) or filter(None, [getattr(task, "table", None)])
    return tuple(TableName.parse(name) for name in named)


def _run_date(context: Context) -> str:
    """D, as the task has it; a task whose process died may have it only as a template."""
    told = str(getattr(context["task"], "run_date", ""))
    try:
        return date.fromisoformat(told).isoformat()
    except ValueError:
        started = context.get("data_interval_start")
        return f"{started:%Y-%m-%d}" if started else context["run_id"]


def _day(moment: Any) -> date | None:
    return date(moment.year, moment.month, moment.day) if moment else None


def _quietly(ask: Callable[[], Any]) -> Any:
    """What only some of the places that callbacks run in can say."""
    try:
        return ask()
    except Exception:  # noqa: BLE001
        return None


def _minute(moment: Any) -> str:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an unknown time"
