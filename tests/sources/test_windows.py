"""Which rows a logical date reads, and that loading it again changes nothing."""

from __future__ import annotations

import logging
from datetime import date, timedelta

import pytest

from customer360.errors import SourceError, TooManyRefusedError
from sources.conftest import DAY, Shop

HEADER = "order_id,line,placed_at,quantity,amount,changed\n"
CURSOR = "files: ${FILES}/orders.csv\nformat: csv\nload: {cursor: changed}\n"
DATED = "files: ${FILES}/orders_*.csv\nformat: csv\nload: {file_date: 'orders_(\\d{4}-\\d{2}-\\d{2})'}\n"
SNAPSHOT = "files: ${FILES}/orders.csv\nformat: csv\nload: snapshot\n"


def orders(*changes: str | None, first: int = 1) -> str:
    rows = [f"o{n},1,2024-06-01,1,1,{changed or ''}" for n, changed in enumerate(changes, first)]
    return HEADER + "\n".join(rows) + "\n"


def loaded(shop: Shop, day: date) -> list[str]:
    return [row["order_id"] for row in shop.rows(audit=True) if row["_loaded_date"] == day]


def day(number: int) -> date:
    return date(2024, 6, number)


def test_a_cursor_reads_from_the_last_load_to_the_end_of_the_day(shop: Shop) -> None:
    shop.write(
        "files/orders.csv", orders("2024-06-10T23:59:59.999999Z", "2024-06-11T00:00:00+02:00", "2024-06-12", None)
    )
    first = shop.load(CURSOR, day(10))
    assert (first.window_from, loaded(shop, day(10))) == (None, ["o1", "o2", "o4"])
    second = shop.load(CURSOR, day(12))  # the 11th was never loaded: its rows come with the 12th
    assert (second.window_from, loaded(shop, day(12))) == (day(11), ["o3", "o4"])


def test_loading_a_date_again_reads_the_same_window_and_replaces_the_partition(shop: Shop) -> None:
    shop.write("files/orders.csv", orders("2024-06-10", "2024-06-11", "2024-06-12"))
    results = [shop.load(CURSOR, day(d)) for d in (10, 11, 12)]
    before = shop.rows(audit=True)
    again = shop.load(CURSOR, day(11))
    assert (again.window_from, again.batch_id) == (results[1].window_from, results[1].batch_id)
    unchanged = [{k: v for k, v in row.items() if k != "_loaded_at"} for row in before]
    assert [{k: v for k, v in row.items() if k != "_loaded_at"} for row in shop.rows(audit=True)] == unchanged
    shop.write("files/orders.csv", orders("2024-06-10", "2024-06-12", "2024-06-12"))
    shop.load(CURSOR, day(11), run_id="another")
    assert loaded(shop, day(11)) == []
    assert loaded(shop, day(10)) == ["o1"]


def test_lookback_widens_the_window(shop: Shop) -> None:
    shop.write("files/orders.csv", orders("2024-06-08", "2024-06-09", "2024-06-10", "2024-06-11"))
    binding = CURSOR.replace("changed}", "changed, lookback_days: 2}")
    shop.load(binding, day(10))
    assert shop.load(binding, day(11)).window_from == day(9)
    assert loaded(shop, day(11)) == ["o2", "o3", "o4"]


def test_a_cursor_may_be_an_expression(shop: Shop) -> None:
    shop.write("files/orders.csv", orders("10/06/2024", "12/06/2024", "no date"))
    shop.load(
        "files: ${FILES}/orders.csv\nformat: csv\nload: {cursor: \"SAFE.PARSE_DATE('%d/%m/%Y', changed)\"}\n", day(11)
    )
    assert loaded(shop, day(11)) == ["o1", "o3"]


def test_dated_files_are_chosen_by_name(shop: Shop) -> None:
    for number, name in enumerate(("2024-06-09", "2024-06-10", "2024-06-11"), 1):
        shop.write(f"files/orders_{name}.csv", orders(None, first=number))
    assert shop.load(DATED, day(10)).rows_read == 2
    assert shop.load(DATED, day(11)).rows_read == 1
    assert [row["_source"] for row in shop.rows(audit=True)] == [f"orders_2024-06-{d}.csv" for d in ("09", "10", "11")]


