"""Great Expectations on a day on which Google's services fail: an interrupted audit is not one that found something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cloud_server import CloudServer, Fault
from google.cloud import bigquery
from google.oauth2 import service_account
from quality.conftest import GOOD, ORDERS, RUN, SCHEMAS, expectation, query, write_suite

from customer360.errors import WarehouseUnavailableError
from customer360.quality import AuditedTable, AuditReport, audit
from customer360.settings import Settings
from customer360.warehouse.bigquery import BigQueryWarehouse
from faults.conftest import Clock

SCOPE = "https://www.googleapis.com/auth/bigquery"
SUITE = [
    expectation("expect_column_values_to_not_be_null", column="order_id"),
    query("SELECT order_id FROM {batch} WHERE ordered_on > @run_date"),
]


@pytest.fixture
def warehouse(fault_server: CloudServer, clock: Clock) -> Iterator[BigQueryWarehouse]:
    fault_server.reset()
    key = service_account.Credentials.from_service_account_file(str(fault_server.credentials_file), scopes=[SCOPE])
    client = bigquery.Client(
        project=fault_server.project, credentials=key, client_options={"api_endpoint": fault_server.url}
    )
    made = BigQueryWarehouse(client, location=fault_server.location)
    made.write(ORDERS, GOOD, target=ORDERS.name.candidate(RUN.run_date), run=RUN)
    yield made
    made.close()


def run(warehouse: BigQueryWarehouse, folder: Path) -> AuditReport:
    candidate = ORDERS.name.candidate(RUN.run_date)
    return audit(
        [AuditedTable(ORDERS, candidate)],
        warehouse=warehouse,
        suites=write_suite(folder, ORDERS.name, SUITE, ["order_id"]),
        run=RUN,
        parameters=Settings().parameters(RUN.run_date),
        renames={ORDERS.name: candidate},
        schemas=SCHEMAS,
    )


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "truncated"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_passing_fault_is_put_right(
    kind: str, times: int, warehouse: BigQueryWarehouse, fault_server: CloudServer, tmp_path: Path
) -> None:
    fault = Fault(kind, "bigquery.jobs.query", times=times)
    fault_server.faults.append(fault)
    assert run(warehouse, tmp_path).failures == ()
    assert not fault.times, "did not happen"


def test_an_outage_is_tried_again_and_blames_no_rows(
    warehouse: BigQueryWarehouse, fault_server: CloudServer, tmp_path: Path
) -> None:
    fault_server.faults.append(Fault("status", "bigquery.jobs.query", status=503, times=10_000))
    with pytest.raises(WarehouseUnavailableError, match="interrupted, nothing is known about its rows") as raised:
        run(warehouse, tmp_path)
    assert raised.value.retry_helps
    fault_server.faults.clear()
    assert run(warehouse, tmp_path).failures == ()
    jobs = [entry for entry in fault_server.log if entry.method == "bigquery.jobs.query"]
    assert {entry.body["labels"]["run_date"] for entry in jobs if entry.body} == {"2026-01-10"}
