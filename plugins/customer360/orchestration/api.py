"""The few calls to Airflow's public REST API that a headless run needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from customer360.orchestration.local_airflow import USER, LocalAirflow, LocalAirflowError

_LOCKED_TRIES = 20
# On a busy machine, where SQLite has one writer, a single call has taken over 30 s.
_PATIENCE = httpx.Timeout(180, connect=30)
T = TypeVar("T")


class AirflowApi:
    """A signed-in client of a local Airflow's REST API. Errors are LocalAirflowError, with Airflow's own words."""

    def __init__(self, airflow: LocalAirflow) -> None:
        self._airflow = airflow
        self._client = httpx.Client(base_url=airflow.url, timeout=_PATIENCE, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def sign_in(self, *, check: Callable[[], None], timeout: float = 120.0) -> None:
        """Wait until the API answers, then sign in. `check` is called while waiting and may raise."""
        login = {"username": USER, "password": self._airflow.secrets["password"]}

        def token() -> str | None:
            try:
                answer = self._client.post("/auth/token", json=login)
            except httpx.TransportError:
                return None
            return str(_checked(answer)["access_token"])

        self._client.headers["Authorization"] = f"Bearer {wait_for(token, 'its API', check=check, timeout=timeout)}"

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """One call under /api/v2; the decoded answer, None where there is none."""
        return _checked(self._request(method, f"/api/v2{path}", **arguments))

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One call, made again while SQLite is locked: on a busy machine the scheduler may hold it for seconds."""
        for remaining in reversed(range(_LOCKED_TRIES)):
            try:
                answer = self._client.request(method, path, **arguments)
            except httpx.TransportError as error:
                raise LocalAirflowError(f"Airflow's API does not answer: {error}; the logs folder says why") from error
            if answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR or "Database error" not in answer.text:
                break
            if remaining:
                time.sleep(1)
        return answer

    def ensure_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool, unless there is one: somebody may have given it other slots."""
        answer = self._request(
            "POST",
            "/api/v2/pools",
            json={"name": name, "slots": slots, "description": description, "include_deferred": False},
        )
        if answer.status_code != httpx.codes.CONFLICT:
            _checked(answer)

    def wait_for_dag(
        self, dag_id: str, *, parsed_after: datetime, check: Callable[[], None], timeout: float = 120
    ) -> None:
        """Wait until the Dag, as its file is now, is known; an import error is raised with its last line."""

        def parsed() -> bool:
            check()
            answer = self._request("GET", f"/api/v2/dags/{dag_id}")
            for error in self.call("GET", "/importErrors")["import_errors"]:
                if datetime.fromisoformat(error["timestamp"]) >= parsed_after:
                    said = error["stack_trace"].strip().splitlines()[-1]
                    raise LocalAirflowError(f"{error['filename']} cannot be imported: {said}")
            if answer.status_code == httpx.codes.NOT_FOUND:
                return False
            last = _checked(answer)["last_parsed_time"]
            return bool(last) and datetime.fromisoformat(last) >= parsed_after

        wait_for(parsed, f"the Dag {dag_id} to be parsed", check=check, timeout=timeout)

    def start_run(self, dag_id: str, run_date: date) -> str:
        """Run the Dag for the interval that starts on this date; a day that was run before is run again. Its run id."""
        start = datetime(run_date.year, run_date.month, run_date.day, 2, tzinfo=UTC)
        found = self.call(
            "GET",
            f"/dags/{dag_id}/dagRuns",
            params={"logical_date_gte": start.isoformat(), "logical_date_lte": start.isoformat()},
        )["dag_runs"]
        if found:
            run_id = str(found[0]["dag_run_id"])
            self.call(
                "POST", f"/dags/{dag_id}/dagRuns/{run_id}/clear", json={"dry_run": False, "run_on_latest_version": True}
            )
            return run_id
        run_id = f"manual__{run_date}"
        body = {
            "dag_run_id": run_id,
            "logical_date": start.isoformat(),
            "data_interval_start": start.isoformat(),
            "data_interval_end": (start + timedelta(days=1)).isoformat(),
        }
        self.call("POST", f"/dags/{dag_id}/dagRuns", json=body)
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> str:
        return str(self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def task_instances(
        self, dag_id: str, run_id: str, *, changed_since: datetime | None = None
    ) -> Iterator[dict[str, Any]]:
        """The run's task instances, or those that something has happened to since; a page is at most 100 of them."""
        offset = 0
        since = {"updated_at_gte": changed_since.isoformat()} if changed_since else {}
        while True:
            page = self.call(
                "GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 100, "offset": offset} | since
            )
            yield from page["task_instances"]
            offset += 100
            if offset >= page["total_entries"]:
                return

    def task_error(self, task: dict[str, Any]) -> str:
        """What the last try of a failed task said: its exception, or the last line of its log."""
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}/logs"
        content = self.call("GET", f"{path}/{task['try_number']}", params={"full_content": True})["content"]
        events: list[dict[str, Any]] = [e if isinstance(e, dict) else {"event": str(e)} for e in content]
        for event in reversed(events):
            if details := event.get("error_detail"):
                kind, said = details[0]["exc_type"], str(details[0]["exc_value"])
                # The operators raise this one with a sentence that stands by itself.
                return said if kind == "AirflowFailException" else f"{kind}: {said}"
        return str(events[-1]["event"]) if events else "it left no log"


def wait_for(
    ready: Callable[[], T | None], what: str, *, check: Callable[[], None], timeout: float, interval: float = 0.25
) -> T:
    """Call `ready` until it returns something true; LocalAirflowError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (found := ready()):
        check()
        if time.monotonic() > deadline:
            raise LocalAirflowError(f"waited {timeout:.0f} s for {what} in vain; the logs folder says why")
        time.sleep(interval)
    return found


def _checked(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        detail = answer.json().get("detail", answer.text)
    except ValueError:
        detail = answer.text
    raise LocalAirflowError(f"Airflow refused {answer.request.method} {answer.request.url.path}: {detail}")
