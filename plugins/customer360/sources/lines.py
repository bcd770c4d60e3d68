"""Readers of text files, CSV and NDJSON: what cannot be parsed becomes a line of `broken`, never a silent gap."""

from __future__ import annotations

import csv
import glob
import gzip
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.errors import SourceError
from customer360.sources.bindings import TableBinding
from customer360.sources.connections import failure
from customer360.sources.extract import BROKEN, BROKEN_BEFORE, FILE_STRIDE, LINE, RESERVED, Extract
from customer360.sources.files import SourceFile
from customer360.sources.limits import LONGEST_HEADER, MOST_COLUMNS, TOO_DEEP, refuse_too_many
from customer360.sources.text import RETURN, Text, prepared, record_lines
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb

LINES = "CREATE TEMP TABLE lines (raw VARCHAR, position BIGINT, line BIGINT, source VARCHAR)"
# In no JSON text: strings must escape control characters. So every line is one field.
_NO_DELIMITER = "\x1e"


def read_csv(
    session: duckdb.DuckDBPyConnection, files: Sequence[SourceFile], binding: TableBinding, scratch: Path
) -> Extract:
    """All columns as text; an empty field is NULL. Quotes may hold line breaks; a byte order mark is no text."""
    texts = [prepared(file, binding.encoding, scratch, delimiter=binding.delimiter) for file in files]
    headers = [_header(file, text, binding) for file, text in zip(files, texts, strict=True)]
    merged: dict[str, str] = {}
    for header in headers:
        for name in header:
            merged.setdefault(name.lower(), name)
    absent = {
        name: file.name
        for file, header in zip(files, headers, strict=True)
        for lowered in [{name.lower() for name in header}]
        for lower, name in merged.items()
        if lower not in lowered
    }
    names = [name for lower, name in merged.items() if lower not in RESERVED]
    columns = "".join(f"{identifier(name)} VARCHAR, " for name in names)
    session.execute(f"CREATE TEMP TABLE source ({columns}_position BIGINT, _line BIGINT, _source VARCHAR)")
    session.execute(BROKEN)
    for number, (file, text, header) in enumerate(zip(files, texts, headers, strict=True)):
        types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
        options = f"header = true, delim = {literal(binding.delimiter)}, quote = '\"', escape = '\"'"
        kept = "".join(f"{_as_it_was(identifier(n), text)}, " for n in header if n.lower() not in RESERVED)
        first = number * FILE_STRIDE
        insert = f"""
            INSERT INTO source BY NAME
            SELECT {kept}{first} + row_number() OVER () AS _position, row_number() OVER () + 1 AS _line,
              {literal(file.name)} AS _source
            FROM {_scan(text, f"{{{types}}}", options)}"""
        _read(session, file, insert)
        _keep_rejects(session, file, text, binding.encoding)
        _number_lines(session, file, text, binding.delimiter)
    return Extract(dict.fromkeys(names, "VARCHAR"), tuple(merged.values()), absent)


def read_ndjson(
    session: duckdb.DuckDBPyConnection,
    files: Sequence[SourceFile],
    binding: TableBinding,
    scratch: Path,
    wanted: Iterable[str],
    documents: Collection[str] = (),
) -> Extract:
    """The wanted keys as text, nested values as JSON text; those named in `documents` (lower case) all as JSON text.

    A text that is a document on its own keeps its quotes: "5" is no number.
    Numbers keep every digit; those inside a document are doubles, as BigQuery's JSON has them.
    """
    session.execute(LINES)
    session.execute(BROKEN)
    options = f"header = false, delim = {literal(_NO_DELIMITER)}, quote = '', escape = ''"
    for number, file in enumerate(files):
        text = prepared(file, binding.encoding, scratch, delimiter=None)
        insert = f"""
            INSERT INTO lines
            SELECT ltrim(raw, '\ufeff'), {number * FILE_STRIDE} + line, line, {literal(file.name)}
            FROM (
              SELECT {_as_it_was("raw", text)}, row_number() OVER () AS line
              FROM {_scan(text, "{'raw': 'VARCHAR'}", options)}
            )
            WHERE trim(raw, ' \t\r\ufeff') <> ''"""
        _read(session, file, insert)
        _keep_rejects(session, file, text, binding.encoding)
        _refuse_array(session, file)
    return objects_read(session, wanted, documents, files[0].name)


