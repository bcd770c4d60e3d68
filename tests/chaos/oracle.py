"""What must hold of a lake, however often its runs were killed: what is published equals an undisturbed run's."""

from __future__ import annotations

from collections import Counter
from typing import Any

import duckdb

from chaos.worker import Task
from customer360.project import Project, TableName
from customer360.project.platform import quarantine_spec
from customer360.warehouse.local import LocalWarehouse

# What tells runs apart, and when they were.
_OF_THE_RUN = {"_loaded_at", "_batch_id"}
# The log tables: the rows in force, without what may differ from try to try.
_LOGS = {
    "ops.loads": (
        "SELECT table_name, loaded_date, mode, window_from, rows_read, rows_loaded, rows_quarantined, cells_quarantined"
        " FROM ops.loads QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, loaded_date ORDER BY finished_at DESC) = 1"
    ),
    "ops.published": (
        "SELECT table_name, run_date, row_count FROM ops.published"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY published_at DESC) = 1"
    ),
    "ops.data_quality": (
        "SELECT table_name, run_date, expectation, column_name, description, severity, success, rows_checked,"
        " rows_unexpected FROM ops.data_quality WHERE expectation NOT IN ('freshness', 'row_count_band')"
        " QUALIFY RANK() OVER (PARTITION BY table_name, run_date ORDER BY checked_at DESC) = 1"
    ),
    "ops.schema_changes": "SELECT DISTINCT table_name, column_name, kind, run_date FROM ops.schema_changes",
}
_DOUBLED = (
    "SELECT table_name, expectation, column_name, description, COUNT(*) AS n FROM ops.data_quality"
    " GROUP BY run_id, table_name, expectation, column_name, description, checked_at, observed"
    " HAVING COUNT(*) > 1"
)
# Each table's writing in force is recorded once where incremental tables follow it.
_WRITES = (
    "SELECT table_name, COUNT(*) AS n FROM ops.writes"
    " INNER JOIN (SELECT table_name, table_version FROM ops.published"
    "   QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY published_at DESC) = 1) AS current_one"
    " USING (table_name, table_version) GROUP BY table_name"
)


def state(task: Task) -> dict[str, Any]:
    """All that people can see of a lake and of the folders beside it."""
    build = task.open()
    try:
        project, warehouse = build.project, build.warehouse
        found: dict[str, Any] = {str(name): _rows(warehouse, project, name) for name in _people_read(project)}
        found |= {name: _counted(warehouse.query(sql).to_pylist()) for name, sql in _LOGS.items()}
        found["doubled in ops.data_quality"] = warehouse.query(_DOUBLED).to_pylist()
        found["ops.writes"] = _counted(warehouse.query(_WRITES).to_pylist())
        found["left over in the lake"] = _left_over(warehouse, project)
    finally:
        warehouse.close()
    landed = (task.data / "landing").rglob("*.*")
    found["landing zone"] = Counter(str(file.parent.relative_to(task.data)) for file in landed if file.is_file())
    return found


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """What is not as in an undisturbed run, a sentence each."""
    assert found.keys() == wanted.keys()
    said = []
    for name in wanted:
        if found[name] != wanted[name]:
            if isinstance(wanted[name], Counter):
                missing, extra = wanted[name] - found[name], found[name] - wanted[name]
                said.append(
                    f"{name}: {missing.total()} missing {list(missing)[:2]}, {extra.total()} extra {list(extra)[:2]}"
                )
            else:
                said.append(f"{name}: {found[name]} instead of {wanted[name]}")
    return said


def _people_read(project: Project) -> list[TableName]:
    quarantines = [quarantine_spec(contract).name for contract in project.contracts.values()]
    return [*project.contracts, *quarantines, *project.graph.order]


def _rows(warehouse: LocalWarehouse, project: Project, name: TableName) -> Counter[str]:
    columns = [column for column in warehouse.columns(name) or {} if column not in _OF_THE_RUN]
    assert columns, f"there is no {name}"
    rows = warehouse.connection.execute(f"SELECT {', '.join(columns)} FROM {name.dataset}.{name.table}")
    return Counter(map(repr, rows.fetchall()))


def _counted(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(map(repr, rows))


def _left_over(warehouse: LocalWarehouse, project: Project) -> list[str]:
    """Candidates and scratch tables that the day's end should not leave."""
    datasets = {name.dataset for name in project.models}
    known = {*project.models, *project.contracts}
    return sorted(str(n) for dataset in datasets for n in warehouse.tables(dataset) if n not in known)


# -- one snapshot, for those who read while runs are killed


def fingerprints(task: Task) -> dict[str, str]:
    """Of each published table: how many rows, and which, as one text."""
    build = task.open()
    try:
        names = [n for n in build.project.graph.order if build.project.models[n].materialized == "table"]
        return {str(name): fingerprint(build.warehouse.connection, build.project, name) for name in names}
    finally:
        build.warehouse.close()


def fingerprint(connection: duckdb.DuckDBPyConnection, project: Project, name: TableName) -> str:
    columns = ", ".join(f'"{c}"' for c in project.schema(name) if c not in _OF_THE_RUN)
    found = connection.execute(
        f"SELECT COUNT(*), SUM(hash(t)::HUGEINT)::VARCHAR FROM (SELECT {columns} FROM {name.dataset}.{name.table}) AS t"
    ).fetchone()
    return repr(found)
