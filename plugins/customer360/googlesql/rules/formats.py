"""Dates and times as text, and text as dates and times, in the format elements that both engines have."""

from __future__ import annotations

import re

from sqlglot import exp

from customer360.googlesql import types
from customer360.googlesql.rules.base import argument, call, cast, constant_text, refused, rule

_SHOWN = frozenset("YmdHMSybBaAjFTVGuIp%")
_READ = frozenset("YmdHMSybBT%")


@rule(exp.TimeToStr)
def format_date(node: exp.TimeToStr) -> exp.Expr:
    """FORMAT_DATE and FORMAT_TIMESTAMP, with the elements both engines have."""
    value = node.this
    format_ = _format(node, _SHOWN)
    return call("strftime", value, format_)


@rule(exp.TsOrDsToDate, exp.TsOrDsToTimestamp)
def format_argument(node: exp.Func) -> exp.Expr:
    """What the parser puts around the argument of FORMAT_DATE and FORMAT_TIMESTAMP."""
    return argument(node)


@rule(exp.SafeFunc)
def safe(node: exp.SafeFunc) -> exp.Expr:
    """SAFE.PARSE_DATE, SAFE.PARSE_TIMESTAMP and SAFE.PARSE_JSON; the rule of the function has seen the prefix."""
    return argument(node)


@rule(exp.StrToDate)
def parse_date(node: exp.StrToDate) -> exp.Expr:
    """PARSE_DATE; under SAFE. what does not fit is NULL."""
    safe = isinstance(node.parent, exp.SafeFunc)
    return cast(call("try_strptime" if safe else "strptime", node.this, _format(node, _READ)), types.DATE)


@rule(exp.StrToTime)
def parse_timestamp(node: exp.StrToTime) -> exp.Expr:
    """PARSE_TIMESTAMP; under SAFE. what does not fit is NULL."""
    safe = isinstance(node.parent, exp.SafeFunc)
    return cast(call("try_strptime" if safe else "strptime", node.this, _format(node, _READ)), types.TIMESTAMP)


def _format(node: exp.Expr, allowed: frozenset[str]) -> str:
    format_ = constant_text(node.args.get("format"))
    if format_ is None:
        raise refused(node, "A format that is no literal.", "write the format as text")
    elements = set(re.findall("%(.?)", format_, re.DOTALL))
    if unknown := elements - allowed:
        raise refused(node, f"The format element %{min(unknown)}.", f"use {' '.join(f'%{e}' for e in sorted(allowed))}")
    return format_.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
