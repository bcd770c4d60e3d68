"""Dates and times. All TIMESTAMPs are instants shown in UTC."""

from __future__ import annotations

from sqlglot import exp

from customer360.googlesql import types
from customer360.googlesql.rules.base import (
    call,
    cast,
    cast_to,
    constant_int,
    constant_text,
    known,
    paren,
    refused,
    rule,
)

_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
_MICROSECONDS = {
    "MICROSECOND": 1,
    "MILLISECOND": 1_000,
    "SECOND": 1_000_000,
    "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_FIELDS = {
    "YEAR": "year",
    "QUARTER": "quarter",
    "MONTH": "month",
    "DAY": "day",
    "DAYOFYEAR": "dayofyear",
    "ISOYEAR": "isoyear",
    "ISOWEEK": "week",
    "HOUR": "hour",
    "MINUTE": "minute",
    "SECOND": "second",
}


def unit_of(node: exp.Expr) -> str:
    """The date part named, in one spelling: WEEK is WEEK(SUNDAY), ISOWEEK is WEEK(MONDAY)."""
    unit = node.args.get("unit")
    if isinstance(unit, exp.WeekStart):
        return f"WEEK({unit.this.name.upper()})"
    name = unit.name.upper() if unit is not None else "DAY"
    return {"WEEK": "WEEK(SUNDAY)", "ISOWEEK": "WEEK(MONDAY)"}.get(name, name)


def _refuse_unit(node: exp.Expr, unit: str) -> Exception:
    return refused(node, f"{node.key.upper()} by {unit}.", "use a part that both engines have, such as DAY or MONTH")


def _week_start(unit: str) -> int | None:
    """Days from Sunday to the first day of the week that the unit names."""
    day = unit[5:-1] if unit.startswith("WEEK(") else ""
    return _DAYS.index(day) if day in _DAYS else None


@rule(exp.Extract)
def extract(node: exp.Extract) -> exp.Expr:
    """EXTRACT(part FROM x); DAYOFWEEK is 1 on Sunday."""
    part, value = node.this.name.upper(), node.expression
    if isinstance(node.this, exp.WeekStart):
        part = f"WEEK({node.this.this.name.upper()})"
    if known(value).name not in ("DATE", "TIMESTAMP", "DATETIME"):
        raise refused(node, f"EXTRACT FROM {known(value)}.", "EXTRACT needs a DATE, TIMESTAMP or DATETIME")
    if part == "DATE":
        return cast(value, types.DATE)
    if part == "DAYOFWEEK":
        return exp.Paren(this=exp.Add(this=call("dayofweek", value), expression=exp.Literal.number(1)))
    if part == "WEEK":
        return cast(call("strftime", value, "%U"), types.INT64)
    if part in ("MILLISECOND", "MICROSECOND"):
        name, modulus = part.lower(), 1_000 if part == "MILLISECOND" else 1_000_000
        return exp.Paren(this=exp.Mod(this=call(name, value), expression=exp.Literal.number(modulus)))
    if part not in _FIELDS:
        raise refused(
            node, f"EXTRACT({part} FROM …).", f"use one of {', '.join((*_FIELDS, 'DAYOFWEEK', 'WEEK', 'DATE'))}"
        )
    return call(_FIELDS[part], value)


@rule(exp.Date)
def date(node: exp.Date) -> exp.Expr:
    """DATE(timestamp), DATE(datetime) and DATE(year, month, day)."""
    if node.expressions:
        parts = [node.this, *node.expressions] if node.this is not None else node.expressions
        return call("make_date", *parts)
    if node.args.get("zone") is not None:
        raise refused(node, "DATE with a time zone.", "all times are UTC; leave the zone out")
    if known(node.this) == types.TIMESTAMP:
        return call("gsql_day", node.this)
    return cast(node.this, types.DATE) if known(node.this) != types.DATE else node.this


@rule(exp.DateFromParts)
def date_from_parts(node: exp.DateFromParts) -> exp.Expr:
    """DATE(year, month, day)."""
    return call("make_date", node.args["year"], node.args["month"], node.args["day"])


@rule(exp.Timestamp)
def timestamp(node: exp.Timestamp) -> exp.Expr:
    """TIMESTAMP(date) and TIMESTAMP(datetime); text is cast."""
    if node.args.get("zone") is not None or (known(node.this) == types.STRING and constant_text(node.this) is None):
        raise refused(node, "TIMESTAMP of text or with a zone.", "use CAST(… AS TIMESTAMP)")
    return cast(node.this, types.TIMESTAMP) if known(node.this) != types.TIMESTAMP else node.this


