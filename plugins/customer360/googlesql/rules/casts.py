"""CAST and SAFE_CAST. GoogleSQL reads text strictly and rounds away from zero; DuckDB does neither by itself."""

from __future__ import annotations

from sqlglot import exp

from customer360.googlesql import types
from customer360.googlesql.rules.base import (
    argument,
    call,
    cast,
    constant_text,
    is_known,
    known,
    refused,
    rule,
    type_of,
)

_FROM_TEXT = {
    types.INT64: "gsql_safe_int64",
    types.NUMERIC: "gsql_safe_numeric",
    types.FLOAT64: "gsql_safe_float64",
    types.BOOL: "gsql_safe_bool",
    types.DATE: "gsql_safe_date",
    types.TIMESTAMP: "gsql_safe_timestamp",
}
_LITERALS = (types.DATE, types.TIMESTAMP, types.DATETIME, types.NUMERIC, types.STRING, types.JSON)
_PLAIN = {
    (types.INT64, types.NUMERIC),
    (types.INT64, types.FLOAT64),
    (types.INT64, types.BOOL),
    (types.INT64, types.STRING),
    (types.NUMERIC, types.INT64),
    (types.NUMERIC, types.FLOAT64),
    (types.BOOL, types.INT64),
    (types.BOOL, types.STRING),
    (types.DATE, types.STRING),
    (types.DATE, types.DATETIME),
    (types.DATE, types.TIMESTAMP),
    (types.TIMESTAMP, types.DATE),
    (types.TIMESTAMP, types.DATETIME),
    (types.DATETIME, types.DATE),
    (types.DATETIME, types.TIMESTAMP),
}


@rule(exp.Cast, exp.TryCast)
def conversion(node: exp.Cast) -> exp.Expr:
    """One conversion; where both types are the same there is nothing to do."""
    source, target, safe = type_of(node.this), type_of(node), isinstance(node, exp.TryCast)
    if not is_known(target) or node.args.get("format"):
        hint = f"use one of {', '.join(types.SCALARS)}, without parameters or FORMAT"
        raise refused(node, f"CAST to {node.to.sql('bigquery')}.", hint)
    if isinstance(node.this, (exp.Null, exp.Parameter)):
        return cast(node.this, target, safe=safe)
    if constant_text(node.this) is not None and not safe and target in _LITERALS:
        return cast(node.this, target)  # DATE '2024-02-29' and its like, which the parser shows as casts of text
    if target.element is not None or target.fields:
        return _nested(node, source, target)
    source = known(node.this)
    if isinstance(node.this.unnest(), exp.Literal) and target == types.NUMERIC and source != types.STRING:
        return cast(node.this, target)
    if source == target:
        return argument(node)
    if source == types.STRING and target in _FROM_TEXT:
        found = call(_FROM_TEXT[target], node.this)
        return found if safe else call("gsql_required", found, node.this.copy(), target.name)
    if (source, target) == (types.FLOAT64, types.INT64):
        return cast(call("round", node.this), target, safe=safe)
    if (source, target) == (types.FLOAT64, types.NUMERIC):
        return call("gsql_safe_numeric_of" if safe else "gsql_numeric", node.this)
    if (source, target) in _PLAIN:
        return cast(node.this, target, safe=safe)
    if target == types.STRING and source == types.NUMERIC:
        return call("gsql_numeric_text", node.this)
    if target == types.STRING and source in (types.TIMESTAMP, types.DATETIME):
        shown = call("gsql_datetime_text", node.this)
        return (
            shown
            if source == types.DATETIME
            else exp.DPipe(this=shown, expression=exp.Literal.string("+00"), safe=False)
        )
    if (source, target) == (types.STRING, types.BYTES):
        return call("encode", node.this)
    if (source, target) == (types.BYTES, types.STRING) and not safe:
        return call("decode", node.this)
    hint = (
        "CAST to NUMERIC first"
        if (source, target) == (types.FLOAT64, types.STRING)
        else "no rule reads it the same way"
    )
    raise refused(node, f"CAST of {source} to {target}.", hint)


def _nested(node: exp.Cast, source: types.Type, target: types.Type) -> exp.Expr:
    if source == target:
        return argument(node)
    if isinstance(node.this, (exp.Array, exp.Struct, exp.Anonymous)):
        return cast(node.this, target)
    raise refused(node, f"CAST of {source} to {target}.", "build the value with the right types")


@rule(exp.Unhex)
def from_hex(node: exp.Unhex) -> exp.Expr:
    """FROM_HEX."""
    return call("unhex", node.this)


@rule(exp.LowerHex)
def to_hex(node: exp.Func) -> exp.Expr:
    """TO_HEX is lower case; DuckDB's digests are hexadecimal text already."""
    digest = node.this
    if isinstance(digest, exp.Anonymous) and digest.name == "unhex":
        inner: exp.Expr = digest.expressions[0]
        return inner
    return call("lower", call("hex", digest))


@rule(exp.SHA2Digest)
def sha256(node: exp.Func) -> exp.Expr:
    """SHA256 gives BYTES."""
    length = node.args.get("length")
    if length is not None and length.name != "256":
        raise refused(node, f"SHA{length.name}.", "use SHA256")
    return call("unhex", call("sha256", node.this))


@rule(exp.MD5Digest)
def md5(node: exp.MD5Digest) -> exp.Expr:
    """MD5 gives BYTES."""
    return call("unhex", call("md5", node.this))


@rule(exp.MD5)
def md5_hex(node: exp.MD5) -> exp.Expr:
    """TO_HEX(MD5(x)), which the parser reads as one."""
    return call("md5", node.this)
