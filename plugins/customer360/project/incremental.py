"""The `incremental:` line of model.yaml: how a table follows what changed, partition by partition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from customer360.errors import ProjectError
from customer360.project.model import Model
from customer360.project.names import TableName

FROM = "from "


@dataclass(frozen=True)
class Loads:
    """Rows come from the newest load that delivers their key: `{loads: raw_web.events, key: [event_id]}`.

    A run reads the loads since the last one, and their rows replace all rows of the same keys.
    """

    raw: TableName
    key: tuple[str, ...]


@dataclass(frozen=True)
class Partitions:
    """A partition is made from the rows of its inputs that have its days: `{core.fct_orders: order_date}`.

    days: input → its column that says in which partition of this table a row counts
    since: input → its column of a day from which on a row matters: `from rate_date`. One of an earlier day than the
    last run's rebuilds the table whole
    An input that is not named is read whole; when it changes, the table is rebuilt whole.
    """

    days: Mapping[TableName, str]
    since: Mapping[TableName, str]


Incremental = Loads | Partitions

# What a table must have that follows its loads: it says which rows a repeated load may have taken away.
LOADED, FIRST_LOADED = "_loaded_date", "first_loaded_date"


def read_incremental(given: Any, file: Path) -> Incremental | None:
    """What model.yaml says; ProjectError for what cannot be meant."""
    if given is None:
        return None
    if not isinstance(given, dict) or not given:
        hint = "{core.fct_orders: order_date}, or {loads: raw_web.events, key: [event_id]}"
        raise ProjectError(f"incremental is {given!r}", path=file, hint=hint)
    try:
        if "loads" in given:
            if given.keys() != {"loads", "key"} or not isinstance(given["key"], list) or not given["key"]:
                raise ProjectError("incremental by loads takes loads: and key:", path=file, hint="key: [event_id]")
            return Loads(TableName.parse(str(given["loads"])), tuple(map(str, given["key"])))
        columns = {TableName.parse(str(name)): str(column) for name, column in given.items()}
    except ValueError as error:
        raise ProjectError(f"incremental: {error}", path=file) from None
    return Partitions(
        days={name: column for name, column in columns.items() if not column.startswith(FROM)},
        since={name: column.removeprefix(FROM) for name, column in columns.items() if column.startswith(FROM)},
    )


def check_incremental(model: Model, schemas: Mapping[TableName, Mapping[str, str]]) -> None:
    """Refuse an `incremental:` line that does not fit the model and what it reads (`schemas`: column → type)."""
    rule, file = model.incremental, model.path / "model.yaml"
    if rule is None:
        return
    if model.spec.partition is None:
        raise ProjectError("an incremental table needs partitions", path=file, hint="partition_by: {column: …}")
    if isinstance(rule, Loads):
        named: Mapping[TableName, str | None] = {rule.raw: None}
        if missing := {*rule.key, LOADED} - model.spec.schema.keys():
            raise ProjectError(f"incremental by loads needs the column {min(missing)}", path=file)
    else:
        named = dict(rule.days) | dict(rule.since)
        if not rule.days:
            raise ProjectError("incremental names no input whose rows are partitioned by their days", path=file)
    read = {reference.name for reference in model.references}
    for name, column in named.items():
        if name not in read:
            raise ProjectError(f"incremental names {name}, which the query does not read", path=file)
        if column is not None and schemas[name].get(column) not in ("DATE", "TIMESTAMP"):
            raise ProjectError(f"incremental names {name}.{column}, which is no DATE or TIMESTAMP column", path=file)
    # What a row says of its delivery is left out where an input is compared with what it was.
    words = re.search(rf"\b({LOADED}|{FIRST_LOADED})\b", model.sql)
    if words and isinstance(rule, Partitions):
        raise ProjectError(f"an incremental table does not read {words[0]}", path=model.path / "query.sql")