def objects_read(
    session: duckdb.DuckDBPyConnection, wanted: Iterable[str], documents: Collection[str], place: str
) -> Extract:
    """The objects of the table `lines` (raw, position, line, source) as `source`; what is none goes to `broken`."""
    spellings = _refuse_lines(session, {name.lower() for name in wanted}, place)
    names = {lower: spellings.get(lower, [name])[0] for name in wanted if (lower := name.lower()) not in RESERVED}
    # Every spelling of every name; `fields` has one list per name.
    paths = [[literal(f'$."{key}"') for key in spellings.get(lower, [name])] for lower, name in names.items()]
    places = [sum(map(len, paths[:n])) + 1 for n in range(len(paths))]
    columns = ", ".join(
        f"{_field('documents' if lower in documents else 'fields', first, len(paths[n]))} AS {identifier(name)}"
        for n, (first, (lower, name)) in enumerate(zip(places, names.items(), strict=True))
    )
    wanted_paths = ", ".join(path for spelt in paths for path in spelt)
    session.execute(f"""
        CREATE TEMP TABLE source AS
        SELECT {columns}, _unread, position AS _position, line AS _line, source AS _source
        FROM (
          SELECT {_exact_fields(wanted_paths)} AS fields, position, line, source,
            {f"json_extract(raw, [{wanted_paths}])" if documents else "NULL"} AS documents,
            {_unread(spellings, names)} AS _unread
          FROM objects
        )""")
    absent = {name: place for lower, name in names.items() if spellings and lower not in spellings}
    raw = "(SELECT l.raw FROM lines AS l WHERE l.position = s._position)"
    present = tuple(spelt[0] for spelt in spellings.values())
    return Extract(dict.fromkeys(names.values(), "VARCHAR"), present, absent, raw=raw, unread="_unread")


def _refuse_array(session: duckdb.DuckDBPyConnection, file: SourceFile) -> None:
    """One JSON array is another format: written over several lines, its last element would load and no other."""
    first = session.execute(f"""
        SELECT raw, json_valid(raw) AND lines > 1 FROM (
          SELECT *, count(*) OVER () AS lines FROM (
            SELECT raw, line FROM lines WHERE source = {literal(file.name)}
            UNION ALL SELECT raw, line FROM broken WHERE source = {literal(file.name)}
          ) ORDER BY line LIMIT 1
        )""").fetchone()
    if first and first[0].lstrip("\ufeff \t\r").startswith("[") and not first[1]:
        raise SourceError(
            f"{file.name} is one JSON array, where NDJSON is an object per line; deliver it so (jq -c '.[]' does it)"
        )


