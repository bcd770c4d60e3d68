"""GoogleSQL types: reading their text, and what each is called in DuckDB and Arrow.

>>> to_duckdb("ARRAY<STRUCT<category STRING, weight NUMERIC>>")
'STRUCT("category" VARCHAR, "weight" DECIMAL(38, 9))[]'
>>> normalise("array<struct<a int64>>")
'ARRAY<STRUCT<a INT64>>'
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from customer360.errors import ProjectError

if TYPE_CHECKING:
    import pyarrow as pa

_DUCKDB = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "NUMERIC": "DECIMAL(38, 9)",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "BYTES": "BLOB",
    "JSON": "JSON",
}
_FROM_DUCKDB = {
    **{duckdb.replace(" ", ""): name for name, duckdb in _DUCKDB.items()},
    "TIMESTAMPTZ": "TIMESTAMP",
    "TEXT": "STRING",
    "INT8": "INT64",
    "BYTEA": "BYTES",
}
SCALARS = tuple(_DUCKDB)
_TOKEN = re.compile(r'\s*(?:`([^`]*)`|"((?:[^"]|"")*)"|(\w+)|(\[\]|.))')


@dataclass(frozen=True)
class Type:
    """A GoogleSQL type: a scalar name, or ARRAY with `element`, or STRUCT with `fields` of (name, type)."""

    name: str
    element: Type | None = None
    fields: tuple[tuple[str, Type], ...] = ()

    def __str__(self) -> str:
        if self.element is not None:
            return f"ARRAY<{self.element}>"
        if self.name == "STRUCT":
            return f"STRUCT<{', '.join(f'{name} {type_}'.strip() for name, type_ in self.fields)}>"
        return self.name

    @property
    def duckdb(self) -> str:
        """The type's name in DuckDB."""
        if self.element is not None:
            return f"{self.element.duckdb}[]"
        if self.name == "STRUCT":
            quoted = (f'''"{name.replace('"', '""')}" {type_.duckdb}''' for name, type_ in self.fields)
            return f"STRUCT({', '.join(quoted)})"
        return _DUCKDB[self.name]

    def field(self, name: str) -> Type | None:
        """The type of a STRUCT's field, whatever the case of its name; None if there is none."""
        return next((type_ for field, type_ in self.fields if field.lower() == name.lower()), None)


STRING, INT64, NUMERIC, FLOAT64, BOOL, DATE, DATETIME, TIMESTAMP, BYTES, JSON = map(Type, SCALARS)


def array(element: Type) -> Type:
    """ARRAY<element>."""
    return Type("ARRAY", element)


def struct(fields: tuple[tuple[str, Type], ...]) -> Type:
    """STRUCT<fields>."""
    return Type("STRUCT", None, fields)


class _Reader:
    """Recursive descent over a type's text, in GoogleSQL's spelling or in DuckDB's."""

    def __init__(self, text: str, scalars: dict[str, str]) -> None:
        self.text = text
        self.scalars = scalars
        self.tokens = [match.groups() for match in _TOKEN.finditer(text.strip())]
        self.at = 0

    def refuse(self) -> ProjectError:
        valid = ", ".join((*SCALARS, "ARRAY<T>", "STRUCT<name T, ...>"))
        return ProjectError(f"{self.text!r} is not a type.", hint=f"Use one of {valid}.")

    def peek(self) -> str:
        return (self.tokens[self.at][2] or self.tokens[self.at][3] or "") if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if not token or (expected and token not in expected):
            raise self.refuse()
        self.at += 1
        return token

    def name(self) -> str:
        if self.at >= len(self.tokens):
            raise self.refuse()
        back, double, word, _ = self.tokens[self.at]
        if back is None and double is None and word is None:
            raise self.refuse()
        self.at += 1
        return back if back is not None else word if word is not None else double.replace('""', '"')

    def whole(self) -> Type:
        type_ = self.type()
        if self.at != len(self.tokens):
            raise self.refuse()
        return type_

    def type(self) -> Type:
        word = self.take().upper()
        if word == "ARRAY":
            self.take("<")
            type_ = array(self.type())
            self.take(">")
        elif word == "STRUCT":
            closing = {"<": ">", "(": ")"}[self.take("<", "(")]
            fields: list[tuple[str, Type]] = []
            while self.peek() != closing:
                if fields:
                    self.take(",")
                fields.append(self.field())
            self.take(closing)
            type_ = struct(tuple(fields))
        else:
            type_ = Type(self.scalar(word))
        while self.peek() == "[]":
            self.at += 1
            type_ = array(type_)
        return type_

    def field(self) -> tuple[str, Type]:
        start = self.at
        self.name()
        anonymous = self.peek() in (",", ">", ")", "<")
        self.at = start
        return ("", self.type()) if anonymous else (self.name(), self.type())

    def scalar(self, word: str) -> str:
        if word == "DECIMAL" and self.peek() == "(":
            word += "".join(self.take() for _ in range(5))
        if word == "TIMESTAMP" and self.peek().upper() == "WITH":
            word += "".join(self.take().upper() for _ in range(3))
        if word not in self.scalars:
            raise self.refuse()
        return self.scalars[word]


@functools.lru_cache(maxsize=4096)
def parse(type_text: str) -> Type:
    """Read GoogleSQL type text; an unknown type is refused with the list of valid ones."""
    return _Reader(type_text, {name: name for name in SCALARS}).whole()


@functools.lru_cache(maxsize=4096)
def parse_duckdb(type_text: str) -> Type:
    """Read DuckDB type text; a type that no GoogleSQL type is stored as is refused."""
    return _Reader(type_text, _FROM_DUCKDB).whole()


def normalise(type_text: str) -> str:
    """The one canonical spelling of a GoogleSQL type."""
    return str(parse(type_text))


def to_duckdb(type_text: str) -> str:
    """The DuckDB type that stores a GoogleSQL type."""
    return parse(type_text).duckdb


def from_duckdb(type_text: str) -> str:
    """The GoogleSQL type that a DuckDB type stores."""
    return str(parse_duckdb(type_text))


def to_arrow(type_text: str) -> pa.DataType:
    """The Arrow type of a GoogleSQL type, as written to Parquet and loaded by BigQuery."""
    return _arrow(parse(type_text))


def _arrow(type_: Type) -> pa.DataType:
    import pyarrow as pa

    if type_.element is not None:
        return pa.list_(_arrow(type_.element))
    if type_.name == "STRUCT":
        return pa.struct([pa.field(name, _arrow(field)) for name, field in type_.fields])
    scalars = {
        "STRING": pa.string(),
        "INT64": pa.int64(),
        "NUMERIC": pa.decimal128(38, 9),
        "FLOAT64": pa.float64(),
        "BOOL": pa.bool_(),
        "DATE": pa.date32(),
        "DATETIME": pa.timestamp("us"),
        "TIMESTAMP": pa.timestamp("us", tz="UTC"),
        "BYTES": pa.binary(),
        "JSON": pa.string(),
    }
    return scalars[type_.name]