@rule(exp.DateTrunc, exp.TimestampTrunc)
def truncate(node: exp.Func) -> exp.Expr:
    """DATE_TRUNC and TIMESTAMP_TRUNC keep the type; DuckDB makes a TIMESTAMP of a DATE."""
    unit, value, type_ = unit_of(node), node.this, known(node.this)
    if node.args.get("zone") is not None:
        raise refused(node, f"{node.key.upper()} with a time zone.", "all times are UTC; leave the zone out")
    start = _week_start(unit)
    if start is not None:
        first = _first_of_week(value, start)
        return first if type_ == types.DATE else cast(first, type_)
    sub_day = unit in _MICROSECONDS and unit != "DAY"
    if unit not in (*_MONTHS, *_MICROSECONDS, "ISOYEAR") or (sub_day and type_ == types.DATE):
        raise _refuse_unit(node, unit)
    return cast(call("date_trunc", unit.lower(), value), type_)


def _first_of_week(value: exp.Expr, start: int) -> exp.Expr:
    """The day that begins a date's week: shifted so that DuckDB's week, which begins on Monday, begins where asked."""
    shift = (8 - start) % 7
    day = _as_date(value)
    if not shift:
        return cast(call("date_trunc", "week", day), types.DATE)
    later = exp.Add(this=paren(day), expression=exp.Literal.number(shift))
    monday = cast(call("date_trunc", "week", later), types.DATE)
    return exp.Paren(this=exp.Sub(this=monday, expression=exp.Literal.number(shift)))


@rule(exp.DateAdd, exp.DateSub)
def date_add(node: exp.Func) -> exp.Expr:
    """DATE_ADD and DATE_SUB: a month added to the 31st ends on the month's last day, in both."""
    if known(node.this) != types.DATE:
        raise refused(node, f"DATE_ADD to {known(node.this)}.", "use TIMESTAMP_ADD, or CAST(… AS DATE) first")
    unit, amount = unit_of(node), _amount(node)
    subtract = isinstance(node, exp.DateSub)
    if unit in _MONTHS:
        moved = call("to_months", cast_to(_times(amount, _MONTHS[unit]), "INTEGER"))
        return cast(_plus(node.this, moved, subtract=subtract), types.DATE)
    if unit not in ("DAY", "WEEK(SUNDAY)"):
        raise _refuse_unit(node, unit)
    days = _times(amount, 1 if unit == "DAY" else 7)
    if constant_int(days) is None:
        days = cast_to(days, "INTEGER")
    return exp.Paren(this=_plus(node.this, days, subtract=subtract))


@rule(exp.TimestampAdd, exp.TimestampSub)
def timestamp_add(node: exp.Func) -> exp.Expr:
    """TIMESTAMP_ADD and TIMESTAMP_SUB: exact spans only, a day is 24 hours."""
    unit = unit_of(node)
    if unit not in _MICROSECONDS or known(node.this) != types.TIMESTAMP:
        raise _refuse_unit(node, unit)
    span = call("to_microseconds", _times(cast(_amount(node), types.INT64), _MICROSECONDS[unit]))
    return exp.Paren(this=_plus(node.this, span, subtract=isinstance(node, exp.TimestampSub)))


def _amount(node: exp.Expr) -> exp.Expr:
    amount = node.expression
    if isinstance(amount, exp.Interval):
        amount = amount.this
    number = constant_int(amount)
    return exp.Literal.number(number) if number is not None and number >= 0 else paren(amount)


def _times(amount: exp.Expr, factor: int) -> exp.Expr:
    if factor == 1:
        return amount
    number = constant_int(amount)
    if number is not None:
        return exp.Literal.number(number * factor)
    return exp.Mul(this=paren(amount), expression=exp.Literal.number(factor))


def _plus(left: exp.Expr, right: exp.Expr, *, subtract: bool) -> exp.Expr:
    return (exp.Sub if subtract else exp.Add)(this=paren(left), expression=paren(right))


