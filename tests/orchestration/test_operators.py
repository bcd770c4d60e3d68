"""Operators against a real lake: what they do, and which of their errors are worth another try."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from customer360.errors import WarehouseBusyError
from customer360.orchestration.connections import open_warehouse
from customer360.orchestration.deployment import deployment
from customer360.project import TableName
from customer360.warehouse import Warehouse
from customer360.warehouse.lake import write_lock

CONTEXT: Any = {"run_id": "manual__test", "ti": SimpleNamespace(dag_id="customer_360_daily", task_id="a.task")}


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("C360_DATA", str(tmp_path))
    monkeypatch.setenv("C360_LOCK_TIMEOUT", "0.2")
    return tmp_path / "lake"


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    opened = open_warehouse(*deployment())
    yield opened
    opened.close()


def test_ensure_tables_creates_what_is_missing_once(warehouse: Warehouse) -> None:
    from customer360.orchestration.operators import EnsureTables

    ensure = EnsureTables(task_id="ensure", run_date="2024-06-30")
    created = ensure.execute(CONTEXT)
    assert {"raw_crm.customer_info", "quarantine.crm__customer_info", "ops.data_quality"} <= set(created)
    assert ensure.execute(CONTEXT) == []
    assert warehouse.row_counts([TableName("ops", "loads")]) == {TableName("ops", "loads"): 0}


def test_what_a_task_writes_is_the_accounts_own(lake: Path) -> None:
    """In anybody's Airflow, whose umask may be any: the command line is not the entrance there."""
    from customer360.orchestration.operators import EnsureTables

    before = os.umask(0)
    try:
        EnsureTables(task_id="ensure", run_date="2024-06-30").execute(CONTEXT)
    finally:
        os.umask(before)
    written = [lake, *lake.rglob("*")]
    assert lake / "catalog.sqlite" in written
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_an_error_that_a_retry_cannot_mend_fails_at_once_in_its_own_words() -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from customer360.orchestration.operators import EnsureTables, LoadTable

    EnsureTables(task_id="ensure", run_date="2024-06-30").execute(CONTEXT)
    load = LoadTable(task_id="load", table="raw_crm.customer_info", run_date="2024-06-30")
    with pytest.raises(AirflowFailException, match=r"there is no SQLite database .*crm\.sqlite"):  # no shop was written
        load.execute(CONTEXT)


def test_a_busy_warehouse_is_worth_another_try(lake: Path) -> None:
    from customer360.orchestration.operators import EnsureTables

    ensure = EnsureTables(task_id="ensure", run_date="2024-06-30")
    ensure.execute(CONTEXT)
    with write_lock(lake, 1), pytest.raises(WarehouseBusyError):
        ensure.execute(CONTEXT)


def test_a_model_is_written_audited_and_published(warehouse: Warehouse) -> None:
    from customer360.orchestration.operators import AuditLayer, EnsureTables, PublishLayer, WriteModel

    arguments: dict[str, Any] = {"run_date": "2024-06-30"}
    name, layer = "staging.stg_finance__exchange_rates", "staging"
    EnsureTables(task_id="ensure", **arguments).execute(CONTEXT)
    WriteModel(task_id="write", model=name, **arguments).execute(CONTEXT)
    assert warehouse.columns(TableName.parse(name)) is None  # nobody reads it yet
    AuditLayer(task_id="audit", layer=layer, models=[name], **arguments).execute(CONTEXT)
    published = PublishLayer(task_id="publish", layer=layer, models=[name], **arguments).execute(CONTEXT)
    assert published == [name]
    assert warehouse.row_counts([TableName.parse(name)]) == {TableName.parse(name): 0}
