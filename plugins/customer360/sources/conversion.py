"""How a source value becomes a contract value: strict reading of text, exact conversion of what has a type already.

Text: blanks around a value are nothing, an empty one is NULL. INT64 is an optional sign and digits (`3.0` is refused);
NUMERIC is decimal text, digits beyond the ninth rounded half away from zero as BigQuery's loads do, unless the source
has a decimal type: a number that needs them is refused then; DATE is ISO, also with a time of midnight; TIMESTAMP is
ISO 8601, without a zone UTC; epochs are refused. So are NaN and infinity, always.
"""

from __future__ import annotations

from dataclasses import dataclass

from customer360.googlesql import types

# What text is trimmed of, as SQL.
BLANKS = "' \t\r\n'"

_INT64 = r"[+-]?[0-9]{1,19}"
_NUMERIC = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?"
_FLOAT64 = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
_EXACT_NUMERIC = r"[+-]?([0-9]+(\.[0-9]{0,9}0*)?|\.[0-9]{1,9}0*)"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MIDNIGHT = r"([ T]00:00(:00(\.0+)?)?(Z|\+00(:?00)?)?)?"
_ZONE = r"( ?(Z|UTC)|[+-][0-9]{2}(:?[0-9]{2})?)?"
_TIME = r"[ T]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_WIDE_INTEGERS = {"UBIGINT", "HUGEINT", "UHUGEINT"}
_FLOATS = {"FLOAT", "DOUBLE"}
_NAIVE = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
_ZONED = "TIMESTAMP WITH TIME ZONE"
_TEXTS = ("VARCHAR", "UUID", "ENUM", "JSON")

# The type of a column that is text in DuckDB and an exact decimal number in its database.
DECIMAL_TEXT = "VARCHAR OF DECIMAL"

# What BigQuery can store: years 1 to 9999. Conditions to put after a value.
RANGES = {
    "DATE": "BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'",
    "TIMESTAMP": "BETWEEN TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'",
}


@dataclass(frozen=True)
class Conversion:
    """SQL of a contract value. `present`: SQL that says whether there was one; `total`: where there was, it is read.

    RANGES still hold for it or not.
    """

    value: str
    present: str
    total: bool = False


def is_text(duckdb_type: str) -> bool:
    """Whether values of this type are read as text."""
    return duckdb_type.startswith(_TEXTS) and not duckdb_type.endswith("]")


def googlesql_type(duckdb_type: str) -> str | None:
    """The GoogleSQL type that an expression sees for a source column; None for one that no expression can use."""
    if is_text(duckdb_type):
        return "STRING"
    if duckdb_type in _INTEGERS:
        return "INT64"
    if duckdb_type in _WIDE_INTEGERS or _decimal(duckdb_type):
        return "NUMERIC"
    if duckdb_type in _FLOATS:
        return "FLOAT64"
    if duckdb_type in _NAIVE or duckdb_type == _ZONED:
        return "TIMESTAMP"
    return {"DATE": "DATE", "BOOLEAN": "BOOL", "BLOB": "BYTES"}.get(duckdb_type)


def converted(value: str, source: str, target: str) -> Conversion | None:
    """`value`, SQL of DuckDB type `source`, as GoogleSQL type `target`; None where these types do not go together.

    A number with a fraction is no STRING: ids that went through a float have lost digits, so that is drift, not text.
    """
    if is_text(source):
        text = value if source.startswith("VARCHAR") else f"CAST({value} AS VARCHAR)"
        if source == DECIMAL_TEXT and target == "NUMERIC":
            bare = f"trim({text}, {BLANKS})"
            return Conversion(_matching(bare, _EXACT_NUMERIC, _decimal_reading(bare)), f"{bare} <> ''")
        return _from_text(text, target)
    found = _from_typed(value, source, target)
    return Conversion(found[0], f"{value} IS NOT NULL", total=found[1]) if found else None


def _from_text(text: str, target: str) -> Conversion | None:
    if target == "STRING":
        return Conversion(text, f"{text} IS NOT NULL", total=True)
    bare = f"trim({text}, {BLANKS})"
    read = _text_reading(bare, target)
    return Conversion(read, f"{bare} <> ''") if read else None


