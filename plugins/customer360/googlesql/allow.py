"""The allow-list: which constructs of GoogleSQL a model may use. It grows by a rule and its golden test together."""

from __future__ import annotations

from pathlib import Path

from sqlglot import exp

from customer360.errors import UnsupportedSqlError
from customer360.googlesql.parse import line_of, references
from customer360.googlesql.rules import RULES
from customer360.googlesql.rules.base import text

# Written alike in both engines, so no rule is needed; each has its golden test all the same.
PLAIN: frozenset[type[exp.Expr]] = frozenset(
    {
        *(exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered),
        *(exp.Limit, exp.Offset, exp.Subquery, exp.With, exp.CTE, exp.Union, exp.Except, exp.Intersect, exp.Distinct),
        *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.Between, exp.Exists),
        *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.Neg, exp.Case, exp.If, exp.Coalesce, exp.Nullif),
        *(exp.Unnest, exp.Parameter, exp.WindowSpec, exp.Interval),
        *(exp.Star, exp.Null, exp.Boolean),
    }
)
# Parts of speech, which never stand alone.
PARTS: frozenset[type[exp.Expr]] = frozenset(
    {
        *(
            exp.Alias,
            exp.TableAlias,
            exp.Table,
            exp.Column,
            exp.Identifier,
            exp.Paren,
            exp.Var,
            exp.DataType,
            exp.ColumnDef,
        ),
        *(exp.PropertyEQ, exp.WeekStart, exp.HavingMax),
    }
)
ALLOWED: frozenset[type[exp.Expr]] = frozenset(RULES) | PLAIN | PARTS

_CLOCK = "a run has no clock: use @run_date"
_HINTS = {
    "CURRENT_DATE": _CLOCK,
    "CURRENT_TIMESTAMP": _CLOCK,
    "CURRENT_DATETIME": _CLOCK,
    "CURRENT_TIME": _CLOCK,
    "RAND": "the same rows must give the same answer: derive it with TO_HEX(SHA256(…))",
    "GENERATE_UUID": "the same rows must give the same answer: derive it with TO_HEX(SHA256(…))",
    "UUID": "the same rows must give the same answer: derive it with TO_HEX(SHA256(…))",
    "SESSION_USER": "the same rows must give the same answer for everyone",
    "MAX_BY": "use ANY_VALUE(x HAVING MAX y)",
    "ARG_MAX": "use ANY_VALUE(x HAVING MAX y)",
    "MIN_BY": "use ANY_VALUE(x HAVING MIN y)",
    "ARG_MIN": "use ANY_VALUE(x HAVING MIN y)",
    "APPROX_QUANTILES": "use an exact rank with ROW_NUMBER",
    "APPROX_COUNT_DISTINCT": "use COUNT(DISTINCT …)",
    "APPROX_DISTINCT": "use COUNT(DISTINCT …)",
    "FARM_FINGERPRINT": "use TO_HEX(SHA256(…))",
    "INITCAP": "show names as they were given",
    "TABLE_SAMPLE": "the same rows must give the same answer",
    "PIVOT": "use one SUM(IF(…)) per column",
    "LATERAL": "use CROSS JOIN UNNEST(…)",
    "DATETIME": "all times are TIMESTAMPs in UTC",
    "FORMAT": "use CONCAT and CAST(… AS STRING)",
    "BIT_STRING": "write text or FROM_HEX('…')",
    "BYTE_STRING": "write FROM_HEX('…')",
}
_HINT = "the allow-list grows by a rule and its golden test together"


def check(query: exp.Expr, *, path: Path | None = None) -> None:
    """Raise UnsupportedSqlError for the first construct that is not on the list, with its line and what to write."""
    if isinstance(query, exp.Query):
        references(query, path=path)
    # A JSON path is one constant, whatever the parser makes of it.
    for node in query.walk(prune=lambda node: isinstance(node, exp.JSONPath)):
        if type(node) not in ALLOWED:
            name = construct(node)
            hint = _HINTS.get(name.upper().replace(" ", "_"), _HINT)
            raise UnsupportedSqlError(f"{name} is not on the allow-list.", path=path, line=line_of(node), hint=hint)
        problem = _misuse(node)
        if problem:
            message, hint = problem
            raise UnsupportedSqlError(message, path=path, line=line_of(node), hint=hint)


def construct(node: exp.Expr) -> str:
    """What a person calls a node."""
    if isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc)):
        return node.name.upper()
    return node.sql_name() if isinstance(node, exp.Func) else type(node).__name__


def _misuse(node: exp.Expr) -> tuple[str, str] | None:
    if isinstance(node, (exp.Except, exp.Intersect)) and node.args.get("distinct") is False:
        return f"{node.key.upper()} ALL is not on the allow-list.", "write DISTINCT"
    if isinstance(node, exp.SafeFunc) and not isinstance(node.this, (exp.StrToDate, exp.StrToTime, exp.ParseJSON)):
        return f"SAFE. before {construct(node.this)} is not on the allow-list.", "use SAFE_CAST, SAFE_DIVIDE or IF"
    if isinstance(node, exp.Kwarg) and not isinstance(node.parent, exp.ParseJSON):
        return f"An argument by name, {text(node)}, is not on the allow-list.", "write the arguments in their order"
    if isinstance(node, exp.With) and node.args.get("recursive"):
        return "WITH RECURSIVE is not on the allow-list.", "run rounds of one query instead"
    if isinstance(node, exp.Table) and any(node.args.get(name) for name in ("pivots", "version", "when", "sample")):
        return f"{text(node)} is more than a table.", "read the table as it is"
    if isinstance(node, exp.Select) and node.args.get("kind") == "VALUE":
        return "SELECT AS VALUE is not on the allow-list.", "select the column"
    if isinstance(node, exp.Select) and node.args.get("kind") == "STRUCT" and not isinstance(node.parent, exp.Array):
        return "SELECT AS STRUCT outside ARRAY(…) is not on the allow-list.", "select STRUCT(… AS …)"
    return None
