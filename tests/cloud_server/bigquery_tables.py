"""Datasets and tables, as Google documents them and the adapter depends on them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock, RLock
from typing import Any, TypeAlias

from cloud_server.answers import Refused, Resource
from cloud_server.schema_changes import check_layout, check_patch
from cloud_server.store import Store
from cloud_server.wire import canonical, columns_of
from customer360.project.names import TableName

LAYOUT: tuple[str, ...] = ("timePartitioning", "clustering")
# What an insert or a patch may set and what is kept of it.
_LABEL_KEY, _LABEL_VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
_PAGE = 1000
Key: TypeAlias = tuple[str, str]
# What a view's definition gives: its fields, and its text for DuckDB.
ViewColumns: TypeAlias = Callable[[Resource], tuple[list[Resource], str]]


class Clock:
    """Milliseconds since 1970, each given out once, never ahead of the time of day."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def now(self) -> int:
        with self._lock:
            while (now := time.time_ns() // 1_000_000) <= self._last:
                time.sleep(0.0002)
            self._last = now
            return now


class Tables:
    """One project in one location. Resources are kept as they are answered, but for what is counted.

    The store's lock is taken before this one.
    """

    def __init__(self, project: str, location: str, store: Store, clock: Clock) -> None:
        self.project, self.location, self.store, self.clock = project, location, store, clock
        self.datasets: dict[str, Resource] = {}
        self.tables: dict[Key, Resource] = {}
        self.lock = RLock()
        self._counted: dict[tuple[Key, str], tuple[str, int, dict[str, int]]] = {}

    def reference(self, key: Key) -> Resource:
        return {"projectId": self.project, "datasetId": key[0], "tableId": key[1]}

    # -- datasets

    def get_dataset(self, name: str) -> Resource:
        if name not in self.datasets:
            raise Refused(404, "notFound", f"Not found: Dataset {self.project}:{name}")
        return self.datasets[name]

    def insert_dataset(self, body: Resource) -> Resource:
        name = body["datasetReference"]["datasetId"]
        if not re.fullmatch(r"\w{1,1024}", name):
            raise Refused(400, "invalid", f'Invalid dataset ID "{name}"')
        check_labels(body)
        with self.lock:
            if name in self.datasets:
                raise Refused(409, "duplicate", f"Already Exists: Dataset {self.project}:{name}")
            now = str(self.clock.now())
            self.datasets[name] = {
                "kind": "bigquery#dataset",
                "id": f"{self.project}:{name}",
                "location": self.location,
                **body,
                "datasetReference": {"projectId": self.project, "datasetId": name},
                "etag": now,
                "creationTime": now,
                "lastModifiedTime": now,
            }
            return self.datasets[name]

    def patch_dataset(self, name: str, body: Resource, match: str | None) -> Resource:
        with self.lock:
            old = self.get_dataset(name)
            check_etag(old, match)
            check_labels(body)
            if body.get("location", old["location"]).lower() != old["location"].lower():
                raise Refused(400, "invalid", f"Cannot change the location of dataset {self.project}:{name}")
            new = patched(old, body)
            new["etag"] = new["lastModifiedTime"] = str(self.clock.now())
            self.datasets[name] = new
            return new

    def delete_dataset(self, name: str, contents: bool) -> None:
        with self.store.lock, self.lock:
            self.get_dataset(name)
            inside = [key for key in self.tables if key[0] == name]
            if inside and not contents:
                raise Refused(400, "resourceInUse", f"Dataset {self.project}:{name} is still in use")
            for key in inside:
                self.delete_table(key)
            del self.datasets[name]

    def list_datasets(self, query: Mapping[str, str]) -> Resource:
        names, token = page(sorted(self.datasets), query)
        shown = ("kind", "id", "datasetReference", "labels", "location")
        listed = [{key: self.datasets[name][key] for key in shown if key in self.datasets[name]} for name in names]
        return {"kind": "bigquery#datasetList", "etag": "1", "datasets": listed, **token}

    # -- tables

    def find(self, key: Key) -> Resource:
        """The stored resource; 404 for a missing table or dataset, 404 too once it has expired."""
        self.get_dataset(key[0])
        table = self.tables.get(key)
        if table and int(table.get("expirationTime", 2**62)) <= time.time() * 1000:
            self.delete_table(key)
            table = None
        if table is None:
            raise Refused(404, "notFound", f"Not found: Table {self.project}:{key[0]}.{key[1]}")
        return table

    def get_table(self, dataset: str, name: str) -> Resource:
        base, _, partition = name.partition("$")
        resource = self.find((dataset, base))
        if resource["type"] == "VIEW":
            return resource
        rows, sizes = self.count((dataset, base), partition)
        return resource | {"numRows": str(rows), "numBytes": str(sum(sizes.values())), "numLongTermBytes": "0"}

    def count(self, key: Key, partition: str = "") -> tuple[int, dict[str, int]]:
        """Rows and bytes of each column, counted once per version of the table."""
        with self.lock:
            table = self.tables[key]
            etag = table["etag"]
            known = self._counted.get((key, partition))
        if known and known[0] == etag:
            return known[1], known[2]
        with self.store.lock:
            resource = self.find(key)
            columns = columns_of(resource["schema"]["fields"])
            rows, sizes = self.store.statistics(TableName(*key), columns, resource, partition or None)
            self._counted[key, partition] = (resource["etag"], rows, sizes)
        return rows, sizes

    def insert_table(self, body: Resource, view: ViewColumns) -> Resource:
        key = (body["tableReference"]["datasetId"], body["tableReference"]["tableId"])
        self.get_dataset(key[0])
        if not re.fullmatch(r"[\w \-]{1,1024}", key[1]):
            raise Refused(400, "invalid", f'Invalid table ID "{key[1]}"')
        check_labels(body)
        with self.store.lock, self.lock:
            if key in self.tables:
                raise Refused(409, "duplicate", f"Already Exists: Table {self.project}:{key[0]}.{key[1]}")
            name = TableName(*key)
            if "view" in body:
                if "schema" in body:
                    raise Refused(400, "invalid", "Schema field shouldn't be used as input with a view")
                fields, duckdb_sql = view(body["view"])
                self.store.create_view(name, duckdb_sql)
                return self.put(key, body | {"schema": {"fields": fields}}, "VIEW")
            fields = body.get("schema", {}).get("fields", [])
            check_layout(fields, body)
            with self.store.transaction() as connection:
                self.store.create(connection, name, columns_of(fields))
            self.put(key, body | {"schema": {"fields": fields}}, "TABLE")
        return self.get_table(*key)

    def put(self, key: Key, body: Resource, type_: str) -> Resource:
        """Keep a resource under a new etag; what the service says itself is put in."""
        with self.lock:
            stored = json.loads(json.dumps(body))
            stored["schema"] = {"fields": canonical(stored["schema"]["fields"])}
            now = str(self.clock.now())
            default = self.datasets[key[0]].get("defaultTableExpirationMs")
            if default and key not in self.tables and "expirationTime" not in stored:
                stored["expirationTime"] = str(int(now) + int(default))
            self.tables[key] = stored | {
                "kind": "bigquery#table",
                "id": f"{self.project}:{key[0]}.{key[1]}",
                "tableReference": self.reference(key),
                "type": type_,
                "etag": now,
                "creationTime": self.tables.get(key, {}).get("creationTime", now),
                "lastModifiedTime": now,
                "location": self.datasets[key[0]]["location"],
            }
            return self.tables[key]

    def patch_table(self, key: Key, body: Resource, match: str | None, view: ViewColumns) -> Resource:
        with self.store.lock, self.lock:
            old = self.find(key)
            check_etag(old, match)
            check_labels(body)
            new = patched(old, body)
            if "view" in body:
                fields, duckdb_sql = view(body["view"])
                self.store.create_view(TableName(*key), duckdb_sql)
                new["schema"] = {"fields": fields}
            else:
                added = check_patch(f"{self.project}:{key[0]}.{key[1]}", old, new)
                if added and old["type"] == "VIEW":
                    raise Refused(400, "invalid", f"A view has the columns of its query, not {added[0]['name']}")
                if added:
                    self.store.add_columns(TableName(*key), columns_of(added))
            self.put(key, new, old["type"])
        return self.get_table(*key)

    def delete_table(self, key: Key) -> None:
        """Or, with a decorator, one partition. https://cloud.google.com/bigquery/docs/managing-partitioned-tables#delete_a_partition"""
        with self.store.lock, self.lock:
            self.get_dataset(key[0])
            name, _, partition = key[1].partition("$")
            if partition:
                table = self.find((key[0], name))
                self.store.delete_partition(TableName(key[0], name), table, partition)
                self.put((key[0], name), table, table["type"])
                return
            if key not in self.tables:
                raise Refused(404, "notFound", f"Not found: Table {self.project}:{key[0]}.{key[1]}")
            self.store.drop(TableName(*key), self.tables[key]["type"])
            del self.tables[key]
            self._counted = {known: value for known, value in self._counted.items() if known[0] != key}

    def list_tables(self, dataset: str, query: Mapping[str, str]) -> Resource:
        self.get_dataset(dataset)
        names = sorted(name for holder, name in list(self.tables) if holder == dataset)
        shown = ("kind", "id", "tableReference", "type", "labels", "creationTime", "expirationTime", *LAYOUT)
        listed, token = page(names, query)
        items = [self.tables[dataset, name] for name in listed]
        tables = [{key: item[key] for key in shown if key in item} for item in items]
        return {"kind": "bigquery#tableList", "etag": "1", "tables": tables, "totalItems": len(names), **token}


def check_labels(body: Mapping[str, Any]) -> None:
    """https://cloud.google.com/bigquery/docs/labels-intro#requirements"""
    labels = body.get("labels") or {}
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not (value is None or _LABEL_VALUE.fullmatch(value)):
            raise Refused(400, "invalid", f"label {key}={value} has invalid characters")
    if len(labels) > 64:
        raise Refused(400, "invalid", f"{len(labels)} labels, at most 64 are allowed")


def check_etag(resource: Resource, match: str | None) -> None:
    if match not in (None, "*", resource["etag"]):
        raise Refused(412, "conditionNotMet", f"Precondition Failed: etag is {resource['etag']}, not {match}")


def patched(old: Resource, body: Resource) -> Resource:
    """A PATCH: null clears, labels one by one, the rest replaces."""
    new = old | {name: value for name, value in body.items() if value is not None and name != "labels"}
    if body.get("labels") is not None:
        labels = {**old.get("labels", {}), **body["labels"]}
        new["labels"] = {name: value for name, value in labels.items() if value is not None}
    return {name: value for name, value in new.items() if name not in body or body[name] is not None}


def page(items: Sequence[str], query: Mapping[str, str], size: int = _PAGE) -> tuple[list[str], dict[str, str]]:
    """One page of a listing, and its nextPageToken."""
    at, most = int(query.get("pageToken") or 0), min(int(query.get("maxResults") or size), size)
    end = at + most
    return list(items[at:end]), {"nextPageToken": str(end)} if end < len(items) else {}
