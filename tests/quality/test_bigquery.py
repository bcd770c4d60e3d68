"""What an audit sends to BigQuery: statements that Google's own analyzer accepts, through the adapter's client.

Nothing here runs them: answers are canned zeros, so this says nothing of results.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from reference import zetasql_engine

from customer360.quality import AuditedTable, audit
from customer360.settings import Settings
from customer360.warehouse.bigquery import BigQueryWarehouse
from quality.conftest import ORDERS, RUN, SCHEMAS, query, write_suite
from quality.test_expectation_types import CASES

CANDIDATE = ORDERS.name.candidate(RUN.run_date)
FIELDS = [
    {
        "name": name,
        "type": type_.removeprefix("ARRAY<").removesuffix(">"),
        "mode": "REPEATED" if "<" in type_ else "NULLABLE",
    }
    for name, type_ in ORDERS.schema.items()
]


def _response(method: str, url: str, status: int, answer: dict[str, Any]) -> requests.Response:
    response = requests.Response()
    response.request = requests.Request(method, url).prepare()
    response.status_code, response._content = status, json.dumps(answer).encode()
    response.headers["content-type"] = "application/json"
    return response


class Zeros:
    """Stands where the client expects an HTTP session: keeps statements, answers each with one row of zeros."""

    is_mtls = False

    def __init__(self) -> None:
        self.statements: list[tuple[str, dict[str, str]]] = []
        self._auth_request = SimpleNamespace(session=self)

    def request(self, method: str, url: str, data: Any = None, **_: Any) -> requests.Response:
        address = url.split("?")[0]
        if address.endswith("/ops/tables/published"):  # nothing was ever published: there are no row counts to compare
            return _response(
                method, url, 404, {"error": {"code": 404, "message": "Not found", "errors": [{"reason": "notFound"}]}}
            )
        answer = self._table() if method == "GET" else self._answer(json.loads(data))
        assert address.endswith(f"/core/tables/{CANDIDATE.table}" if method == "GET" else "/projects/shop/queries")
        return _response(method, url, 200, answer)

    def close(self) -> None:
        pass

    def _table(self) -> dict[str, Any]:
        name = {"projectId": "shop", "datasetId": "core", "tableId": CANDIDATE.table}
        return {"tableReference": name, "schema": {"fields": FIELDS}, "type": "TABLE", "numRows": "6"}

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        types = {p["name"]: p["parameterType"] for p in body.get("queryParameters", [])}
        written = {n: f"ARRAY<{t['arrayType']['type']}>" if "arrayType" in t else t["type"] for n, t in types.items()}
        self.statements.append((body["query"], written))
        names = re.findall(r"AS `?(\w+)`?(?=[,\s])", body["query"].partition("FROM")[0]) or ["only"]
        fields = [{"name": name, "type": "INTEGER", "mode": "NULLABLE"} for name in names]
        row = {"f": [{"v": "0"} for _ in names]}
        reference = {"projectId": "shop", "jobId": "job"}
        return {
            "jobComplete": True,
            "jobReference": reference,
            "schema": {"fields": fields},
            "rows": [row],
            "totalRows": "1",
        }


def test_every_statement_is_google_sql_about_the_candidate(tmp_path: Path) -> None:
    wire = Zeros()
    client = bigquery.Client(project="shop", credentials=AnonymousCredentials(), _http=wire)
    late = query("SELECT order_id FROM {batch} WHERE ordered_on > @run_date AND status IN UNNEST(@completed_statuses)")
    rows = [case for case in CASES if case["type"].startswith(("expect_column_values", "expect_column_pair"))]
    compound = CASES[-1]
    report = audit(
        [AuditedTable(ORDERS, CANDIDATE)],
        warehouse=BigQueryWarehouse(client, location="EU"),
        suites=write_suite(tmp_path, ORDERS.name, [late, compound, *rows], ["order_id"]),
        run=RUN,
        parameters=Settings().parameters(RUN.run_date),
        renames={ORDERS.name: CANDIDATE},
        schemas=SCHEMAS,
    )
    assert [result.error for result in report.results] == [None] * len(report.results)
    assert len(wire.statements) > 5
    for sql, parameters in wire.statements:
        assert f"core.{CANDIDATE.table}" in sql
        zetasql_engine.analyze(sql, schemas={str(CANDIDATE): ORDERS.schema}, parameters=parameters)
    assert any("DATE '2026-01-10'" in sql or "CAST('2026-01-10' AS DATE)" in sql for sql, _ in wire.statements)
