"""What the tests of `c360 doctor` ask of a visit and of the project that was visited."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cloud_server import CloudServer

from customer360.project import load_project

DATASETS = [
    "raw_commerce", "raw_crm", "raw_finance", "raw_identity", "raw_loyalty", "raw_marketing", "raw_privacy",
    "raw_support", "raw_traits", "raw_web", "quarantine", "staging", "identity", "core", "marts", "dashboards", "ops",
]  # fmt: skip
TAG = "projects/p/locations/eu/taxonomies/1/policyTags/2"
ALWAYS = 99
GRANT = "'GRANT `roles/bigquery.dataEditor` ON SCHEMA `test-project`.ops TO \"MEMBER\"'"
read_once = cache(load_project)


@dataclass(frozen=True)
class Report:
    exit_code: int
    text: str
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def named(self, status: str) -> list[str]:
        return [name for name, check in self.checks.items() if check["status"] == status]


def make_datasets(server: CloudServer, *names: str, **settings: str) -> None:
    """As terraform/ does; all, if none is named."""
    client = server.client()
    for name in names or DATASETS:
        client.create_dataset(name)
        server.datasets[name] |= settings


def left_behind(server: CloudServer) -> list[str]:
    scratch = [f"{dataset}.{table}" for dataset, table in server.tables]
    return [*scratch, *(name for name in server.datasets if "doctor" in name), *(name for _, name in server.objects)]


def denied(message: str = "Access Denied: no.", **options: Any) -> dict[str, Any]:
    return {"kind": "status", "status": 403, "reason": "accessDenied", "message": message, "times": ALWAYS, **options}


def of_table(suffix: str) -> Any:
    """Jobs that write to one of the doctor's tables, dry runs apart."""
    return lambda entry: entry.destination.partition("$")[0].endswith(suffix)
