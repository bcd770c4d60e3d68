"""Reading YAML that people write: plain data, and an error that names file and line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from customer360.errors import ProjectError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_COMPACT = re.compile(r"(?:[-?][ \t]+){10}")
_DEEPEST = 50  # the parser calls itself once a level, until the process ends


def read_yaml(file: Path) -> Any:
    """What a file holds; None for an empty one. ProjectError for what is no YAML, or more than plain data.

    Tags of Python are refused, and so are aliases: a few lines of them stand for gigabytes once they are text.
    """
    try:
        text = file.read_text(encoding="utf-8")
        _refuse_more_than_data(text, file)
        return yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ProjectError(f"not YAML: {error}", path=file, line=mark.line + 1 if mark else None) from None
    except UnicodeDecodeError as error:
        raise ProjectError(f"not UTF-8: {error}", path=file) from None


def _refuse_more_than_data(text: str, file: Path) -> None:
    # Nearly every file has neither; then nothing is read twice. Depth by indentation alone takes megabytes.
    if "*" not in text and text.count("[") + text.count("{") <= _DEEPEST and not _COMPACT.search(text):
        return
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise ProjectError(f"*{event.anchor} is an alias", path=file, line=_line(event), hint="write it out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ProjectError(f"is nested more than {_DEEPEST} levels deep", path=file, line=_line(event))


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None
