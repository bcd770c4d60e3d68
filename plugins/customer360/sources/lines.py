"""Readers of text files, CSV and NDJSON: what cannot be parsed becomes a line of `broken`, never a silent gap."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from customer360.errors import SourceError, SourceUnreachableError
from customer360.sources.bindings import TableBinding
from customer360.sources.connections import failure
from customer360.sources.extract import BROKEN, FILE_STRIDE, RESERVED, Extract
from customer360.sources.files import SourceFile
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb

_BLOCK = 1 << 20
# In no JSON text: strings must escape control characters. So every line is one field.
_NO_DELIMITER = "\x1e"


def read_csv(session: duckdb.DuckDBPyConnection, files: Sequence[SourceFile], binding: TableBinding) -> Extract:
    """All columns as text; an empty field is NULL. Quotes may hold line breaks; a byte order mark is no text."""
    headers = [_header(file, binding) for file in files]
    merged: dict[str, str] = {}
    for header in headers:
        for name in header:
            merged.setdefault(name.lower(), name)
    absent = {
        name: file.name
        for file, header in zip(files, headers, strict=True)
        for lower, name in merged.items()
        if lower not in map(str.lower, header)
    }
    names = [name for lower, name in merged.items() if lower not in RESERVED]
    columns = "".join(f"{identifier(name)} VARCHAR, " for name in names)
    session.execute(f"CREATE TEMP TABLE source ({columns}_position BIGINT, _line BIGINT, _source VARCHAR)")
    session.execute(BROKEN)
    for number, (file, header) in enumerate(zip(files, headers, strict=True)):
        types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
        options = f"header = true, delim = {literal(binding.delimiter)}, quote = '\"', escape = '\"'"
        kept = ", ".join(identifier(name) for name in header if name.lower() not in RESERVED)
        first = number * FILE_STRIDE
        insert = f"""
            INSERT INTO source BY NAME
            SELECT {kept}, {first} + row_number() OVER () AS _position, row_number() OVER () + 1 AS _line,
              {literal(file.name)} AS _source
            FROM {_scan(file, f"{{{types}}}", options, binding)}"""
        _read(session, file, insert)
        _keep_rejects(session, file)
    return Extract(dict.fromkeys(names, "VARCHAR"), tuple(merged.values()), absent)


def read_ndjson(
    session: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    binding: TableBinding,
    wanted: Iterable[str],
    documents: Collection[str] = (),
) -> Extract:
    """The wanted keys as text, nested values as JSON text; those named in `documents` (lower case) all as JSON text.

    A text that is a document on its own keeps its quotes: "5" is no number.
    JSON's fractions are doubles: more than 17 digits must be delivered as a string. Whole numbers keep every digit.
    """
    session.execute("CREATE TEMP TABLE lines (raw VARCHAR, position BIGINT, line BIGINT, source VARCHAR)")
    session.execute(BROKEN)
    options = f"header = false, delim = {literal(_NO_DELIMITER)}, quote = '', escape = ''"
    for number, file in enumerate(files):
        _check_gzip(file)
        insert = f"""
            INSERT INTO lines
            SELECT ltrim(raw, '\ufeff'), {number * FILE_STRIDE} + line, line, {literal(file.name)}
            FROM (SELECT raw, row_number() OVER () AS line FROM {_scan(file, "{'raw': 'VARCHAR'}", options, binding)})
            WHERE trim(raw, ' \t\r\ufeff') <> ''"""
        _read(session, file, insert)
        _keep_rejects(session, file)
    session.execute("""
        INSERT INTO broken
        SELECT CASE WHEN json_valid(raw) THEN 'line is no JSON object' ELSE 'line is no JSON' END, raw,
          line + (SELECT count(*) FROM broken AS b WHERE b.source = lines.source AND b.follows < lines.line),
          source, NULL
        FROM lines WHERE CASE WHEN json_valid(raw) THEN json_type(raw) END IS DISTINCT FROM 'OBJECT'""")
    objects = "(SELECT * FROM lines WHERE CASE WHEN json_valid(raw) THEN json_type(raw) END = 'OBJECT')"
    keys = session.execute(f"SELECT DISTINCT unnest(json_keys(raw)) AS key FROM {objects} ORDER BY key").fetchall()
    spelling: dict[str, str] = {}
    for (key,) in keys:
        spelling.setdefault(key.lower(), key)
    names = {lower: spelling.get(lower, name) for name in wanted if (lower := name.lower()) not in RESERVED}
    columns = ", ".join(
        f"{_document(n) if lower in documents else f'fields[{n}]'} AS {identifier(name)}"
        for n, (lower, name) in enumerate(names.items(), 1)
    )
    paths = ", ".join(literal(f'$."{name}"') for name in names.values())
    session.execute(f"""
        CREATE TEMP TABLE source AS
        SELECT {columns}, position AS _position, line AS _line, source AS _source
        FROM (
          SELECT json_extract_string(raw, [{paths}]) AS fields, position, line, source,
            {f"json_extract(raw, [{paths}])" if documents else "NULL"} AS documents
          FROM {objects}
        )""")
    absent = {name: files[0].name for lower, name in names.items() if keys and lower not in spelling}
    raw = "(SELECT l.raw FROM lines AS l WHERE l.position = s._position)"
    return Extract(dict.fromkeys(names.values(), "VARCHAR"), tuple(spelling.values()), absent, raw=raw)


def _document(number: int) -> str:
    return f"CASE WHEN json_type(documents[{number}]) <> 'NULL' THEN CAST(documents[{number}] AS VARCHAR) END"


def _scan(file: SourceFile, types: str, options: str, binding: TableBinding) -> str:
    compression = "gzip" if file.compressed else "none"
    return (
        f"read_csv({literal(file.exactly)}, columns = {types}, auto_detect = false, strict_mode = true, {options},"
        " hive_partitioning = false,"
        f" encoding = {literal(binding.encoding)}, compression = '{compression}', store_rejects = true,"
        " rejects_table = 'rejects', rejects_scan = 'reject_scans', rejects_limit = 0)"
    )


def _read(session: duckdb.DuckDBPyConnection, file: SourceFile, insert: str) -> None:
    import duckdb

    try:
        session.execute(insert)
    except duckdb.Error as error:
        raise failure(error)(f"cannot read {file.name}: {error}") from None


def _keep_rejects(session: duckdb.DuckDBPyConnection, file: SourceFile) -> None:
    """One broken line per refused record, however many errors DuckDB found in it."""
    session.execute(f"""
        INSERT INTO broken
        SELECT 'line is broken: ' || rtrim(reason, '.'), ltrim(raw, chr(10)), line, {literal(file.name)},
          line - row_number() OVER (ORDER BY line)
        FROM (
          SELECT line, arg_min(error_message, byte_position) AS reason, arg_min(csv_line, byte_position) AS raw
          FROM rejects GROUP BY line
        )""")
    session.execute("DROP TABLE rejects")
    session.execute("DROP TABLE reject_scans")


def _header(file: SourceFile, binding: TableBinding) -> list[str]:
    _check_gzip(file)
    with _open(file, "utf-8-sig" if binding.encoding == "utf-8" else binding.encoding) as text:
        header = next(csv.reader(text, delimiter=binding.delimiter), None)
    if not header:
        raise SourceError(f"{file.name} is empty: not even a header with the names of the columns")
    if "\ufffd" in "".join(header):
        raise SourceError(f"the header of {file.name} is not {binding.encoding}; declare the file's encoding")
    names = [name.strip() or f"column{number}" for number, name in enumerate(header, 1)]
    lower = [name.lower() for name in names]
    if twice := sorted({name for name in lower if lower.count(name) > 1}):
        raise SourceError(f"the header of {file.name} names {', '.join(twice)} twice")
    return names


def _open(file: SourceFile, encoding: str) -> TextIO:
    if file.compressed:
        return gzip.open(file.path, "rt", encoding=encoding, errors="replace", newline="")
    return file.path.open(encoding=encoding, errors="replace", newline="")


def _check_gzip(file: SourceFile) -> None:
    """DuckDB reads a gzip file that was cut off as if it ended there, half of a last number included."""
    if not file.compressed:
        return
    try:
        with gzip.open(file.path, "rb") as data:
            while data.read(_BLOCK):
                pass
    except (EOFError, OSError, zlib.error) as error:
        raise SourceUnreachableError(
            f"{file.name} is cut off or damaged ({error}); nothing of it was loaded: is it still being uploaded?"
        ) from None
