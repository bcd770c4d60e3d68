"""An attacker who reaches the box by the network: what listens, and what answers somebody without a login."""

from __future__ import annotations

from pathlib import Path

import httpx
import psutil

# That Airflow is alive and which version it is; the way to the login, which names no user.
PUBLIC = {
    ("get", "/api/v2/monitor/health"),
    ("get", "/api/v2/version"),
    ("get", "/api/v2/auth/login"),
    ("get", "/api/v2/auth/logout"),
}
_LOGIN = {"/auth/token", "/auth/token/cli"}


def listening(home: Path) -> set[str]:
    """The addresses (without ports) that any process of this Airflow listens on."""
    found: set[str] = set()
    for process in psutil.process_iter():
        try:
            if process.environ().get("AIRFLOW_HOME") == str(home):
                found |= {
                    each.laddr.ip for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN
                }
        except psutil.Error:
            continue
    return found


def answered(url: str) -> set[tuple[str, str]]:
    """The operations of Airflow's API that do not refuse a stranger, whose browser thinks this is another host."""
    found: set[tuple[str, str]] = set()
    tried = 0
    with httpx.Client(base_url=url, timeout=60, trust_env=False, headers={"Host": "evil.example"}) as stranger:
        for path, operations in stranger.get("/openapi.json").json()["paths"].items():
            for method in operations.keys() & {"get", "post", "put", "patch", "delete"}:
                body = None if method == "get" else {}
                answer = stranger.request(method, path.replace("{", "").replace("}", ""), json=body)
                tried += 1
                if answer.status_code not in (401, 403) and path not in _LOGIN:
                    found.add((method, path))
        login = stranger.post("/auth/token", json={"username": "admin", "password": "admin"})
        run = stranger.patch("/execution/task-instances/00000000-0000-0000-0000-000000000000/run", json={})
    assert tried > 100
    assert login.status_code == 401
    assert run.status_code in (401, 403)
    return found
