"""Which layouts a table may have, and which changes of a schema BigQuery makes in place.

https://cloud.google.com/bigquery/docs/managing-table-schemas: columns can be added if they are NULLABLE or REPEATED, a
REQUIRED one relaxed, descriptions and policy tags changed. Everything else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloud_server.answers import Refused, Resource
from cloud_server.wire import canonical

_TIMES = ("DATE", "TIMESTAMP", "DATETIME")


def type_texts(fields: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Name → type and mode, nested ones within."""
    return {f["name"]: f"{f['mode']} {f['type']} {type_texts(f.get('fields', []))}" for f in fields}


def check_layout(fields: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> None:
    """Partitioning and clustering are by columns that there are."""
    known = {field["name"]: field for field in canonical(fields)}
    if "rangePartitioning" in body:
        raise Refused(501, "notImplemented", "the contract server has no integer-range partitioning")
    partitioning = body.get("timePartitioning")
    if partitioning is not None:
        column = partitioning.get("field")
        if column is None:
            raise Refused(501, "notImplemented", "the contract server has no partitioning by ingestion time")
        if column not in known or known[column]["type"] not in _TIMES:
            message = f"The field specified for partitioning ({column}) cannot be found in the schema as DATE, TIMESTAMP or DATETIME"
            raise Refused(400, "invalid", message)
    elif body.get("requirePartitionFilter"):
        raise Refused(400, "invalid", "requirePartitionFilter is only for partitioned tables")
    clustering = body.get("clustering", {}).get("fields", [])
    if missing := [column for column in clustering if column not in known]:
        raise Refused(
            400, "invalid", f"The field specified for clustering ({missing[0]}) cannot be found in the schema"
        )
    if len(clustering) > 4:
        raise Refused(400, "invalid", "A table has at most four clustering fields")


def check_patch(name: str, old: Resource, new: Resource) -> list[Resource]:
    """The columns that a patch adds; Refused for a change that is not made in place."""
    before, after = old.get("timePartitioning"), new.get("timePartitioning")
    ignoring = ("expirationMs", "requirePartitionFilter")
    if _without(before, ignoring) != _without(after, ignoring):
        raise Refused(400, "invalid", f"Cannot change partitioning spec for a partitioned/clustered table {name}.")
    fields = canonical(new["schema"]["fields"])
    added = _added(name, old["schema"]["fields"], fields, ())
    check_layout(fields, new)
    return added


def _added(name: str, before: Sequence[Resource], after: Sequence[Resource], within: tuple[str, ...]) -> list[Resource]:
    given = {field["name"]: field for field in after}
    for field in before:
        place = ".".join((*within, field["name"]))
        new = given.get(field["name"])
        if new is None:
            raise Refused(
                400,
                "invalid",
                f"Provided Schema does not match Table {name}. Field {place} is missing in new schema",
            )
        if new["type"] != field["type"]:
            text = f"Field {place} has changed type from {field['type']} to {new['type']}"
            raise Refused(400, "invalid", f"Provided Schema does not match Table {name}. {text}")
        if new["mode"] != field["mode"] and (field["mode"], new["mode"]) != ("REQUIRED", "NULLABLE"):
            text = f"Field {place} has changed mode from {field['mode']} to {new['mode']}"
            raise Refused(400, "invalid", f"Provided Schema does not match Table {name}. {text}")
        if _added(name, field.get("fields", []), new.get("fields", []), (*within, field["name"])):
            raise Refused(501, "notImplemented", f"the contract server adds no fields within {place}")
    known = {field["name"] for field in before}
    added = [field for field in after if field["name"] not in known]
    for field in added:
        if field["mode"] == "REQUIRED":
            text = f"Cannot add required fields to an existing schema. (field: {field['name']})"
            raise Refused(400, "invalid", f"Provided Schema does not match Table {name}. {text}")
    return added


def _without(partitioning: Mapping[str, Any] | None, names: tuple[str, ...]) -> dict[str, Any] | None:
    if partitioning is None:
        return None
    return {key: value for key, value in partitioning.items() if key not in names}