def _text_reading(bare: str, target: str) -> str | None:
    match target:
        case "INT64":
            return _matching(bare, _INT64, f"TRY_CAST({bare} AS BIGINT)")
        case "NUMERIC":
            return _matching(bare, _NUMERIC, _decimal_reading(bare))
        case "FLOAT64":
            number = f"TRY_CAST({bare} AS DOUBLE)"
            return _matching(bare, _FLOAT64, f"CASE WHEN isfinite({number}) THEN {number} END")
        case "DATE":
            return _matching(bare, _DAY + _MIDNIGHT, f"TRY_CAST(left({bare}, 10) AS DATE)")
        case "TIMESTAMP":
            utc = _matching(bare, f"{_DAY}({_TIME})?Z?", _zoned(f"TRY_CAST({bare} AS TIMESTAMP)"))
            zoned = f"regexp_full_match({bare}, '{_DAY}{_TIME}{_ZONE}') THEN TRY_CAST({bare} AS TIMESTAMPTZ)"
            return f"{utc.removesuffix(' END')} WHEN {zoned} END"
        case "DATETIME":
            return _matching(bare, f"{_DAY}({_TIME})?", f"TRY_CAST({bare} AS TIMESTAMP)")
        case "BOOL":
            yes, no = "('true', 't', '1')", "('false', 'f', '0')"
            return f"CASE WHEN lower({bare}) IN {yes} THEN TRUE WHEN lower({bare}) IN {no} THEN FALSE END"
        case "JSON":
            return f"gsql_safe_json({bare})"
    return None


def _decimal_reading(bare: str) -> str:
    # Most numbers fit into 64 bits, where reading text is thirty times faster than in 128.
    short = f"CAST(TRY_CAST({bare} AS DECIMAL(18, 9)) AS DECIMAL(38, 9))"
    return f"COALESCE({short}, TRY_CAST({bare} AS DECIMAL(38, 9)))"


def _matching(text: str, pattern: str, reading: str) -> str:
    return f"CASE WHEN regexp_full_match({text}, '{pattern}') THEN {reading} END"


def _from_typed(value: str, source: str, target: str) -> tuple[str, bool] | None:
    """SQL and whether it never fails."""
    stored = types.to_duckdb(target)
    if source == stored and target != "FLOAT64":
        return value, True
    integer, decimal = source in _INTEGERS or source in _WIDE_INTEGERS, _decimal(source)
    match target:
        case "STRING" if integer or source in ("BOOLEAN", "DATE"):
            return f"CAST({value} AS VARCHAR)", True
        case "STRING" if decimal and decimal[1] == 0:
            return f"CAST({value} AS VARCHAR)", True
        case "INT64" if integer:
            return f"TRY_CAST({value} AS BIGINT)", source in _INTEGERS
        case "INT64" if decimal or source in _FLOATS:
            return f"CASE WHEN {value} = trunc({value}) THEN TRY_CAST({value} AS BIGINT) END", False
        case "NUMERIC" if decimal and decimal[1] > 9:
            # Digits that NUMERIC does not have were meant: a number that needs them is refused, not rounded.
            kept = f"TRY_CAST({value} AS DECIMAL(38, 9))"
            return f"CASE WHEN TRY_CAST({kept} AS {source}) = {value} THEN {kept} END", False
        case "NUMERIC" if integer or decimal:
            fits = source in _INTEGERS or bool(decimal and decimal[1] <= 9 and decimal[0] - decimal[1] <= 29)
            return f"TRY_CAST({value} AS DECIMAL(38, 9))", fits
        case "NUMERIC" if source in _FLOATS:
            # Through its shortest text: 123456789.12 times 1e9 is no longer what was written.
            return f"TRY_CAST(CAST({value} AS VARCHAR) AS DECIMAL(38, 9))", False
        case "FLOAT64" if source in _FLOATS:
            return f"CASE WHEN isfinite({value}) THEN CAST({value} AS DOUBLE) END", False
        case "FLOAT64" if integer or decimal:
            return f"CAST({value} AS DOUBLE)", True
        case "BOOL" if source in _INTEGERS:
            return f"CASE {value} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END", False
        case "JSON" if source.startswith(("STRUCT", "MAP")) or source.endswith("]"):
            return f"to_json({value})", True
    return _from_time(value, source, target)


def _from_time(value: str, source: str, target: str) -> tuple[str, bool] | None:
    zoned = value if source == _ZONED else _zoned(value)
    match target:
        case "DATE" if source in _NAIVE or source == _ZONED:
            # A day stored as a time is fine while it is midnight; a time of day would be lost without a word.
            return f"CASE WHEN date_trunc('day', {zoned}) = {zoned} THEN CAST({zoned} AS DATE) END", False
        case "TIMESTAMP" if source == "DATE" or source in _NAIVE:
            return zoned, False
        case "DATETIME" if source in _NAIVE:
            return f"CAST({value} AS TIMESTAMP)", True
    return None


def _zoned(naive: str) -> str:
    """A time without a zone as UTC, NULL for infinity. Ten times faster than a cast, which asks a calendar."""
    return f"make_timestamptz(epoch_us({naive}))"


def _decimal(source: str) -> tuple[int, int] | None:
    """DECIMAL(12,3) → (12, 3)."""
    if not source.startswith("DECIMAL(") or source.endswith("]"):
        return None
    precision, scale = source.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return int(precision), int(scale)
