"""JSON. Paths are literals that both engines read alike: $.name, $."a name", $[0]."""

from __future__ import annotations

import re

from sqlglot import exp

from customer360.googlesql import types
from customer360.googlesql.rules.base import call, cast, constant_text, known, refused, rule, text

_PATH = re.compile(r'\$(\.[A-Za-z_]\w*|\."[^"]*"|\[\d+\])*')


@rule(exp.JSONExtractScalar)
def json_value(node: exp.JSONExtractScalar) -> exp.Expr:
    """JSON_VALUE: a scalar as text; NULL for objects, arrays and text that is no JSON."""
    return call("gsql_json_value", node.this, _path(node))


@rule(exp.JSONExtract)
def json_query(node: exp.JSONExtract) -> exp.Expr:
    """JSON_QUERY: a part of a document, JSON if the document is, else text."""
    found = call("gsql_json_query", node.this, _path(node))
    return found if known(node.this) == types.JSON else cast(found, types.STRING)


@rule(exp.JSONValueArray)
def json_value_array(node: exp.JSONValueArray) -> exp.Expr:
    """JSON_VALUE_ARRAY: scalars as texts; NULL for what is no array of scalars."""
    return call("gsql_json_value_array", node.this, _path(node))


@rule(exp.ParseJSON)
def parse_json(node: exp.ParseJSON) -> exp.Expr:
    """PARSE_JSON; under SAFE. what is no JSON is NULL. DuckDB keeps a number's digits, so nothing is ever rounded."""
    mode = node.expression
    if isinstance(mode, exp.Kwarg):
        name, value = mode.this.name.lower(), constant_text(mode.expression)
        if (name, value) != ("wide_number_mode", "round"):
            raise refused(node, f"{text(mode)} in PARSE_JSON.", "write wide_number_mode => 'round', or nothing")
    return call("gsql_safe_json", node.this) if isinstance(node.parent, exp.SafeFunc) else cast(node.this, types.JSON)


@rule(exp.Kwarg)
def named_argument(node: exp.Kwarg) -> exp.Expr:
    """An argument by name, read by the rule of the function that has one."""
    return node


def _path(node: exp.Expr) -> str:
    path = node.expression
    written = constant_text(path) if path is not None else "$"
    if written is None and isinstance(path, exp.JSONPath):
        written = path.sql("duckdb").strip("'")
    if written is None or not _PATH.fullmatch(written):
        raise refused(node, "A JSON path that is no plain literal.", "write it as '$.name.name[0]'")
    return written


@rule(exp.JSONPath)
def json_path(node: exp.JSONPath) -> exp.Expr:
    """A path, read by the rule of the function that holds it."""
    return node
