"""Sends an alert where an Airflow connection says: a webhook, Slack's incoming webhook, or e-mail.

Addresses of webhooks are secrets: what is said of a failure names the connection and what the other side answered.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from customer360.orchestration.alerts import Alert

if TYPE_CHECKING:
    from airflow.sdk import Connection

PATIENCE = 10  # seconds, for each step of a delivery
_SLACK = "https://hooks.slack.com/services"


def deliver(alert: Alert, conn_id: str) -> str | None:
    """Send it once; why it was not sent, or None. Nothing is raised."""
    from airflow.sdk import Connection

    try:
        connection = Connection.get(conn_id)
        if connection.conn_type in ("slackwebhook", "slack_webhook", "slack"):
            return _post(_slack_address(connection), {"text": alert.text}, connection)
        if connection.conn_type in ("http", "https"):
            return _post(_address(connection), _document(alert), connection)
        if connection.conn_type == "smtp":
            return _mail(alert, connection)
    except Exception as error:  # noqa: BLE001
        return f"connection {conn_id!r}: {type(error).__name__}"
    return f"connection {conn_id!r} is of type {connection.conn_type!r}; alerts go to http, slackwebhook or smtp"


def _document(alert: Alert) -> dict[str, str]:
    """`text` is what Mattermost, Google Chat and Teams' workflows show; the rest is for programs."""
    return {
        "text": alert.text,
        "title": alert.title,
        "what": alert.what,
        "since": alert.since,
        "affected": alert.affected,
        "section": alert.section,
        "runbook": alert.runbook,
        "url": alert.url,
    }


def _post(address: str, document: dict[str, str], connection: Connection) -> str | None:
    import httpx

    headers = {str(name): str(value) for name, value in (connection.extra_dejson.get("headers") or {}).items()}
    login = (connection.login, connection.password or "") if connection.login else None
    try:
        answer = httpx.post(address, json=document, headers=headers, auth=login, timeout=PATIENCE)
    except httpx.HTTPError as error:
        return f"connection {connection.conn_id!r}: {type(error).__name__}"
    return None if answer.is_success else f"connection {connection.conn_id!r} answered {answer.status_code}"


def _slack_address(connection: Connection) -> str:
    """As Airflow's Slack provider has it: the token is the password, Slack's own address the default."""
    host = connection.host or _SLACK
    base = host if "://" in host else f"https://{host}"
    return f"{base.rstrip('/')}/{(connection.password or '').lstrip('/')}"


def _address(connection: Connection) -> str:
    """As Airflow's HTTP provider has it: schema is the protocol; `endpoint` in extra is the path. In a URI
    (`https://host/path`) the path arrives as the schema."""
    schema, host = connection.schema or "", connection.host or ""
    is_protocol = schema in ("http", "https")
    protocol = schema if is_protocol else "https" if connection.conn_type == "https" else "http"
    base = host if "://" in host else f"{protocol}://{host}"
    if connection.port:
        base = f"{base}:{connection.port}"
    path = connection.extra_dejson.get("endpoint") or ("" if is_protocol else schema)
    return f"{base.rstrip('/')}/{path.lstrip('/')}"


def _mail(alert: Alert, connection: Connection) -> str | None:
    """Through Airflow's SMTP provider; whom to is `to` in the connection's extra, whom from its `from_email`."""
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    class Once(SmtpHook):
        """Without the hook's five tries of half a minute each: a task waits for this."""

        smtp_retry_limit = 0
        timeout = PATIENCE

    extra: dict[str, Any] = connection.extra_dejson
    if not extra.get("to") or not extra.get("from_email"):
        return f"connection {connection.conn_id!r}: its extra must have to and from_email"
    try:
        with Once(smtp_conn_id=connection.conn_id) as hook:
            hook.send_email_smtp(to=extra["to"], subject=alert.title, html_content=f"<pre>{escape(alert.text)}</pre>")
    except Exception as error:  # noqa: BLE001
        return f"connection {connection.conn_id!r}: {type(error).__name__}"
    return None
