"""Incremental runs over BigQuery's API: the same tables as a full rebuild, by statements that Google's analyzer takes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cloud_server import CloudServer
from cloud_server.fixtures import cloud_server, server
from reference import zetasql_engine

from build.histories import START, History
from customer360.project.platform import OPS_TABLES
from customer360.warehouse.bigquery import BigQueryWarehouse

__all__ = ["cloud_server", "server"]


@pytest.mark.parametrize("family", ["commerce"])
def test_incremental_is_full(family: str, server: CloudServer, tmp_path: Path) -> None:
    history = History(
        tmp_path,
        family,
        Random(f"{family} on BigQuery"),
        warehouse=lambda: BigQueryWarehouse(server.client(), location=server.location, labels={}),
    )
    partial = 0
    for day in (START, START + timedelta(days=1), START + timedelta(days=3)):
        build = history.open(day)
        history.happen(build, day)
        if day > START:
            staged = [build.project.models[name] for name in history.models(build) if name.dataset == "staging"]
            partial += sum(build.plan(model).partitions is not None for model in staged)
        history.run(build)
        assert history.differences(build) == []
        build.warehouse.close()
    assert partial, "some runs rebuilt partitions only"
    schemas = build.project.schemas | {str(spec.name): spec.schema for spec in OPS_TABLES}
    for dataset, table in server.tables:
        if known := schemas.get(f"{dataset}.{table.partition('__candidate_')[0]}"):
            schemas[f"{dataset}.{table}"] = known
    statements = _statements(server)
    assert len(statements) > 20
    for sql, parameters in statements:
        for name in set(_candidates(sql)) - schemas.keys():
            schemas[name] = schemas[name.partition("__candidate_")[0]]
        assert zetasql_engine.analyze(sql, schemas=schemas, parameters=dict(parameters)), sql


def _candidates(sql: str) -> list[str]:
    """Candidates that a query names; they are gone by the end."""
    return [word.strip("(),") for word in sql.split() if "__candidate_" in word]


def _statements(server: CloudServer) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """The queries that were sent, with the names and types of their parameters."""
    found = set()
    for entry in server.sent("bigquery.jobs.insert"):
        if query := entry.configuration.get("query"):
            given = [(each["name"], _type(each["parameterType"])) for each in query.get("queryParameters", ())]
            found.add((query["query"], tuple(given)))
    return found


def _type(given: dict[str, Any]) -> str:
    return f"ARRAY<{_type(given['arrayType'])}>" if given["type"] == "ARRAY" else str(given["type"])
