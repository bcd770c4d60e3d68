"""Parquet files that no library writes: the metadata by hand, in Thrift's compact protocol."""

from __future__ import annotations

import struct


def nested(levels: int) -> bytes:
    """A file without rows whose one column is a group in a group in a group …"""
    elements = [_element(b"schema", 1), *[_element(b"g", 1)] * levels, _element(b"x", None)]
    metadata = b"\x15\x02\x19\xfc" + _number(len(elements)) + b"".join(elements) + b"\x16\x00\x19\x0c\x00"
    return b"PAR1" + metadata + struct.pack("<I", len(metadata)) + b"PAR1"


def _element(name: bytes, children: int | None) -> bytes:
    kind = b"\x15\x02" if children is None else b""  # INT32
    repetition = (b"\x25" if kind else b"\x35") + b"\x02"  # OPTIONAL
    group = b"" if children is None else b"\x15" + _number(children << 1)
    return kind + repetition + b"\x18" + _number(len(name)) + name + group + b"\x00"


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