@rule(exp.DateDiff)
def date_diff(node: exp.DateDiff) -> exp.Expr:
    """DATE_DIFF counts the boundaries between two dates; DuckDB's week begins on Monday."""
    later, earlier = node.this, node.expression
    for side in (later, earlier):
        if known(side) != types.DATE and constant_text(side) is None:
            raise refused(node, f"DATE_DIFF of {known(side)}.", "use TIMESTAMP_DIFF, or CAST(… AS DATE) first")
    unit = unit_of(node)
    start = _week_start(unit)
    if unit == "DAY":
        return exp.Paren(this=exp.Sub(this=paren(_as_date(later)), expression=paren(_as_date(earlier))))
    if unit == "ISOYEAR":
        return exp.Paren(this=exp.Sub(this=call("isoyear", later), expression=call("isoyear", earlier)))
    if start is not None:
        first_days = [_first_of_week(side, start) for side in (later, earlier)]
        apart = exp.Paren(this=exp.Sub(this=first_days[0], expression=first_days[1]))
        return exp.Paren(this=exp.IntDiv(this=apart, expression=exp.Literal.number(7)))
    if unit not in _MONTHS:
        raise _refuse_unit(node, unit)
    return call("date_diff", unit.lower(), earlier, later)


def _as_date(node: exp.Expr) -> exp.Expr:
    return node if known(node) == types.DATE else cast(node, types.DATE)


@rule(exp.TimestampDiff)
def timestamp_diff(node: exp.TimestampDiff) -> exp.Expr:
    """TIMESTAMP_DIFF counts whole units; DuckDB's date_diff would count boundaries."""
    unit = unit_of(node)
    if unit not in _MICROSECONDS or known(node.this) != types.TIMESTAMP or known(node.expression) != types.TIMESTAMP:
        raise _refuse_unit(node, unit)
    span = exp.Sub(this=call("epoch_us", node.this), expression=call("epoch_us", node.expression))
    if unit == "MICROSECOND":
        return exp.Paren(this=span)
    return exp.Paren(this=exp.IntDiv(this=exp.Paren(this=span), expression=exp.Literal.number(_MICROSECONDS[unit])))


@rule(exp.LastDay)
def last_day(node: exp.LastDay) -> exp.Expr:
    """LAST_DAY(date [, MONTH | QUARTER | YEAR])."""
    unit = unit_of(node) if node.args.get("unit") is not None else "MONTH"
    if unit == "MONTH":
        return call("last_day", node.this)
    if unit not in _MONTHS:
        raise _refuse_unit(node, unit)
    following = exp.Add(this=call("date_trunc", unit.lower(), node.this), expression=call("to_months", _MONTHS[unit]))
    return exp.Paren(this=exp.Sub(this=cast(following, types.DATE), expression=exp.Literal.number(1)))


@rule(exp.GenerateDateArray)
def generate_date_array(node: exp.GenerateDateArray) -> exp.Expr:
    """GENERATE_DATE_ARRAY(first, last [, INTERVAL n unit])."""
    step = node.args.get("step")
    span = call("to_days", 1)
    if isinstance(step, exp.Interval):
        unit = unit_of(step)
        amount = _amount(exp.DateAdd(this=exp.Null(), expression=step.this.copy()))
        if unit in _MONTHS:
            span = call("to_months", cast_to(_times(amount, _MONTHS[unit]), "INTEGER"))
        elif unit in ("DAY", "WEEK(SUNDAY)"):
            span = call("to_days", cast_to(_times(amount, 1 if unit == "DAY" else 7), "INTEGER"))
        else:
            raise _refuse_unit(node, unit)
    series = call("generate_series", _as_date(node.args["start"]), _as_date(node.args["end"]), span)
    return cast(series, types.array(types.DATE))


@rule(exp.UnixSeconds, exp.UnixMillis, exp.UnixMicros, exp.UnixDate)
def to_unix(node: exp.Func) -> exp.Expr:
    """UNIX_SECONDS and its like, rounded down."""
    if isinstance(node, exp.UnixDate):
        return exp.Paren(
            this=exp.Sub(this=paren(node.this), expression=cast(exp.Literal.string("1970-01-01"), types.DATE))
        )
    micros = call("epoch_us", node.this)
    factor = {exp.UnixSeconds: 1_000_000, exp.UnixMillis: 1_000}.get(type(node))
    if factor is None:
        return micros
    below = exp.Mod(
        this=exp.Paren(
            this=exp.Add(
                this=exp.Paren(this=exp.Mod(this=micros.copy(), expression=exp.Literal.number(factor))),
                expression=exp.Literal.number(factor),
            )
        ),
        expression=exp.Literal.number(factor),
    )
    whole = exp.Paren(this=exp.Sub(this=micros, expression=exp.Paren(this=below)))
    return exp.Paren(this=exp.IntDiv(this=whole, expression=exp.Literal.number(factor)))
