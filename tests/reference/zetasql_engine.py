"""GoogleSQL as Google runs it: the analyzer and the reference implementation, over rows given in Python."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from google.protobuf import empty_pb2
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options
from zetasql.wasi._pb2.zetasql.public import type_pb2

from customer360.googlesql import types
from customer360.googlesql.rename import rename_tables
from customer360.googlesql.types import Type
from reference.canonical import Row, canonical
from reference.literals import literal, rows_as_query
from reference.zetasql_client import ServerError, client

Tables = Mapping[str, tuple[Mapping[str, str], Iterable[Mapping[str, Any]]]]
Parameters = Mapping[str, tuple[str, Any]]

_NONE: Mapping[str, Any] = MappingProxyType({})
_KINDS = {"DOUBLE": "FLOAT64"}
_KIND_OF = {name: type_pb2.TypeKind.Value(f"TYPE_{ {'FLOAT64': 'DOUBLE'}.get(name, name) }") for name in types.SCALARS}


def analyze(
    sql: str, *, schemas: Mapping[str, Mapping[str, str]], parameters: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Name and type of each column of a query over these tables; ServerError says what is wrong and at which line."""
    frozen = tuple((name, tuple(columns.items())) for name, columns in schemas.items())
    return list(_analyzed(sql, frozen, tuple(parameters.items())))


@functools.lru_cache(maxsize=64)
def _analyzed(
    sql: str, schemas: tuple[tuple[str, tuple[tuple[str, str], ...]], ...], parameters: tuple[tuple[str, str], ...]
) -> list[tuple[str, str]]:
    catalog = _catalog({name: dict(columns) for name, columns in schemas})
    request = service.PrepareQueryRequest(sql=sql, simple_catalog=catalog, options=_options(dict(parameters)))
    return _prepared(request)[1]


def resolve(sql: str, *, schemas: Mapping[str, Mapping[str, str]], parameters: Mapping[str, str]) -> Any:
    """The analyzer's resolved tree of a query, a ResolvedQueryStmtProto."""
    request = service.AnalyzeRequest(sql_statement=sql, simple_catalog=_catalog(schemas), options=_options(parameters))
    answer = client().call("Analyze", request, service.AnalyzeResponse)
    return answer.resolved_statement.resolved_query_stmt_node


def execute(sql: str, *, tables: Tables, parameters: Parameters) -> list[Row]:
    """The rows of a query, canonical. `tables` maps dataset.table to (schema, rows); `parameters` a name to (type, value)."""
    return run(sql, tables=tables, parameters=parameters)[1]


def run(sql: str, *, tables: Tables, parameters: Parameters) -> tuple[list[tuple[str, str]], list[Row]]:
    """Columns as `analyze` gives them, and rows as `execute` gives them."""
    schemas = {name: schema for name, (schema, _) in tables.items()}
    columns = analyze(sql, schemas=schemas, parameters={name: type_ for name, (type_, _) in parameters.items()})
    row_type = types.struct(tuple((name, types.parse(type_)) for name, type_ in columns))
    ctes = (f"{flat_name(name)} AS ({rows_as_query(schema, rows)})" for name, (schema, rows) in tables.items())
    given = ", ".join(ctes)
    body = over_flat_names(sql, tuple(tables))
    text = f"{f'WITH {given} ' if given else ''}SELECT TO_JSON_STRING(t) FROM ({body}\n) AS t"
    answer = evaluate(text, parameters)
    return columns, [decode(row.cell[0].string_value, row_type) for row in answer.content.table_data.row]


def evaluate(
    sql: str,
    parameters: Parameters = _NONE,
    *,
    schemas: Mapping[str, Mapping[str, str]] = _NONE,
    contents: Mapping[str, service.TableContent] = _NONE,
) -> service.EvaluateQueryResponse:
    """The engine's own answer to a query. `schemas` and `contents` are its tables: those with rows have no dataset."""
    request = service.EvaluateQueryRequest(
        sql=sql, options=_options({name: type_ for name, (type_, _) in parameters.items()})
    )
    if schemas:
        request.simple_catalog.CopyFrom(_catalog(schemas))
    else:
        request.registered_catalog_id = _builtins()
    for name, content in contents.items():
        request.table_content[name].CopyFrom(content)
    for name, (type_, value) in parameters.items():
        request.params.add(name=name, value=_constant(literal(value, types.parse(type_))))
    return client().call("EvaluateQuery", request, service.EvaluateQueryResponse)


class _Object(list[tuple[str, Any]]):
    """A JSON object with its order and its repeated names: a STRUCT may have them."""


def decode(text: str, row_type: Type) -> Row:
    """A row that TO_JSON_STRING wrote, canonical."""
    row = json.loads(text, object_pairs_hook=_Object, parse_float=Decimal)
    return canonical(_positional(row, row_type), row_type)


