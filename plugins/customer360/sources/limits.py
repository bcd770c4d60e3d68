"""What no file may exceed: it would take a disk, a memory or a process with it. Far beyond what people deliver."""

from __future__ import annotations

import re

from customer360.errors import SourceError

# Text seldom shrinks to a tenth. What unpacks to more than this many times its size, and to more than this many bytes,
# is made to fill a disk.
MOST_RATIO, UNSUSPICIOUS = 200, 1 << 28
# Bytes of one record where records are told apart in memory; DuckDB refuses those of more than 2 MB, one by one.
LONGEST_RECORD = 1 << 26
LONGEST_HEADER = 1 << 21  # characters
# Of a table on BigQuery. A header or the keys of documents beyond that are no table, and cost a column each.
MOST_COLUMNS = 10_000
# BigQuery's own limit for JSON. DuckDB's functions call themselves once a level, until the process ends.
DEEPEST = 500
# How the metadata at the end of a Parquet file begins, in Thrift's compact protocol: the version, then the list of the
# schema's elements, with its length.
_SCHEMA = re.compile(
    rb"\x15[\x80-\xff]{0,4}[\x00-\x7f]\x19"
    rb"(?:[\x0c\x1c\x2c\x3c\x4c\x5c\x6c\x7c\x8c\x9c\xac\xbc\xcc\xdc\xec]|\xfc(?P<long>[\x80-\xff]{0,9}[\x00-\x7f]))",
    re.DOTALL,
)
# Over `lines` (position, raw): those nested deeper, with the reason. Lines with brackets enough are looked at bracket
# by bracket, without their strings.
TOO_DEEP = rf"""
    SELECT position, 'line is nested more than {DEEPEST} levels deep' FROM (
      SELECT position, sum(CASE WHEN bracket IN ('{{', '[') THEN 1 ELSE -1 END)
        OVER (PARTITION BY position ORDER BY nth) AS depth
      FROM (
        SELECT position, unnest(brackets) AS bracket, generate_subscripts(brackets, 1) AS nth FROM (
          SELECT position,
            regexp_extract_all(regexp_replace(raw, '"(?:[^"\\]|\\.)*"', '', 'g'), '[{{}}\[\]]') AS brackets
          FROM lines WHERE length(raw) > {DEEPEST} AND length(raw) - length(translate(raw, '{{[', '')) > {DEEPEST}
        )
      )
    ) GROUP BY position HAVING max(depth) > {DEEPEST}"""


def refuse_bomb(name: str, packed: int, unpacked: int) -> None:
    """SourceError where a packed file has given more bytes than a file of people's would."""
    if unpacked > max(UNSUSPICIOUS, packed * MOST_RATIO):
        raise SourceError(
            f"{name} unpacks to more than {MOST_RATIO} times its {packed:,} bytes; nothing of it was loaded. If that is"
            " meant, deliver it unpacked"
        )


def refuse_endless_record(name: str, begun: int) -> None:
    """SourceError where a record has not ended after so many bytes."""
    if begun > LONGEST_RECORD:
        raise SourceError(
            f"{name} has a record of more than {LONGEST_RECORD:,} bytes: is a quote opened that nothing closes?"
        )


def refuse_too_many(name: str, columns: int) -> None:
    """SourceError for more columns than a table may have."""
    if columns > MOST_COLUMNS:
        raise SourceError(f"{name} has more than {MOST_COLUMNS:,} columns, and a table has no more: is it one?")


def refuse_too_deep(name: str, levels: int) -> None:
    """SourceError for columns inside of columns, level by level, beyond what any reader takes."""
    if levels > DEEPEST:
        raise SourceError(f"{name} has columns nested more than {DEEPEST} levels deep: is it what it should be?")


def refuse_schema_bomb(name: str, metadata: bytes) -> None:
    """SourceError by the first bytes of a Parquet file's metadata, before DuckDB reads on: it calls itself for each
    element that is inside of another."""
    found = _SCHEMA.match(metadata)
    if found is None:
        raise SourceError(f"{name} is damaged: its metadata does not begin with a version and a schema")
    if found["long"]:
        refuse_too_many(name, sum((byte & 0x7F) << 7 * n for n, byte in enumerate(found["long"])))
