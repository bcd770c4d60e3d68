"""Text files made ready to be read: whole, in UTF-8, with one kind of line end, or refused with a sentence.

A file that is fine as it lies is read as it lies. Others are copied into the load's scratch folder, changed in nothing
but their encoding, their line ends outside quotes, and without lines that are empty.
"""

from __future__ import annotations

import gzip
import logging
import re
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from customer360.errors import SourceError, SourceUnreachableError
from customer360.sources.files import SourceFile
from customer360.sources.limits import refuse_bomb, refuse_endless_record

log = logging.getLogger(__name__)

# A carriage return that ends no line stands in the copy as this, of Unicode's last private plane: DuckDB would end the
# line there. Whoever reads the copy puts it back.
RETURN = "\U0010fffd"

_BLOCK = 1 << 20
_CODECS = {"latin-1": "iso-8859-1", "windows-1252": "cp1252"}
_MAGIC = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"PAR1": "Parquet", b"\x28\xb5\x2f\xfd": "Zstandard"}


@dataclass(frozen=True)
class Text:
    """What to read in a file's stead. `lines`: how many it has; `returns`: whether RETURN stands in it.

    `starts`: the line on which each record of a CSV begins, where that was found out.
    """

    path: Path
    compressed: bool
    lines: int
    returns: bool = False
    starts: array[int] | None = None


@dataclass
class _Ends:
    """Line ends of a file: how many of which kind, and whether a line is empty."""

    feeds: int = 0
    returns: int = 0
    pairs: int = 0
    empty: bool = False
    open: bool = False  # the last line has none

    @property
    def mixed(self) -> bool:
        return bool(self.feeds and self.returns) and not self.feeds == self.returns == self.pairs

    @property
    def lines(self) -> int:
        return (self.feeds or self.returns) + self.open


def prepared(file: SourceFile, encoding: str, scratch: Path, *, delimiter: str | None) -> Text:
    """The text to read for a file. `delimiter`: of a CSV; None where quotes mean nothing (NDJSON).

    Raises SourceUnreachableError for a gzip file that was cut off, SourceError for what is no text of its kind.
    """
    ends = _survey(file)
    path, compressed = file.path, file.compressed
    if encoding != "utf-8":
        path, compressed = _in_utf_8(file, encoding, scratch), False
    if not ends.mixed and not (ends.empty and delimiter):
        return Text(path, compressed, ends.lines)
    even = scratch / f"even_{len(list(scratch.glob('even_*')))}"
    with _open(path, compressed) as source, even.open("wb") as target:
        starts, returns = _evened(source, target, delimiter, file.name)
    return Text(even, False, ends.lines, returns, starts)


def record_lines(text: Text, delimiter: str, name: str) -> array[int]:
    """The line on which each record of a CSV begins: quoted values may hold line ends."""
    if text.starts is not None:
        return text.starts
    with _open(text.path, text.compressed) as source:
        return _evened(source, None, delimiter, name)[0]


def _open(path: Path, compressed: bool) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "rb")) if compressed else path.open("rb")


def _survey(file: SourceFile) -> _Ends:
    """Reads the whole file once: DuckDB takes a gzip file that was cut off as if it ended there, half of a last number
    included."""
    ends, last, unpacked = _Ends(), b"", 0
    try:
        packed = file.path.stat().st_size
        with _open(file.path, file.compressed) as data:
            while block := data.read(_BLOCK):
                if not last:
                    _refuse_other_formats(file, block)
                seen = last + block
                unpacked += len(block)
                if file.compressed:
                    refuse_bomb(file.name, packed, unpacked)
                ends.feeds += block.count(b"\n")
                ends.returns += block.count(b"\r")
                ends.pairs += seen.count(b"\r\n") - last.count(b"\r\n")
                ends.empty = ends.empty or b"\n\n" in seen or b"\n\r\n" in seen
                ends.empty = ends.empty or (not last and seen.startswith((b"\n", b"\r\n")))
                last = seen[-2:]
        ends.open = last[-1:] not in (b"", b"\n", b"\r")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceUnreachableError(
            f"{file.name} is cut off or damaged ({error}); nothing of it was loaded: is it still being uploaded?"
        ) from None
    except OSError as error:
        raise SourceUnreachableError(f"cannot read {file.name}: {error.strerror or error}") from None
    return ends


