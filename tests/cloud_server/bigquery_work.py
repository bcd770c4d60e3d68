"""What a job does to its destination: loads, copies and queries, by disposition and partition decorator."""

from __future__ import annotations

import fnmatch
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cloud_server.answers import Refused, Resource
from cloud_server.bigquery_queries import Plan
from cloud_server.bigquery_tables import LAYOUT, Key, Tables
from cloud_server.schema_changes import type_texts
from cloud_server.store import partition_sql
from cloud_server.wire import api_fields, arrow_type, canonical, columns_of, loads_as
from customer360.googlesql.types import parse, to_arrow
from customer360.project.names import TableName
from customer360.warehouse.duckdb_text import identifier, literal
from customer360.warehouse.lake_tables import quoted


@dataclass(frozen=True)
class Outcome:
    """What a job has done: statistics, and for a query without a destination its rows."""

    statistics: Resource
    rows: pa.Table | None = None


class Work:
    """Runs the work of one job at a time: every method holds the store's lock, and raises Refused for a job that fails."""

    def __init__(self, tables: Tables, objects: Mapping[Key, bytes]) -> None:
        self.tables, self.store, self.objects = tables, tables.store, objects

    # -- loads

    def load(self, details: Mapping[str, Any], media: bytes | None) -> Outcome:
        if details.get("sourceFormat") != "PARQUET":
            raise Refused(501, "notImplemented", "the contract server loads Parquet only")
        contents = [media] if media is not None else self._contents(details["sourceUris"])
        with self.store.lock:
            fields = self._load_fields(details, contents)
            lists = bool(details.get("parquetOptions", {}).get("enableListInference"))
            rows = pa.concat_tables([_parquet(content, fields, lists) for content in contents])
            count = self._store(details, fields, "WRITE_APPEND", _selection(columns_of(fields)), rows)
        read = str(sum(len(content) for content in contents))
        statistics = {"outputRows": str(count), "outputBytes": str(rows.nbytes)}
        return Outcome({"load": statistics | {"inputFileBytes": read, "inputFiles": str(len(contents))}})

    def _contents(self, uris: Sequence[str]) -> list[bytes]:
        found: list[bytes] = []
        for uri in uris:
            bucket, _, name = uri.removeprefix("gs://").partition("/")
            names = [key for key in sorted(self.objects) if key[0] == bucket and fnmatch.fnmatchcase(key[1], name)]
            names = names if "*" in name else [(bucket, name)] if (bucket, name) in self.objects else []
            if not names:
                raise Refused(404, "notFound", f"Not found: URI {uri}")
            found += [self.objects[key] for key in names]
        return found

    def _load_fields(self, details: Mapping[str, Any], contents: Sequence[bytes]) -> list[Resource]:
        """The schema that is said, else the table's own, else the file's."""
        if "schema" in details:
            return canonical(details["schema"]["fields"])
        to = details["destinationTable"]
        table = self.tables.tables.get((to["datasetId"], to["tableId"].partition("$")[0]))
        if table is not None and details.get("writeDisposition") != "WRITE_TRUNCATE":
            return list(table["schema"]["fields"])
        schema = pq.read_schema(io.BytesIO(contents[0]))
        return api_fields({field.name: str(arrow_type(field.type)) for field in schema})

    # -- copies

    def copy(self, details: Mapping[str, Any]) -> Outcome:
        """The destination has the source's schema, with descriptions and policy tags, and its layout; its own expiration.

        https://cloud.google.com/bigquery/docs/managing-tables#copy-table
        """
        sources = details.get("sourceTables") or [details["sourceTable"]]
        if len(sources) != 1:
            raise Refused(501, "notImplemented", "the contract server copies one table at a time")
        name, _, partition = sources[0]["tableId"].partition("$")
        with self.store.lock:
            source = self.tables.find((sources[0]["datasetId"], name))
            if source["type"] != "TABLE":
                raise Refused(400, "invalid", f"{name} is a {source['type']}; only tables can be copied")
            columns = ", ".join(identifier(field["name"]) for field in source["schema"]["fields"])
            where = f" WHERE {partition_sql(source)} = {literal(partition)}" if partition else ""
            sql = f"SELECT {columns} FROM {quoted(TableName(sources[0]['datasetId'], name))}{where}"
            layout = {part: source[part] for part in (*LAYOUT, "requirePartitionFilter") if part in source}
            count = self._store({**details, **layout}, source["schema"]["fields"], "WRITE_EMPTY", sql)
        return Outcome({"copy": {"copiedRows": str(count), "copiedLogicalBytes": "0"}})

    # -- queries

    def query(self, details: Mapping[str, Any], plan: Plan) -> Outcome:
        limit = details.get("maximumBytesBilled")
        if limit is not None and int(limit) < plan.billed:
            message = f"Query exceeded limit for bytes billed: {limit}. {plan.billed} or higher required."
            raise Refused(400, "bytesBilledLimitExceeded", message)
        rows: pa.Table | None = None
        with self.store.lock:
            try:
                if "destinationTable" in details:
                    count = self._store(details, api_fields(plan.columns), "WRITE_EMPTY", plan.duckdb_sql)
                else:
                    rows = self.store.read(plan.duckdb_sql)
                    count = rows.num_rows
            except duckdb.Error as error:
                raise Refused(400, "invalidQuery", str(error)) from error
        return Outcome({"outputRows": str(count)}, rows)

    # -- all

    def _store(
        self,
        details: Mapping[str, Any],
        fields: list[Resource],
        default: str,
        sql: str,
        register: pa.Table | None = None,
    ) -> int:
        """Put rows into the destination, by disposition and partition decorator; returns how many."""
        to = details["destinationTable"]
        name, _, partition = to["tableId"].partition("$")
        key: Key = (to["datasetId"], name)
        text = f"{self.tables.project}:{key[0]}.{key[1]}"
        self.tables.get_dataset(key[0])
        table = self._existing(key)
        layout = {part: details[part] for part in LAYOUT if part in details}
        disposition = details.get("writeDisposition", default)
        if table is None and details.get("createDisposition") == "CREATE_NEVER":
            raise Refused(404, "notFound", f"Not found: Table {text}")
        if table is not None:
            self._check_destination(text, table, layout)
            if disposition == "WRITE_EMPTY" and self.tables.count(key, partition)[0]:
                raise Refused(409, "duplicate", f"Already Exists: Table {text}")
        truncates = disposition == "WRITE_TRUNCATE" and not partition
        # WRITE_TRUNCATE_DATA "overwrites the data, but keeps the constraints and schema of the existing table".
        of_rows = "WRITE_TRUNCATE" if disposition == "WRITE_TRUNCATE_DATA" else disposition
        if table is not None and not truncates:
            before, after = type_texts(table["schema"]["fields"]), type_texts(canonical(fields))
            if before.keys() != after.keys() or any(_relaxed(after[n]) != _relaxed(t) for n, t in before.items()):
                raise Refused(400, "invalid", f"Provided Schema does not match Table {text}: {before} is not {after}")
        count = self.store.replace(
            TableName(*key),
            columns_of(fields),
            sql,
            partition=partition or None,
            layout=table or layout,
            disposition=of_rows,
            exists=table is not None,
            register=register,
        )
        self._keep(key, table, fields, details, truncates)
        return count

    def _existing(self, key: Key) -> Resource | None:
        try:
            return self.tables.find(key)
        except Refused:
            return None

    def _check_destination(self, text: str, table: Resource, layout: Mapping[str, Any]) -> None:
        """A job that says another partitioning or clustering than the table's, or none, is refused."""
        if table["type"] == "VIEW":
            raise Refused(400, "invalid", f"{text} is a view; it cannot be a destination")
        for part in LAYOUT:
            if _bare(table.get(part)) != _bare(layout.get(part)):
                message = f"Incompatible table partitioning specification of {text}. Expects {part} {table.get(part)}"
                raise Refused(400, "invalid", f"{message}, but input {part} is {layout.get(part)}")

    def _keep(
        self, key: Key, table: Resource | None, fields: list[Resource], details: Mapping[str, Any], truncates: bool
    ) -> None:
        """WRITE_TRUNCATE takes the new schema and loses what was said of the table, but for its expiration."""
        if table is not None and not truncates:
            self.tables.put(key, table, "TABLE")
            return
        body: Resource = {part: details[part] for part in (*LAYOUT, "requirePartitionFilter") if part in details}
        if table is not None:
            kept = ("expirationTime", "requirePartitionFilter")
            body |= {part: table[part] for part in kept if part in table}
        properties = details.get("destinationTableProperties", {})
        body |= {part: properties[part] for part in ("description", "labels", "expirationTime") if part in properties}
        self.tables.put(key, body | {"schema": {"fields": fields}}, "TABLE")


