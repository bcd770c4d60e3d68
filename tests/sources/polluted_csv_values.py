"""Values in CSV as other people write them."""

from __future__ import annotations

from decimal import Decimal

from sources.polluted import HEADER as H
from sources.polluted import csv_row as r
from sources.polluted_csv import csv

CASES = (
    # -- values
    csv(
        "thousands separators",
        H
        + r(1, amount=b'"1,234.50"')
        + r(2, quantity=b'"1,000"')
        + r(3, amount=b"1 234")
        + r(4, amount=b"1'234")
        + r(5, amount=b"1_000"),
        refused=(
            "2 row amount: is no NUMERIC: 1,234.50",
            "3 row quantity: is no INT64: 1,000",
            "4 row amount: is no NUMERIC: 1 234",
            "5 row amount: is no NUMERIC: 1'234",
            "6 row amount: is no NUMERIC: 1_000",
        ),
    ),
    csv(
        "decimals of a locale",
        H + r(1, amount=b'"9,90"') + r(2, amount=b'"1.234,50"') + r(3),
        loaded=(3,),
        refused=("2 row amount: is no NUMERIC: 9,90", "3 row amount: is no NUMERIC: 1.234,50"),
    ),
    csv(
        "money with signs",
        H
        + r(1, amount="€9".encode())
        + r(2, amount=b"9.90 EUR")
        + r(3, amount=b"(5.00)")
        + r(4, amount=b"5-")
        + r(5, amount=b"50%")
        + r(6, amount=b"-5"),
        loaded=((6, {"amount": Decimal("-5")}),),
        refused=(
            "2 row amount: is no NUMERIC: €9",
            "3 row amount: is no NUMERIC: 9.90 EUR",
            "4 row amount: is no NUMERIC: (5.00)",
            "5 row amount: is no NUMERIC: 5-",
            "6 row amount: is no NUMERIC: 50%",
        ),
    ),
    csv(
        "dates that are none",
        H
        + r(1, placed_at=b"2024-02-30")
        + r(2, placed_at=b"30.06.2024")
        + r(3, placed_at=b"06/30/2024")
        + r(4, placed_at=b"2023-02-29")
        + r(5, placed_at=b"0000-00-00")
        + r(6, placed_at=b"2024-06-30 24:00:00")
        + r(7, placed_at=b"1719705600")
        + r(8, placed_at=b"20240630")
        + r(9, placed_at=b"2024-06-30T23:59:60Z")
        + r(10, placed_at=b"10000-01-01"),
        refused=(
            "2 row placed_at: is no TIMESTAMP: 2024-02-30",
            "3 row placed_at: is no TIMESTAMP: 30.06.2024",
            "4 row placed_at: is no TIMESTAMP: 06/30/2024",
            "5 row placed_at: is no TIMESTAMP: 2023-02-29",
            "6 row placed_at: is no TIMESTAMP: 0000-00-00",
            "7 row placed_at: is no TIMESTAMP: 2024-06-30 24:00:00",
            "8 row placed_at: is no TIMESTAMP: 1719705600",
            "9 row placed_at: is no TIMESTAMP: 20240630",
            "10 row placed_at: is no TIMESTAMP: 2024-06-30T23:59:60Z",
            "11 row placed_at: is no TIMESTAMP: 10000-01-01",
        ),
    ),
    csv(
        "numbers too long",
        H
        + r(1, quantity=b"9223372036854775808")
        + r(2, quantity=b"9223372036854775807")
        + r(3, amount=b"1" * 30)
        + r(4, amount=b"9" * 29)
        + r(5, amount=b"1.12345678949")
        + r(6, amount=b"1.1234567895"),
        loaded=(
            (2, {"quantity": 9223372036854775807}),
            (4, {"amount": Decimal("99999999999999999999999999999")}),
            (5, {"amount": Decimal("1.123456789")}),
            (6, {"amount": Decimal("1.12345679")}),
        ),
        refused=(
            "2 row quantity: is no INT64: 9223372036854775808",
            "4 row amount: is no NUMERIC: 111111111111111111111111111111",
        ),
    ),
    csv(
        "numbers written otherwise",
        H
        + r(1, quantity=b"007")
        + r(2, quantity=b"0x1F")
        + r(3, quantity=b"1e3")
        + r(4, amount=b"1e3")
        + r(5, quantity=b"2.0")
        + r(6, amount=b"--5")
        + r(7, amount=b"NaN")
        + r(8, amount="٣".encode())
        + r(9, quantity="１".encode()),
        loaded=((1, {"quantity": 7}), (4, {"amount": Decimal("1000")})),
        refused=(
            "3 row quantity: is no INT64: 0x1F",
            "4 row quantity: is no INT64: 1e3",
            "6 row quantity: is no INT64: 2.0",
            "7 row amount: is no NUMERIC: --5",
            "8 row amount: is no NUMERIC: NaN",
            "9 row amount: is no NUMERIC: ٣",
            "10 row quantity: is no INT64: １",
        ),
    ),
    csv(
        "blanks of unicode",
        H
        + r(1, quantity=b"\xc2\xa02")
        + r(2, amount=b"\xe2\x80\xaf9.90")
        + r(3, placed_at=b"2024-06-30\xe3\x80\x80")
        + r(4, quantity=b" 2\t")
        + r(5, status=b"\xc2\xa0open")
        + r(6, note=b"\xc2\xa0")
        + r(7, status=b" Open ", note=b"\xe2\x80\x8b"),
        loaded=(4, (5, {"status": None}), (6, {"note": "\xa0"}), (7, {"status": " Open ", "note": "\u200b"})),
        refused=(
            "2 row quantity: is no INT64: \xa02",
            "3 row amount: is no NUMERIC: \u202f9.90",
            "4 row placed_at: is no TIMESTAMP: 2024-06-30\u3000",
            "6 cell status: is not one of open, paid: \xa0open",
        ),
    ),
    csv(
        "cells that are formulas elsewhere",
        H
        + r(1, note=b"=1+1")
        + r(2, note=b"@SUM(A1)")
        + r(3, note=b"+49")
        + r(4, note=b"-x")
        + r(5, note=b'"=HYPERLINK(""http://x"")"'),
        loaded=(
            (1, {"note": "=1+1"}),
            (2, {"note": "@SUM(A1)"}),
            (3, {"note": "+49"}),
            (4, {"note": "-x"}),
            (5, {"note": '=HYPERLINK("http://x")'}),
        ),
    ),
    csv(
        "words for nothing",
        H
        + r(1, status=b"NULL", note=b"NULL")
        + r(2, status=b"N/A", note=rb"\N")
        + r(3, quantity=b"NULL")
        + r(4, status=b'""', note=b'""')
        + r(5, status=b"", note=b""),
        loaded=(
            (1, {"status": None, "note": "NULL"}),
            (2, {"status": None, "note": "\\N"}),
            (4, {"status": None, "note": None}),
            (5, {"status": None, "note": None}),
        ),
        refused=(
            "2 cell status: is not one of open, paid: NULL",
            "3 cell status: is not one of open, paid: N/A",
            "4 row quantity: is no INT64: NULL",
        ),
    ),
)
