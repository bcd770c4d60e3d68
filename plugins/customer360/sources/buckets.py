"""Files in a bucket of Google Cloud Storage: listed by a pattern, copied to this machine, read there."""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from customer360.errors import SourceError, SourceUnreachableError
from customer360.sources.bindings import TableBinding
from customer360.sources.files import SourceFile, no_file
from customer360.sources.storage_errors import storage_errors

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

_AT_ONCE = 4
_HINTS = {
    403: "Its account needs the role Storage Object Viewer on the bucket.",
    404: "Is the bucket named rightly in the binding, and does it still hold the object?",
}


@dataclass(frozen=True)
class Found:
    """An object that the pattern matches, as it was when it was listed. `below`: its name after the fixed folder."""

    blob: Blob
    below: str

    @property
    def address(self) -> str:
        return f"gs://{self.blob.bucket.name}/{self.blob.name}"


def found(binding: TableBinding, pattern: str, buckets: Callable[[], Client] | None) -> list[Found]:
    """The objects that gs://bucket/pattern matches, in order of name; * and ? stay within a folder, ** does not.

    Raises SourceError where there are none.
    """
    if buckets is None:
        raise SourceError(
            f"{binding.contract}: {pattern} is in a bucket, and no Google connection is at hand to read it"
        )
    bucket, _, path = pattern.removeprefix("gs://").partition("/")
    fixed = path.split("/")[: next((n for n, part in enumerate(path.split("/")) if glob.has_magic(part)), -1)]
    folder = "".join(f"{part}/" for part in fixed)
    prefix = re.split(r"[*?[]", path, maxsplit=1)[0]
    matches = re.compile(_expression(path)).fullmatch
    client = buckets()
    with storage_errors(f"list {pattern}", str(client.project), _HINTS):
        blobs = sorted(client.list_blobs(bucket, prefix=prefix), key=lambda blob: str(blob.name))
    kept = [Found(blob, blob.name.removeprefix(folder)) for blob in blobs if matches(blob.name)]
    if not kept:
        raise no_file(binding, pattern)
    return kept


def copied(binding: TableBinding, objects: Sequence[Found], scratch: Path) -> list[SourceFile]:
    """The objects as files in `scratch`, of the very generation that was listed. Their names are numbers: an object's
    name may be no path. An object appears when its upload is complete, so none is half there."""
    from google.api_core.exceptions import NotFound

    folder = scratch / "objects"
    folder.mkdir(parents=True, exist_ok=True)

    def copy(number: int, each: Found) -> SourceFile:
        blob = each.blob
        packed = blob.name.endswith(".gz") or blob.content_encoding == "gzip"
        path = folder / f"{number:06}"
        with storage_errors(f"read {each.address}", str(blob.client.project), _HINTS):
            # Raw: the client would unpack what the bucket says is packed, and then it is not what the name says.
            try:
                blob.download_to_filename(str(path), raw_download=True, if_generation_match=blob.generation)
            except NotFound:
                raise SourceUnreachableError(
                    f"{binding.contract}: {each.address} was replaced or removed after it was listed; nothing was"
                    " loaded"
                ) from None
        return SourceFile(path, each.address, packed)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(copy, range(len(objects)), objects))


def _expression(pattern: str) -> str:
    """A glob as a regular expression, with the meaning it has in a folder: names that begin with a dot are hidden."""
    parts = pattern.split("/")
    text = ""
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            text += r"(?:[^./][^/]*/)*" + (r"[^./][^/]*" if last else "")
            continue
        hidden = r"(?!\.)" if part[:1] in ("*", "?", "[") else ""
        text += hidden + _segment(part) + ("" if last else "/")
    return text


def _segment(part: str) -> str:
    """One folder or name as fnmatch reads it, except that no wildcard matches a slash, and none an empty name."""
    wild = {"*": "[^/]*", "?": "[^/]"}
    pieces = re.findall(r"\[[^\]]+\]|.", part)
    return "(?=[^/])" + "".join(wild.get(piece) or fnmatch.translate(piece)[4:-3] for piece in pieces)