def _positional(value: Any, type_: Type) -> Any:
    if value is None:
        return None
    if type_.element is not None:
        return [_positional(item, type_.element) for item in value]
    if type_.name == "STRUCT":
        return [_positional(item, field) for (_, item), (_, field) in zip(value, type_.fields, strict=True)]
    return json.dumps(_plain(value)) if type_.name == "JSON" else value


def _plain(value: Any) -> Any:
    if isinstance(value, _Object):
        return {name: _plain(item) for name, item in value}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


@functools.lru_cache(maxsize=64)
def over_flat_names(sql: str, tables: tuple[str, ...]) -> str:
    """The query with `dataset.table` read as one name, that of a CTE or of a table with rows."""
    return rename_tables(sql.strip().removesuffix(";"), {name: flat_name(name) for name in tables})


def flat_name(table: str) -> str:
    """`dataset.table` as one name."""
    return "given__" + table.replace(".", "__")


@functools.cache
def _language() -> options_pb2.LanguageOptionsProto:
    request = service.LanguageOptionsRequest(maximum_features=True)
    language = client().call("GetLanguageOptions", request, options_pb2.LanguageOptionsProto)
    language.product_mode = public_options.PRODUCT_EXTERNAL  # internal names of types, INT32 and FLOAT, are refused
    language.reserved_keywords.append("QUALIFY")
    return language


@functools.cache
def _builtins() -> int:
    """The id of a catalog that has the functions and nothing else, registered once."""
    request = service.RegisterCatalogRequest(simple_catalog=_catalog({}))
    return client().call("RegisterCatalog", request, service.RegisterResponse).registered_id


def _catalog(schemas: Mapping[str, Mapping[str, str]]) -> simple_catalog_pb2.SimpleCatalogProto:
    """The functions, and these tables: `dataset.table`, or `table` for one without a dataset."""
    catalog = simple_catalog_pb2.SimpleCatalogProto(name="warehouse")
    catalog.builtin_function_options.language_options.CopyFrom(_language())
    datasets: dict[str, Any] = {"": catalog}
    for name, columns in schemas.items():
        dataset, _, table = name.rpartition(".")
        if dataset not in datasets:
            datasets[dataset] = catalog.catalog.add(name=dataset)
        added = datasets[dataset].table.add(name=table)
        for column, type_text in columns.items():
            added.column.add(name=column, type=_proto(types.parse(type_text)))
    return catalog


def _options(parameters: Mapping[str, str]) -> options_pb2.AnalyzerOptionsProto:
    options = options_pb2.AnalyzerOptionsProto(
        default_timezone="UTC", error_message_mode=public_options.ERROR_MESSAGE_ONE_LINE
    )
    options.language_options.CopyFrom(_language())
    for name, type_text in parameters.items():
        options.query_parameters.add(name=name, type=_proto(types.parse(type_text)))
    return options


def _prepared(request: service.PrepareQueryRequest) -> tuple[int, list[tuple[str, str]]]:
    state = client().call("PrepareQuery", request, service.PrepareQueryResponse).prepared
    try:
        return state.prepared_query_id, columns_of(state)
    finally:
        unprepare = service.UnprepareQueryRequest(prepared_query_id=state.prepared_query_id)
        client().call("UnprepareQuery", unprepare, empty_pb2.Empty)


def columns_of(state: service.PreparedQueryState) -> list[tuple[str, str]]:
    """(name, GoogleSQL type) of each column of a query that was analysed."""
    return [(column.name, str(_type(column.type))) for column in state.columns]


@functools.lru_cache(maxsize=1024)
def _constant(text: str) -> Any:
    """A constant as the engine itself encodes it: so no encoding of ours can be wrong."""
    return evaluate(f"SELECT {text}").content.table_data.row[0].cell[0]


def _proto(type_: Type) -> type_pb2.TypeProto:
    if type_.element is not None:
        proto = type_pb2.TypeProto(type_kind=type_pb2.TYPE_ARRAY)
        proto.array_type.element_type.CopyFrom(_proto(type_.element))
        return proto
    if type_.name == "STRUCT":
        proto = type_pb2.TypeProto(type_kind=type_pb2.TYPE_STRUCT)
        proto.struct_type.SetInParent()
        for name, field in type_.fields:
            proto.struct_type.field.add(field_name=name, field_type=_proto(field))
        return proto
    return type_pb2.TypeProto(type_kind=_KIND_OF[type_.name])


def _type(proto: type_pb2.TypeProto) -> Type:
    kind = type_pb2.TypeKind.Name(proto.type_kind).removeprefix("TYPE_")
    if kind == "ARRAY":
        return types.array(_type(proto.array_type.element_type))
    if kind == "STRUCT":
        return types.struct(tuple((field.field_name, _type(field.field_type)) for field in proto.struct_type.field))
    return types.parse(_KINDS.get(kind, kind))


def line_of(error: ServerError) -> int | None:
    """The line an error of the analyzer points at."""
    match = re.search(r"\[at (\d+):\d+\]", str(error))
    return int(match[1]) if match else None