def test_a_day_without_a_file_loads_nothing_and_is_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.write("files/orders_2024-06-10.csv", orders(None))
    shop.load(DATED, day(10))
    with caplog.at_level(logging.WARNING, logger="customer360"):
        assert shop.load(DATED, day(11)).rows_read == 0
    assert "no file is dated 2024-06-11 to 2024-06-11" in caplog.text
    assert loaded(shop, day(10)) == ["o1"]


def test_a_file_whose_name_holds_no_date_is_an_error(shop: Shop) -> None:
    shop.write("files/orders_latest.csv", orders(None))
    with pytest.raises(SourceError, match=r"the name of orders_latest\.csv holds no date"):
        shop.load(DATED, day(10))


def test_a_snapshot_replaces_its_day_and_says_when_it_cannot_go_back(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.write("files/orders.csv", orders("2024-06-10", "2024-06-11"))
    with caplog.at_level(logging.WARNING, logger="customer360"):
        shop.load(SNAPSHOT, day(10))
        shop.load(SNAPSHOT, day(11))
        assert not caplog.text
        shop.load(SNAPSHOT, day(9))
    assert "was first loaded for 2024-06-10" in caplog.text
    assert [loaded(shop, day(d)) for d in (9, 10, 11)] == [["o1", "o2"]] * 3


def test_every_load_is_logged(shop: Shop) -> None:
    shop.write("files/orders.csv", orders("2024-06-10", "2024-06-11") + "short,line\n")
    shop.load(CURSOR, day(10))
    (row,) = shop.warehouse.query("SELECT * FROM ops.loads").to_pylist()
    wanted = {"table_name": "raw_shop.orders", "loaded_date": day(10), "run_id": "test", "mode": "cursor",
              "window_from": None, "rows_read": 2, "rows_loaded": 1, "rows_quarantined": 1, "cells_quarantined": 0,
              "drift": []}  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted


def test_too_many_refused_rows_load_nothing_but_can_be_looked_at(shop: Shop) -> None:
    shop.limit(0.3)
    clean = "".join(f"o{n},1,2024-06-01,1,1,2024-06-01\n" for n in range(7))
    shop.write("files/orders.csv", HEADER + clean)
    shop.load(CURSOR, DAY - timedelta(1))
    shop.write("files/orders.csv", HEADER + clean + "bad,line\n,1,2024-06-01,1,1,\nx,1,2024-06-01,many,1,\n")
    assert shop.load(SNAPSHOT).rows_quarantined == 3  # 30 % exactly: allowed
    before = shop.rows()
    shop.write("files/orders.csv", HEADER + clean.replace(",1,2024", ",1,24") + "bad,line\n")
    with pytest.raises(TooManyRefusedError) as caught:
        shop.load(SNAPSHOT, run_id="later")
    message = str(caught.value)
    for part in ("raw_shop.orders", "8 of 8 rows refused (100.0%, allowed 30.0%)", "7 × placed_at is no TIMESTAMP",
                 "line 2 of orders.csv", "quarantine.shop__orders"):  # fmt: skip
        assert part in message
    assert shop.rows() == before
    assert {entry["line"] for entry in shop.quarantine()} == set(range(2, 10))
    assert shop.warehouse.query("SELECT COUNT(*) AS n FROM ops.loads").to_pylist() == [{"n": 2}]


@pytest.mark.parametrize(
    ("limit", "refused", "good", "loads"),
    [(0.01, 1, 7, True), (0.01, 1, 0, False), (0.01, 2, 6, False), (0.01, 2, 198, True), (0.0, 1, 7, False)],
)
def test_one_bad_row_of_a_quiet_day_does_not_stop_it(
    shop: Shop, limit: float, refused: int, good: int, loads: bool
) -> None:
    shop.limit(limit)
    rows = "".join(f"o{number},1,2024-06-01,1,1,2024-06-01\n" for number in range(good))
    shop.write("files/orders.csv", HEADER + rows + "bad,line\n" * refused)
    if loads:
        assert shop.load(SNAPSHOT).rows_quarantined == refused
    else:
        with pytest.raises(TooManyRefusedError):
            shop.load(SNAPSHOT)
