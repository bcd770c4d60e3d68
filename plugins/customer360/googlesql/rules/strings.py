"""Text. Both engines count code points and use RE2; they differ in NULLs, white space and what no match gives."""

from __future__ import annotations

import re

from sqlglot import exp

from customer360.googlesql import types
from customer360.googlesql.rules.base import call, case, constant_int, constant_text, known, paren, refused, rule

_SAME = {
    exp.Lower: "lower",
    exp.StartsWith: "starts_with",
    exp.EndsWith: "ends_with",
    exp.Reverse: "reverse",
    exp.Replace: "replace",
}


# What matters in a pattern: escapes and classes (skipped), brackets with what may make them optional, alternatives.
_TOKENS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|\(\?P<|\(\?[a-zA-Z-]*:|\(\?[a-zA-Z-]+\)|\(|\)(?:[?*]|\{0)?|\|")


@rule(*_SAME)
def same(node: exp.Func) -> exp.Expr:
    """Functions that both engines have."""
    names = ("this", "expression", "replacement")
    return call(_SAME[type(node)], *(node.args[name] for name in names if node.args.get(name) is not None))


@rule(exp.Upper)
def upper(node: exp.Upper) -> exp.Expr:
    """UPPER: ß becomes SS."""
    return call("gsql_upper", node.this)


@rule(exp.Length)
def length(node: exp.Length) -> exp.Expr:
    """LENGTH of STRING in characters, of BYTES in bytes."""
    return call("octet_length" if known(node.this) == types.BYTES else "length", node.this)


@rule(exp.Trim)
def trim(node: exp.Trim) -> exp.Expr:
    """TRIM, LTRIM and RTRIM: white space is more than the space."""
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
    if node.expression is not None:
        return call(name, node.this, node.expression)
    return call(f"gsql_{name}", node.this)


@rule(exp.Substring)
def substring(node: exp.Substring) -> exp.Expr:
    """SUBSTR: position 0 is the first character, a position before the text is its start."""
    start, count = node.args["start"], node.args.get("length")
    if (constant_int(start) or 0) < 1:
        start = call("gsql_from", node.this.copy(), start)
    return call("substring", *(argument for argument in (node.this, start, count) if argument is not None))


@rule(exp.Left, exp.Right)
def left(node: exp.Func) -> exp.Expr:
    """LEFT and RIGHT by a literal length."""
    if (constant_int(node.expression) or -1) < 0:
        raise refused(node, f"{node.key.upper()} by other than a positive literal.", "use SUBSTR")
    return call(node.key.lower(), node.this, node.expression)


@rule(exp.StrPosition)
def strpos(node: exp.StrPosition) -> exp.Expr:
    """STRPOS, and INSTR with two arguments."""
    if node.args.get("position") or node.args.get("occurrence"):
        raise refused(node, "INSTR with a position or an occurrence.", "use STRPOS, or REGEXP_EXTRACT")
    return call("strpos", node.this, node.args["substr"])


@rule(exp.Pad)
def pad(node: exp.Pad) -> exp.Expr:
    """LPAD and RPAD."""
    fill = node.args.get("fill_pattern") or exp.Literal.string(" ")
    size = constant_int(node.expression)
    if size is None:
        raise refused(node, "LPAD to a length that is no literal.", "write the length")
    return call("lpad" if node.args.get("is_left") else "rpad", node.this, size, fill)


@rule(exp.Concat)
def concat(node: exp.Concat) -> exp.Expr:
    """CONCAT is NULL if any argument is; DuckDB's own would leave it out."""
    joined, *others = map(paren, node.expressions)
    for other in others:
        joined = exp.DPipe(this=joined, expression=other, safe=False)
    return paren(joined)


@rule(exp.DPipe)
def pipe(node: exp.DPipe) -> exp.Expr:
    """|| of two STRINGs."""
    for side in (node.left, node.right):
        if known(side).element is not None:
            raise refused(node, "|| of arrays.", "use ARRAY_CONCAT")
    return exp.DPipe(this=node.left, expression=node.right, safe=False)


@rule(exp.Split)
def split(node: exp.Split) -> exp.Expr:
    """SPLIT, by a comma unless told."""
    return call("string_split", node.this, node.expression or exp.Literal.string(","))


@rule(exp.Like)
def like(node: exp.Like) -> exp.Expr:
    """LIKE: the backslash escapes, which DuckDB must be told."""
    pattern = constant_text(node.expression)
    if pattern is not None and "\\" not in pattern:
        return node
    return exp.Escape(this=node, expression=exp.Literal.string("\\"))


@rule(exp.RegexpLike)
def regexp_contains(node: exp.RegexpLike) -> exp.Expr:
    """REGEXP_CONTAINS."""
    return call("regexp_matches", node.this, _pattern(node))


@rule(exp.RegexpReplace)
def regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    """REGEXP_REPLACE replaces every match; groups are written \\1."""
    return call("regexp_replace", node.this, _pattern(node), node.args["replacement"], "g")


@rule(exp.RegexpExtract)
def regexp_extract(node: exp.RegexpExtract) -> exp.Expr:
    """REGEXP_EXTRACT: the group if there is one, NULL without a match (DuckDB: empty text)."""
    if node.args.get("position") or node.args.get("occurrence"):
        raise refused(node, "REGEXP_EXTRACT with a position.", "write it into the pattern")
    pattern = _pattern(node)
    groups, optional = _groups(pattern.name)
    if groups > 1:
        raise refused(node, "REGEXP_EXTRACT with several groups.", "make all but one (?:…)")
    if optional:
        # DuckDB gives empty text for a group that took no part in the match, GoogleSQL gives NULL.
        raise refused(
            node, "REGEXP_EXTRACT with a group that may take no part.", "make the group itself hold the choice"
        )
    found = call("regexp_extract", node.this, pattern, groups)
    return case(call("regexp_matches", node.this.copy(), pattern.copy()), found)


def _groups(pattern: str) -> tuple[int, bool]:
    """How many groups a pattern captures, and whether one of them may take no part in a match."""
    count, optional = 0, False
    # Of each bracket still open: the groups begun before its content, whether it is one itself, the alternatives in it.
    opened = [[0, 0, 0]]
    for match in _TOKENS.finditer(pattern):
        token = match[0]
        if token == "|":
            opened[-1][2] += 1
        elif token.startswith(")") and len(opened) > 1:
            before, captures, alternatives = opened.pop()
            optional |= count > before and alternatives > 0
            optional |= token != ")" and count + captures > before
        elif token.startswith("(") and not token.endswith(")"):
            captures = int(token == "(" or token.startswith("(?P<"))
            count += captures
            opened.append([count, captures, 0])
    return count, optional or (count > 0 and opened[0][2] > 0)


def _pattern(node: exp.Expr) -> exp.Expr:
    pattern = constant_text(node.expression)
    if pattern is None:
        raise refused(node, "A pattern that is no literal.", "write the pattern as r'…'")
    return exp.Literal.string(pattern)


@rule(exp.RawString)
def raw_string(node: exp.RawString) -> exp.Expr:
    """r'…' is the text as it stands."""
    return exp.Literal.string(node.this)


@rule(exp.Normalize)
def normalize(node: exp.Normalize) -> exp.Expr:
    """NORMALIZE to NFC."""
    form = node.args.get("form")
    if node.args.get("is_casefold") or (isinstance(form, exp.Expr) and form.name.upper() != "NFC"):
        raise refused(node, "NORMALIZE to another form than NFC.", "use NORMALIZE(x)")
    return call("nfc_normalize", node.this)