def _refuse_lines(session: duckdb.DuckDBPyConnection, wanted: Collection[str], place: str) -> dict[str, list[str]]:
    """Put into `broken` what is no object, objects nested too deep, and objects that have a wanted key twice, whatever
    its case: which of the two is meant? The others are the view `objects`. Returns all keys: lower case → their
    spellings."""
    session.execute("CREATE TEMP TABLE unusable (position BIGINT, reason VARCHAR)")
    session.execute(f"INSERT INTO unusable {TOO_DEEP}")
    is_object = "CASE WHEN json_valid(raw) THEN json_type(raw) END = 'OBJECT'"
    session.execute(f"""
        INSERT INTO unusable
        SELECT position, CASE WHEN json_valid(raw) THEN 'line is no JSON object' ELSE 'line is no JSON' END
        FROM lines ANTI JOIN unusable USING (position) WHERE NOT coalesce({is_object}, false)""")
    session.execute(
        "CREATE TEMP TABLE shapes AS SELECT DISTINCT json_keys(raw) AS keys"
        f" FROM lines ANTI JOIN unusable USING (position) WHERE {is_object}"
    )
    session.execute(
        """
        CREATE TEMP TABLE doubled AS SELECT keys, string_agg(name, ', ' ORDER BY name) AS names FROM (
          SELECT keys, lower(key) AS name FROM (SELECT keys, unnest(keys) AS key FROM shapes)
          WHERE list_contains($wanted, lower(key)) GROUP BY ALL HAVING count(*) > 1
        ) GROUP BY keys""",
        {"wanted": sorted(wanted)},
    )
    if session.execute("SELECT count(*) FROM doubled").fetchone() != (0,):
        session.execute(f"""
            INSERT INTO unusable SELECT position, 'line has the key ' || d.names || ' more than once'
            FROM (
              SELECT position, json_keys(raw) AS keys FROM lines ANTI JOIN unusable USING (position) WHERE {is_object}
            )
            JOIN doubled AS d USING (keys)""")
    session.execute(f"""
        INSERT INTO broken SELECT u.reason, l.raw, l.line, l._source, NULL FROM unusable AS u JOIN (
          SELECT s.raw, {LINE} AS line, s._source, s.position
          FROM (SELECT raw, line AS _line, source AS _source, position FROM lines SEMI JOIN unusable USING (position))
            AS s {BROKEN_BEFORE}
        ) AS l USING (position)""")
    session.execute("CREATE TEMP VIEW objects AS SELECT * FROM lines ANTI JOIN unusable USING (position)")
    found: dict[str, list[str]] = {}
    keys = f"SELECT DISTINCT unnest(keys) AS key FROM shapes ORDER BY key LIMIT {MOST_COLUMNS + 1}"
    for (key,) in session.execute(keys).fetchall():
        found.setdefault(key.lower(), []).append(key)
    refuse_too_many(place, sum(map(len, found.values())))
    return found


def _field(values: str, first: int, spellings: int) -> str:
    """A name's value, whichever of its spellings the line has."""
    each = [
        f"CASE WHEN json_type({values}[{n}]) <> 'NULL' THEN CAST({values}[{n}] AS VARCHAR) END"
        if values == "documents"
        else f"{values}[{n}]"
        for n in range(first, first + spellings)
    ]
    return f"coalesce({', '.join(each)})"


