"""Parquet on its way to BigQuery: several files as one upload, Arrow rows as a file, and what names their content."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from customer360.errors import WarehouseError
from customer360.project.model import TableSpec

_BATCH_ROWS = 262_144


def parquet_bytes(spec: TableSpec, rows: pa.Table) -> bytes:
    """Rows as Parquet in the table's types. Columns that are missing are left out, others than the table's refused."""
    schema = spec.arrow_schema
    if extra := [name for name in rows.column_names if name not in schema.names]:
        raise WarehouseError(f"{spec.name} has no column {extra[0]}; its columns are {', '.join(schema.names)}")
    wanted = pa.schema([field for field in schema if field.name in rows.column_names])
    try:
        cast = rows.select(wanted.names).cast(wanted)
    except pa.ArrowInvalid as error:
        raise WarehouseError(f"rows for {spec.name} do not fit its types: {error}") from error
    sink = io.BytesIO()
    pq.write_table(cast, sink, compression="zstd")
    return sink.getvalue()


@contextmanager
def one_upload(spec: TableSpec, files: Sequence[str]) -> Iterator[IO[bytes]]:
    """The files' rows as one open Parquet file: one load job replaces a partition as a whole, several would not.

    A single file goes as it is; several are streamed into one, a row group at a time; none is an empty one.
    """
    if len(files) == 1:
        with _open(files[0]) as only:
            yield only
        return
    with tempfile.TemporaryFile(suffix=".parquet") as merged:
        schema = spec.arrow_schema
        with pq.ParquetWriter(merged, schema, compression="zstd") as writer:
            for file in files:
                _copy_rows(file, schema, writer)
        merged.seek(0)
        yield merged


def _copy_rows(file: str, schema: pa.Schema, writer: pq.ParquetWriter) -> None:
    with _open(file) as content:
        try:
            source = pq.ParquetFile(content)
            if missing := [name for name in schema.names if name not in source.schema_arrow.names]:
                raise WarehouseError(f"{file} has no column {missing[0]}; it must have {', '.join(schema.names)}")
            for batch in source.iter_batches(batch_size=_BATCH_ROWS, columns=schema.names):
                writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
        except pa.ArrowInvalid as error:
            raise WarehouseError(f"{file} is not Parquet of the table's types: {error}") from error


def _open(file: str) -> IO[bytes]:
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise WarehouseError(f"cannot read {file}: {error}") from error


def content_digest(files: Sequence[str]) -> str:
    """A name for what local files hold, as long as a label may be."""
    digest = hashlib.blake2b(digest_size=24)
    for file in files:
        with _open(file) as content:
            digest.update(hashlib.file_digest(content, "blake2b").digest())  # type: ignore[arg-type]
    return digest.hexdigest()
