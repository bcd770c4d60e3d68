"""OpenLineage events, held against the classes that OpenLineage's client generates from its specification."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

_OF_EVERY_FACET = {"_producer", "_schemaURL", "_deleted"}
# The bases that OpenLineage's specification lets anybody extend: Airflow's own facets are declared as these.
_OPEN = {"BaseFacet", "RunFacet", "JobFacet", "DatasetFacet", "InputDatasetFacet", "OutputDatasetFacet"}


@cache
def _classes() -> dict[str, type]:
    import openlineage.client.generated as generated

    modules = [
        importlib.import_module(f"{generated.__name__}.{m.name}") for m in pkgutil.iter_modules(generated.__path__)
    ]
    found = {name: each for module in modules for name, each in vars(module).items() if name.endswith("Facet")}
    assert len(found) > 30
    return found


def problems(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event and the facets in it. A facet of a name that OpenLineage does not know is Airflow's."""
    found = [f"no {key}" for key in ("eventTime", "producer", "schemaURL", "run", "job") if key not in event]
    UUID(event["run"]["runId"])
    assert datetime.fromisoformat(event["eventTime"]).tzinfo
    for facet in _facets({key: value for key, value in event.items() if key != "schemaURL"}):
        name = facet["_schemaURL"].rpartition("/")[2]
        if not facet.get("_producer"):
            found.append(f"{name}: no producer")
        if name in _classes().keys() - _OPEN:
            try:
                _classes()[name](**{key: value for key, value in facet.items() if key not in _OF_EVERY_FACET})
            except (TypeError, ValueError) as error:
                found.append(f"{name}: {error}")
    return found


def _facets(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "_schemaURL" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _facets(each)