def _unread(spellings: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> str:
    """The keys that nothing reads, with their values; NULL where there are none."""
    read = {key: None for lower in names for key in spellings.get(lower, ())}
    if len(read) == sum(map(len, spellings.values())):
        return "CAST(NULL AS VARCHAR)"
    return f"CAST(nullif(json_merge_patch(raw, {literal(json.dumps(read))}), '{{}}') AS VARCHAR)"


def _exact_fields(paths: str) -> str:
    """The values at these paths as text. JSON's fractions are read as doubles: of those with more digits than a double
    has, the line's own text is taken."""
    fraction = r"-?[0-9]+\.[0-9]+([eE][+-]?[0-9]+)?"
    long = f"list_filter(regexp_extract_all(raw, '{fraction}'), lambda text: length(text) > 17)"
    same = f"list_filter({long}, lambda text: TRY_CAST(text AS DOUBLE) = TRY_CAST(field AS DOUBLE))[1]"
    exact = (
        f"list_transform(json_extract_string(raw, [{paths}]), lambda field, n:"
        f" CASE WHEN json_type(raw, [{paths}])[n] = 'DOUBLE' THEN coalesce({same}, field) ELSE field END)"
    )
    return (
        f"CASE WHEN regexp_matches(raw, '[0-9][0-9.]{{16,}}[0-9]') THEN {exact}"
        f" ELSE json_extract_string(raw, [{paths}]) END"
    )


def _scan(text: Text, types: str, options: str) -> str:
    compression = "gzip" if text.compressed else "none"
    return (
        f"read_csv({literal(glob.escape(str(text.path)))}, columns = {types}, auto_detect = false, strict_mode = true,"
        f" {options}, hive_partitioning = false, encoding = 'utf-8', compression = '{compression}',"
        " store_rejects = true, rejects_table = 'rejects', rejects_scan = 'reject_scans', rejects_limit = 0)"
    )


def _as_it_was(column: str, text: Text) -> str:
    return f"replace({column}, '{RETURN}', chr(13)) AS {column}" if text.returns else column


def _read(session: duckdb.DuckDBPyConnection, file: SourceFile, insert: str) -> None:
    import duckdb

    try:
        session.execute(insert)
    except duckdb.Error as error:
        raise failure(error)(f"cannot read {file.name}: {error}") from None


def _keep_rejects(session: duckdb.DuckDBPyConnection, file: SourceFile, text: Text, encoding: str) -> None:
    """One broken line per refused record, however many errors DuckDB found in it."""
    no_text = f"it has bytes that are no {encoding}"
    session.execute(f"""
        INSERT INTO broken
        SELECT 'line is broken: ' || rtrim(reason, '.'), ltrim(raw, chr(10)), line, {literal(file.name)},
          line - row_number() OVER (ORDER BY line)
        FROM (
          SELECT line, arg_min(CASE WHEN error_message LIKE 'Invalid unicode%' THEN {literal(no_text)}
              ELSE error_message END, byte_position) AS reason,
            arg_min({_as_it_was("csv_line", text).removesuffix(" AS csv_line")}, byte_position) AS raw
          FROM rejects GROUP BY line
        )""")
    session.execute("DROP TABLE rejects")
    session.execute("DROP TABLE reject_scans")


def _number_lines(session: duckdb.DuckDBPyConnection, file: SourceFile, text: Text, delimiter: str) -> None:
    """Records have been numbered from the header's 1; where they are not lines, give each the line it begins on."""
    import pyarrow as pa

    name = literal(file.name)
    counted = session.execute(f"""
        SELECT (SELECT count(*) FROM source WHERE _source = {name})
          + (SELECT count(*) FROM broken WHERE source = {name})
    """).fetchone()
    records = (counted[0] if counted else 0) + 1
    if records == text.lines:
        return
    starts = record_lines(text, delimiter, file.name)
    if len(starts) != records:
        return  # quotes so broken that it is anyone's guess where a record begins: the record's number must do
    session.register("starts", pa.table({"line": pa.array(starts, pa.int64())}))
    session.execute("CREATE TEMP TABLE numbered AS SELECT row_number() OVER () AS record, line FROM starts")
    session.unregister("starts")
    # `follows` has done its work once the broken records are counted in.
    session.execute(f"""
        CREATE TEMP TABLE placed AS SELECT _position, n.line
        FROM (SELECT s._position, {LINE} AS record FROM source AS s {BROKEN_BEFORE} WHERE s._source = {name})
        JOIN numbered AS n USING (record)""")
    session.execute("UPDATE source SET _line = placed.line FROM placed WHERE source._position = placed._position")
    session.execute(f"""
        UPDATE broken SET line = n.line, follows = NULL FROM numbered AS n
        WHERE broken.source = {name} AND broken.line = n.record""")
    session.execute("DROP TABLE placed")
    session.execute("DROP TABLE numbered")


def _header(file: SourceFile, text: Text, binding: TableBinding) -> list[str]:
    reader = gzip.open if text.compressed else open
    with reader(text.path, "rt", encoding="utf-8-sig", errors="replace", newline="") as data:
        try:
            # In pieces: a line without an end would be read into memory whole.
            pieces = iter(partial(data.readline, LONGEST_HEADER), "")
            header = next(csv.reader(pieces, delimiter=binding.delimiter, strict=True), None)
        except csv.Error as error:
            raise SourceError(f"the header of {file.name} is broken: {error}") from None
    if not header:
        raise SourceError(f"{file.name} is empty: not even a header with the names of the columns")
    if "\ufffd" in "".join(header) or "\0" in "".join(header):
        raise SourceError(f"the header of {file.name} is not {binding.encoding} text; declare the file's encoding")
    names = [name.strip() or f"column{number}" for number, name in enumerate(header, 1)]
    refuse_too_many(file.name, len(names))
    if twice := sorted(name for name, n in Counter(name.lower() for name in names).items() if n > 1):
        raise SourceError(f"the header of {file.name} names {', '.join(twice)} twice")
    return names
