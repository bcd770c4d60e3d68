"""Google's analyzer and reference implementation (PyPI `zetasql`, WebAssembly), loaded in a second.

Compiling the module takes 15–60 s, so its machine code is kept in the project's `.cache/` and shared by every later run and
every xdist worker: written under a lock, put in place by an atomic rename, keyed by what it depends on.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from filelock import FileLock
from google.protobuf import message
from wasmtime import Config, Engine, Func, Linker, Module, SharedMemory, Store, WasiConfig, WasmtimeError
from zetasql.core.exceptions import ServerError, ZetaSQLError
from zetasql.core.wasm_client import WasmClient, get_tzinfo_dir
from zetasql.wasi import get_wasm_path

__all__ = ["ServerError", "ZetaSQLError", "ZetaSqlClient", "client"]

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "zetasql"
Message = TypeVar("Message", bound=message.Message)


def _load_module(engine: Engine) -> Module:
    parts = (version("zetasql"), version("wasmtime"), platform.system(), platform.machine(), platform.processor())
    key = hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
    compiled = CACHE / f"{key}.cwasm"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{key}.lock"):
        with contextlib.suppress(WasmtimeError, FileNotFoundError):
            return Module.deserialize_file(engine, str(compiled))
        module = Module.from_file(engine, str(get_wasm_path()))
        part = compiled.with_suffix(f".{os.getpid()}")
        part.write_bytes(module.serialize())
        part.replace(compiled)
        return module


class ZetaSqlClient(WasmClient):
    """The package's client, but with the cached module and with memory copied in blocks instead of byte by byte."""

    def __init__(self) -> None:
        wasi = WasiConfig()
        if zoneinfo := get_tzinfo_dir():
            wasi.preopen_dir(zoneinfo, "/usr/share/zoneinfo")
        config = Config()
        config.shared_memory = True
        engine = Engine(config)
        self.store = Store(engine)
        self.store.set_wasi(wasi)
        self.module = _load_module(engine)
        linker = Linker(engine)
        linker.define_wasi()
        self.instance = linker.instantiate(self.store, self.module)
        self.exports = self.instance.exports(self.store)
        initialize, memory = self.exports["_initialize"], self.exports["memory"]
        assert isinstance(initialize, Func)
        assert isinstance(memory, SharedMemory)
        initialize(self.store)
        self.memory = memory

    def write_bytes(self, ptr: int, data: bytes) -> None:
        """Copy bytes into the module's memory."""
        ctypes.memmove(ctypes.addressof(self.memory.data_ptr().contents) + ptr, data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        """Copy bytes out of the module's memory."""
        return ctypes.string_at(ctypes.addressof(self.memory.data_ptr().contents) + ptr, size)

    def call(self, method: str, request: message.Message, response_type: type[Message]) -> Message:
        """Call one method of the local service; ServerError carries the analyzer's message."""
        response: Message = self.call_grpc_func(f"ZetaSqlLocalService_{method}", request, response_type)
        return response


@functools.cache
def client() -> ZetaSqlClient:
    """The process's one instance of the module."""
    return ZetaSqlClient()
