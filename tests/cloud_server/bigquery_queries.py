"""Queries: what a text reads, what it would cost, whether it may run, and what it is in DuckDB.

The dialect is the project's own (`customer360.googlesql`); what is outside of its allow-list is refused as an invalid
query, with the dialect's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import duckdb
from sqlglot import TokenType, exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.optimizer.scope import traverse_scope

from cloud_server.answers import Refused, Resource
from cloud_server.bigquery_tables import Key, Tables
from cloud_server.store import PAST
from cloud_server.wire import api_fields, columns_of, parameter_literal
from customer360.errors import Customer360Error
from customer360.googlesql.parse import parse_query
from customer360.googlesql.to_duckdb import expression_to_duckdb, to_duckdb
from customer360.project.names import TableName

# "The minimum is 10 MB per table referenced by a query": https://cloud.google.com/bigquery/pricing#on_demand_pricing
_LEAST_BILLED = 10 * 1024 * 1024
_COMPARISONS = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Is)
_Scopes = list[tuple[exp.Select | None, exp.Table]]


@dataclass(frozen=True)
class Plan:
    """A query that compiles: its DuckDB text, its columns (GoogleSQL types), the tables it reads, the bytes of them."""

    duckdb_sql: str
    columns: Mapping[str, str]
    reads: tuple[Key, ...]
    bytes: int

    @property
    def billed(self) -> int:
        return max(self.bytes, _LEAST_BILLED * len(self.reads))


class Queries:
    """Compiles queries against the tables."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def plan(self, details: Mapping[str, Any]) -> Plan:
        """The plan of a JobConfigurationQuery. Raises Refused as Google would. The store's lock must be held."""
        # Legacy SQL is the default of the API, and none of ours.
        if details.get("useLegacySql") is not False:
            raise Refused(400, "invalid", "useLegacySql must be false: the contract server has no legacy SQL")
        try:
            query = parse_query(_bound(details))
            scopes = list(_tables(query))
            for _, table in scopes:
                self._qualify(table, details.get("defaultDataset"))
            self._check_partition_filters(scopes)
            read = self._columns_read(query, [(table.db, table.name) for _, table in scopes])
            schemas = self._schemas(scopes)
            duckdb_sql = to_duckdb(query, schemas=schemas, parameters={})
            columns = self.tables.store.columns(duckdb_sql)
        except (Customer360Error, duckdb.Error) as error:
            raise Refused(400, "invalidQuery", f"{type(error).__name__}: {error}") from error
        return Plan(duckdb_sql, columns, tuple(sorted(read)), sum(read.values()))

    def view(self, view: Mapping[str, Any]) -> tuple[list[Resource], str]:
        """The fields of a view, and its DuckDB text."""
        if view.get("useLegacySql") is not False:
            raise Refused(400, "invalid", "a view's useLegacySql must be false here")
        plan = self.plan({"query": view["query"], "useLegacySql": False})
        return api_fields(plan.columns), plan.duckdb_sql

    def _qualify(self, table: exp.Table, default: Mapping[str, Any] | None) -> None:
        """Take the project off a name, put the default dataset on, and refuse what does not exist."""
        project = self.tables.project
        if table.catalog and table.catalog != project:
            raise Refused(403, "accessDenied", f"Access Denied: Project {table.catalog}: it is not {project}")
        table.set("catalog", None)
        if not table.db:
            if not default:
                message = f'Table "{table.name}" must be qualified with a dataset (e.g. dataset.table).'
                raise Refused(400, "invalidQuery", message)
            table.set("db", exp.to_identifier(default["datasetId"]))
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
        if table.name.startswith("INFORMATION_SCHEMA"):
            raise Refused(501, "notImplemented", "the contract server has no INFORMATION_SCHEMA")
        self.tables.find((table.db, table.name))

    def _schemas(self, scopes: _Scopes) -> dict[str, dict[str, str]]:
        """Column types of what is read; tables as of a time are sent to what they were then."""
        schemas = {}
        for _, table in scopes:
            resource = self.tables.tables[table.db, table.name]
            version = table.args.get("version")
            if version is not None:
                self._travel(table, resource, version)
                relation = f'SELECT * FROM "{table.db}"."{table.name}"'
                schemas[f"{table.db}.{table.name}"] = self.tables.store.columns(relation)
            else:
                schemas[f"{table.db}.{table.name}"] = columns_of(resource["schema"]["fields"])
        return schemas

    def _travel(self, table: exp.Table, resource: Resource, version: exp.Expression) -> None:
        text = version.expression.sql(dialect="bigquery")
        moment = self.tables.store.read(f"SELECT CAST({expression_to_duckdb(text, columns={})} AS TIMESTAMPTZ) AS t")
        at = moment["t"][0].as_py()
        if resource["type"] == "VIEW":
            raise Refused(400, "invalidQuery", f"FOR SYSTEM_TIME AS OF cannot be used with the view {table.name}")
        if at.timestamp() * 1000 < int(resource["creationTime"]):
            name = f"{self.tables.project}:{table.db}.{table.name}"
            message = f"Invalid snapshot time {int(at.timestamp() * 1000)} for Table {name}. Cannot read before {resource['creationTime']}"
            raise Refused(400, "invalidQuery", message)
        name = TableName(table.db, table.name)
        view = self.tables.store.view_of_past(name, at.isoformat())
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
        table.set("version", None)
        table.set("db", exp.to_identifier(PAST))
        table.set("this", exp.to_identifier(view))

    def _columns_read(self, query: exp.Query, names: Sequence[Key]) -> dict[Key, int]:
        """Bytes that are read of each table: of the columns that the query names, of all where it has a star.

        A view is read through to its tables. No partition is left out, so this is an upper bound.
        """
        stars = any(not isinstance(star.parent, exp.Count) for star in query.find_all(exp.Star))
        named = {column.name.lower() for column in query.find_all(exp.Column)}
        found: dict[Key, int] = {}
        for key in dict.fromkeys(names):
            resource = self.tables.tables[key]
            if resource["type"] == "VIEW":
                inner = parse_query(resource["view"]["query"])
                below = [(table.db, table.name) for _, table in _tables(inner)]
                found |= self._columns_read(inner, [name for name in below if name in self.tables.tables])
                continue
            _, sizes = self.tables.count(key)
            found[key] = sum(size for column, size in sizes.items() if stars or column.lower() in named)
        return found

    def _check_partition_filters(self, scopes: _Scopes) -> None:
        """https://cloud.google.com/bigquery/docs/querying-partitioned-tables#require_a_partition_filter_in_queries

        A filter counts in the SELECT that reads the table; Google would also find one further out.
        """
        for select, table in scopes:
            resource = self.tables.tables[table.db, table.name]
            partitioning = resource.get("timePartitioning", {})
            if not (resource.get("requirePartitionFilter") or partitioning.get("requirePartitionFilter")):
                continue
            where = select.args.get("where") if select is not None else None
            conditions = [where.this] if where is not None else []
            conditions += [join.args["on"] for join in (select.args.get("joins") or ()) if join.args.get("on")] if select else []  # fmt: skip
            if not any(_prunes(condition, table, partitioning["field"]) for condition in conditions):
                raise Refused(
                    400,
                    "invalidQuery",
                    f"Cannot query over table '{table.db}.{table.name}' without a filter over column(s)"
                    f" '{partitioning['field']}' that can be used for partition elimination",
                )


