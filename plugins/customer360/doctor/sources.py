"""Whether what the bindings name can be reached: files that are there, databases that let us in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from customer360.doctor.checks import Advice, Check, Finding, Status, failed, passed
from customer360.errors import Customer360Error
from customer360.project import Project
from customer360.settings import Settings
from customer360.sources import Connection, load_bindings
from customer360.sources.connections import attached
from customer360.sources.files import check_files
from customer360.warehouse.duckdb_session import connect

if TYPE_CHECKING:
    from google.cloud.storage import Client

_SHOWN = 3


def sources_check(
    settings: Settings,
    project: Project,
    connections: Callable[[str], Connection],
    *,
    sample: bool,
    buckets: Callable[[], Client] | None = None,
) -> Check:
    """`connections` turns an id into a connection, `buckets` gives the client that reads gs://; `sample` if the sources
    are the sample shop, which can be made."""

    def run() -> Finding:
        problems, names = _problems(settings, project, connections, buckets)
        if not problems:
            return passed(f"{names} can be reached")
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        detail = "; ".join(problems[:_SHOWN]) + more
        if sample:
            return Finding(Status.WARNED, detail, Advice("The sample shop is not made yet.", ("c360 sample",)))
        return failed(
            detail,
            f"The bindings in {settings.sources} say where sources are. Is the path or the connection right, and may"
            " this account read it?",
        )

    return Check("Sources", "sources", run)


def _problems(
    settings: Settings,
    project: Project,
    connections: Callable[[str], Connection],
    buckets: Callable[[], Client] | None,
) -> tuple[list[str], str]:
    problems: dict[str, None] = {}
    databases: set[str] = set()
    files = 0
    for system in load_bindings(settings.sources, project).values():
        for binding in system.tables.values():
            try:
                if binding.files:
                    check_files(binding, settings, buckets)
                    files += 1
                elif binding.connection not in databases:
                    databases.add(binding.connection)
                    _reach(connections(binding.connection))
            except Customer360Error as error:
                problems[str(error)] = None
    return [*problems], f"{len(databases)} databases and the files of {files} tables"


def _reach(connection: Connection) -> None:
    with TemporaryDirectory() as scratch:
        session = connect(connection.extension)
        try:
            with attached(session, connection, "source", Path(scratch)):
                pass
        finally:
            session.close()