def _refuse_other_formats(file: SourceFile, block: bytes) -> None:
    for magic, kind in _MAGIC.items():
        if block.startswith(magic):
            twice = " inside its .gz" if file.compressed else ""
            hint = "name it .gz" if kind == "gzip" and not file.compressed else "deliver text, plain or as .gz"
            raise SourceError(f"{file.name} is a {kind} file{twice}, not text: {hint}")


def _in_utf_8(file: SourceFile, encoding: str, scratch: Path) -> Path:
    """A copy in UTF-8. A byte that the encoding does not have stays as it is, so that its line is refused."""
    target, codec, controls = scratch / f"utf8_{len(list(scratch.glob('utf8_*')))}", _CODECS[encoding], False
    with _open(file.path, file.compressed) as source, target.open("wb") as copy:
        while block := source.read(_BLOCK):
            controls = controls or re.search(rb"[\x80-\x9f]", block) is not None
            copy.write(block.decode(codec, "surrogateescape").encode("utf-8", "surrogateescape"))
    if controls and encoding == "latin-1":
        log.warning(
            "%s has bytes 80 to 9F, which are control characters in Latin-1 and were loaded as such; if they are meant"
            " as quotes, dashes or the euro sign, declare encoding: windows-1252, or utf-8",
            file.name,
        )
    return target


def _evened(source: BinaryIO, target: BinaryIO | None, delimiter: str | None, name: str) -> tuple[array[int], bool]:
    """Copy with LF as the only line end outside quotes, without empty lines of a CSV. Returns the line on which each
    record begins, and whether a lone carriage return was replaced.

    The one loop over records in Python: few files are like that, and no set-based reader takes them.
    """
    starts, line, returns, mark = array("q"), 1, False, RETURN.encode()
    for buffer, tokens in _chunks(source, delimiter, name):
        if mark in buffer:
            raise SourceError(
                f"{name} mixes line ends and has the private character U+10FFFD, which stands for one while it is"
                " read: write it with one kind of line end"
            )
        pieces: list[bytes] = []
        begun, copied = 0, 0  # of the record; what is in pieces
        first = line
        for token in tokens:
            start, end = token.span()
            text = buffer[start:end]
            if text[:1] == b'"':
                line += text.count(b"\n")
            elif text == b"\r":
                pieces += (buffer[copied:start], mark)
                copied, returns = end, True
            else:
                line += 1
                if delimiter is None or start > begun:
                    pieces += (buffer[copied:start], b"\n")
                    starts.append(first)
                copied = begun = end
                first = line
        if copied < len(buffer):
            starts.append(first)  # the last line has no end
        pieces.append(buffer[copied:])
        if target is not None:
            target.write(b"".join(pieces))
    return starts, returns


def _chunks(source: BinaryIO, delimiter: str | None, name: str) -> Iterator[tuple[bytes, list[re.Match[bytes]]]]:
    """Pieces of the file that end with a line, each with its line ends and quoted values (after a delimiter only)."""
    opens = rb"(?:\A|(?<=[\r\n" + re.escape((delimiter or "").encode()) + rb']))"[^"]*(?:""[^"]*)*'
    ends = rb"\r\n|\n|\r"
    # A quote that nothing closes in this piece is a token to the piece's end.
    pattern = re.compile(opens + rb'(?:"|\Z)|' + ends if delimiter else ends)
    rest = b""
    while block := source.read(max(_BLOCK, len(rest))):
        rest += block
        tokens = list(pattern.finditer(rest))
        lines = [n for n, token in enumerate(tokens) if rest[token.end() - 1 : token.end()] == b"\n"]
        whole = next((n for n in reversed(lines) if rest[tokens[n].start()] != ord('"')), None)
        if whole is None:
            refuse_endless_record(name, len(rest))
            continue
        end = tokens[whole].end()
        yield rest[:end], tokens[: whole + 1]
        rest = rest[end:]
    if rest:
        yield rest, list(pattern.finditer(rest))
