"""What no file may exceed: it would take a disk, a memory or a process with it. Far beyond what people deliver."""

from __future__ import annotations

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
