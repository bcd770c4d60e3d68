"""Files that somebody still writes to: nothing of them is loaded, and a later try may."""

from __future__ import annotations

import gzip
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from customer360.errors import ProjectError, SourceError, SourceUnreachableError
from sources.conftest import Shop

HEADER = "order_id,line,placed_at,quantity,amount\n"
ROW = "o{},1,2024-06-30,2,1.5\n"
CSV = "files: ${FILES}/orders*\nformat: csv\nload: snapshot\n"
PARQUET = "files: ${FILES}/orders*\nformat: parquet\nload: snapshot\n"


def parquet(file: Path, rows: int = 100) -> Path:
    duckdb.execute(
        "COPY (SELECT 'o' || i AS order_id, 1 AS line, DATE '2024-06-30' AS placed_at, 2 AS quantity, 1.5 AS amount"
        f" FROM range({rows}) AS t (i)) TO '{file}' (FORMAT parquet)"
    )
    return file


@contextmanager
def written_to(write: Callable[[int], object]) -> Iterator[None]:
    """Somebody who writes all the time."""
    stop = threading.Event()

    def go_on() -> None:
        number = 1000
        while not stop.wait(0.01):
            write(number)
            number += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_file_that_grows_is_refused_until_it_rests(shop: Shop) -> None:
    file = shop.write("files/orders.csv", HEADER + ROW.format(1))

    def append(number: int) -> None:
        with file.open("a") as out:
            out.write(ROW.format(number))

    with (
        written_to(append),
        pytest.raises(
            SourceUnreachableError, match=r"orders\.csv, which went from .* still being uploaded\? Nothing was loaded"
        ) as caught,
    ):
        shop.load(CSV)
    assert caught.value.retry_helps
    assert shop.rows() == []
    assert shop.load(CSV).rows_loaded == len(file.read_text().splitlines()) - 1


@pytest.mark.parametrize("binding", [CSV, PARQUET])
def test_a_file_that_is_replaced_by_one_as_long_is_refused(shop: Shop, binding: str) -> None:
    file = shop.folder / "files" / "orders"
    other = shop.folder / "other"
    for each in (file, other):
        if binding is CSV:
            each.write_text(HEADER + ROW.format(1))
        else:
            parquet(each)

    def replace(_: int) -> None:
        copy = shop.folder / "copy"
        copy.write_bytes(other.read_bytes())
        copy.replace(file)

    with (
        written_to(replace),
        pytest.raises(SourceUnreachableError, match="orders, which was written to or replaced"),
    ):
        shop.load(binding)
    assert shop.rows() == []


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_half_a_parquet_file_is_worth_a_retry(shop: Shop, share: float) -> None:
    whole = parquet(shop.folder / "whole").read_bytes()
    shop.write("files/orders.parquet", whole[: int(len(whole) * share)])
    with pytest.raises(SourceUnreachableError, match=r"orders\.parquet is (cut off|empty).*still being uploaded"):
        shop.load(PARQUET)
    shop.write("files/orders.parquet", whole)
    assert shop.load(PARQUET).rows_loaded == 100


def test_what_is_no_parquet_is_not_tried_again(shop: Shop) -> None:
    shop.write("files/orders.parquet", HEADER + ROW.format(1))
    with pytest.raises(SourceError, match=r"orders\.parquet is no Parquet file: it begins with b'orde'") as caught:
        shop.load(PARQUET)
    assert not caught.value.retry_helps


def test_gzip_in_several_members_is_one_file_and_a_cut_one_is_worth_a_retry(shop: Shop) -> None:
    members = [
        gzip.compress(text.encode())
        for text in (HEADER + ROW.format(1), ROW.format(2), ROW.format(3) + ROW.format(4)[:5], ROW.format(4)[5:])
    ]
    file = shop.write("files/orders.csv.gz", b"".join(members))
    assert shop.load(CSV).rows_loaded == 4
    for cut in (len(b"".join(members)) - 3, len(members[0]) + 5):
        file.write_bytes(b"".join(members)[:cut])
        with pytest.raises(
            SourceUnreachableError, match=r"orders\.csv\.gz is cut off or damaged.*still being uploaded"
        ):
            shop.load(CSV, run_id=f"cut at {cut}")
    assert len(shop.rows()) == 4  # what was loaded before is still there


def test_settle_seconds_keeps_fresh_files_waiting(shop: Shop) -> None:
    file = shop.write("files/orders.csv", HEADER + ROW.format(1))
    binding = CSV + "settle_seconds: 60\n"
    with pytest.raises(
        SourceUnreachableError, match=r"orders\.csv was written to \d s ago, and settle_seconds in shop\.yaml is 60"
    ):
        shop.load(binding)
    os.utime(file, (time.time() - 90,) * 2)
    assert shop.load(binding).rows_loaded == 1
    for wrong in ("-1", "soon", "true"):
        with pytest.raises(ProjectError, match=r"settle_seconds: is .*a number of seconds, 0 or more"):
            shop.bind(CSV + f"settle_seconds: {wrong}\n")