def _bound(details: Mapping[str, Any]) -> str:
    """The query with its parameters' values at their places."""
    sql, parameters = details["query"], details.get("queryParameters", [])
    if parameters and details.get("parameterMode", "NAMED" if parameters[0].get("name") else "POSITIONAL") != "NAMED":
        raise Refused(501, "notImplemented", "the contract server has named parameters only")
    literals = {p["name"].lower(): parameter_literal(p["parameterType"], p["parameterValue"]) for p in parameters}
    spans: list[tuple[int, int, str]] = []
    for sign, name in pairwise(BigQuery().tokenize(sql)):
        if sign.token_type != TokenType.PARAMETER:
            continue
        if name.text.lower() not in literals:
            raise Refused(400, "invalidQuery", f"Query parameter '{name.text}' not found at [{name.line}:{name.col}]")
        spans.append((sign.start, name.end + 1, literals[name.text.lower()]))
    for start, end, literal in reversed(spans):
        sql = sql[:start] + literal + sql[end:]
    return str(sql)


def _tables(query: exp.Query) -> Iterator[tuple[exp.Select | None, exp.Table]]:
    """The tables that a query reads, each with the SELECT that reads it; names of CTEs are none."""
    seen: list[exp.Table] = []
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and not any(source is other for other in seen):
                seen.append(source)
                select = source.find_ancestor(exp.Select)
                yield select if isinstance(select, exp.Select) else None, source


def _prunes(condition: exp.Expression, table: exp.Table, column: str) -> bool:
    """Whether a condition compares the partitioning column with what is constant."""
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        return any(_prunes(side, table, column) for side in (condition.left, condition.right))
    if isinstance(condition, exp.Or):
        return all(_prunes(side, table, column) for side in (condition.left, condition.right))
    if not isinstance(condition, _COMPARISONS) or condition.find(exp.Query):
        return False
    columns = list(condition.find_all(exp.Column))
    return bool(columns) and all(
        c.name.lower() == column.lower() and c.table in ("", table.alias_or_name) for c in columns
    )
