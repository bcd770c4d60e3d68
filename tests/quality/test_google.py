"""What is asked of the platform's tables is GoogleSQL to Google's own analyzer."""

from __future__ import annotations

import pytest
from reference.zetasql_engine import analyze

from customer360.project.platform import DATA_QUALITY, LOADS, PUBLISHED
from customer360.quality import history
from customer360.quality.row_counts import BANDS
from customer360.sources import freshness

TABLES = {str(spec.name): spec.schema for spec in (DATA_QUALITY, LOADS, PUBLISHED)}
QUARANTINE = {"kind": "STRING", "column_name": "STRING", "reason": "STRING", "_loaded_date": "DATE"}
PARAMETERS = {
    "run_date": "DATE",
    "runs": "INT64",
    "fewest": "INT64",
    "table_name": "STRING",
    **dict.fromkeys(("breadth", "share", "least"), "FLOAT64"),
}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        (
            history._CHECKS,
            {"table_name": "STRING", "success": "BOOL", "sample_keys": "ARRAY<STRING>", "history": "STRING"},
        ),
        (history._RATES, {"run_date": "DATE", "value": "FLOAT64"}),
        (history._ROWS, {"run_date": "DATE", "value": "INT64"}),
        (history._LOADS, {"run_date": "DATE", "rows_read": "INT64"}),
        (history._REFUSED.format(table="quarantine.x__y"), {"refused": "INT64"}),
        (BANDS, {"runs": "INT64", "median": "FLOAT64", "low": "FLOAT64", "high": "FLOAT64"}),
        (freshness._LAST_LOAD, {"newest": "DATE"}),
    ],
    ids=["checks", "rates", "rows", "loads", "refused", "bands", "last load"],
)
def test_google_understands_it(sql: str, columns: dict[str, str]) -> None:
    named = {name: type_ for name, type_ in PARAMETERS.items() if f"@{name}" in sql}
    found = dict(analyze(sql, schemas={**TABLES, "quarantine.x__y": QUARANTINE}, parameters=named))
    assert columns.items() <= found.items()