def _bare(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {key: value for key, value in part.items() if key not in ("expirationMs", "requirePartitionFilter")}


def _relaxed(text: str) -> str:
    return text.replace("REQUIRED", "NULLABLE")


def _selection(columns: Mapping[str, str]) -> str:
    """The registered rows. BigQuery stores no NULL arrays: they are empty."""
    items = [
        f"COALESCE({identifier(name)}, []) AS {identifier(name)}" if type_.startswith("ARRAY") else identifier(name)
        for name, type_ in columns.items()
    ]
    return f"SELECT {', '.join(items)} FROM _rows"


def _parquet(content: bytes, fields: Sequence[Mapping[str, Any]], lists: bool) -> pa.Table:
    """The rows of a file in the types of the fields. Columns that are missing are NULL; others than the fields' refused.

    https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#list_logical_type: without list inference
    a list is a STRUCT with a repeated field `list`.
    """
    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowInvalid, OSError) as error:
        message = f"Error while reading data, error message: Input file is not in Parquet format: {error}"
        raise Refused(400, "invalid", message) from error
    wanted = columns_of(fields)
    if extra := [name for name in table.column_names if name not in wanted]:
        raise Refused(400, "invalid", f"Provided Schema does not match the file: there is no column {extra[0]}")
    columns = []
    for name, type_ in wanted.items():
        target = to_arrow(type_)
        if name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, target))
            continue
        found = arrow_type(table.schema.field(name).type)
        if not loads_as(found, parse(type_)) or (found.element is not None and not lists):
            message = f"Error while reading data, error message: Parquet column '{name}' has type {found}"
            raise Refused(400, "invalid", f"{message} which does not match the target type {type_}")
        columns.append(table[name].cast(target))
    return pa.table(columns, schema=pa.schema([(name, to_arrow(type_)) for name, type_ in wanted.items()]))
