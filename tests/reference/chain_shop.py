"""A small shop with all that a sample shop has not: foreign money, sources that change between two loads, strange rows."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import date
from pathlib import Path

from conftest import ROOT, load_all, open_build, settings_for

from customer360.build import Build
from customer360.sample import generate

FIRST_LOAD, SECOND_LOAD = date(2024, 5, 31), date(2024, 6, 15)

_RATES_BINDING = """\
system: finance
description: A file of exchange rates.
tables:
  exchange_rates: {files: '${C360_SHOP}/finance/rates.csv', format: csv, load: snapshot}
"""
_RATES = """\
currency,rate_date,rate
USD,2024-01-01,0.912345678
usd,2024-03-15,0.93
USD,2024-06-03,0.905
GBP,2024-02-01,1.17
gbp,2024-02-01,1.18
"""
# Money with and without a rate and much of it, ids with spaces and without a product, lines of another customer.
_COMMERCE = """
UPDATE order_lines SET currency = 'usd ' WHERE transaction_id LIKE '%3';
UPDATE order_lines SET currency = 'GBP' WHERE transaction_id LIKE '%5';
UPDATE order_lines SET currency = 'CHF' WHERE transaction_id LIKE '%17';
UPDATE order_lines SET customer_no = ' ' || customer_no WHERE transaction_id LIKE '%1';
UPDATE order_lines SET customer_no = 'C0000001' WHERE transaction_id LIKE '%2' AND line_number = 2;
UPDATE order_lines SET sku = 'P99999' WHERE transaction_id LIKE '%8' AND line_number = 1;
UPDATE order_lines SET line_amount = '6100.01' WHERE transaction_id LIKE '%07' AND line_number = 1;
UPDATE order_lines SET line_amount = '12345.67' WHERE transaction_id LIKE '%11' AND line_number = 1;
UPDATE order_lines SET sku = '' WHERE transaction_id LIKE '%9' AND line_number = 2;
"""
# Orders are taken back, some line by line and some of guests; others come again with fewer lines.
_COMMERCE_LATER = """
UPDATE order_lines SET status = 'refunded', updated_at = '2024-06-12 08:00:00.25'
WHERE ordered_at < '2024-05-31' AND (transaction_id LIKE '%4' OR customer_no IS NULL);
UPDATE order_lines SET updated_at = '2024-06-14 08:00:00.000001'
WHERE ordered_at < '2024-05-31' AND transaction_id LIKE '%4' AND line_number > 1;
UPDATE order_lines SET updated_at = '2024-06-13 09:00:00' WHERE ordered_at < '2024-05-31' AND transaction_id LIKE '%6';
DELETE FROM order_lines WHERE ordered_at < '2024-05-31' AND transaction_id LIKE '%6' AND line_number > 1;
"""
_CRM_LATER = """
UPDATE customers SET town = 'Zürich', modified_at = '2024-06-10 12:00:00' WHERE customer_no LIKE '%7';
UPDATE customers SET first_name = NULL, email_address = ' ', tier = NULL WHERE customer_no LIKE '%5';
DELETE FROM customers WHERE customer_no LIKE '%88';
INSERT INTO customers (customer_no, first_name, birth_date, modified_at)
VALUES ('N1', 'Ng''ũ "😀" \\', '2004-02-29', '2024-06-15 01:02:03'), (' N2', NULL, NULL, '2024-06-15 23:59:59');
"""
_RESPONSES_LATER = """\
{"id": "X1", "campaign": "M0001", "contact": "C0000085", "event": "purchase", "ts": "2024-06-01T10:00:00Z", "value": 12.5}
{"id": "X2", "campaign": "M0001", "contact": "N3", "event": "Wink", "ts": "2024-06-02T10:00:00.123456Z", "value": null}
{"id": "X3", "campaign": "M0000", "contact": "", "event": "click", "ts": "2024-06-02T23:59:59Z", "variant": "B"}
"""


def load_chain_shop(folder: Path) -> Build:
    """The shop, loaded for two dates; nothing is built yet. The build is of the second date."""
    shop = folder / "shop"
    databases = {f"shop_{name}": shop / f"{name}.sqlite" for name in ("crm", "commerce")}
    generate(shop, customers=100, days=180, seed=11, until=SECOND_LOAD)
    (shop / "finance").mkdir()
    (shop / "finance" / "rates.csv").write_text(_RATES, encoding="utf-8")
    shutil.copytree(ROOT / "examples" / "sample_shop", folder / "sources")
    (folder / "sources" / "finance.yaml").write_text(_RATES_BINDING, encoding="utf-8")
    settings = settings_for(folder, C360_SOURCES=str(folder / "sources"))
    _execute(databases["shop_commerce"], _COMMERCE)
    first = open_build(settings, "run_1", FIRST_LOAD)
    load_all(first, databases)
    first.warehouse.close()
    _execute(databases["shop_commerce"], _COMMERCE_LATER)
    _execute(databases["shop_crm"], _CRM_LATER)
    (shop / "marketing" / f"responses_{SECOND_LOAD}.ndjson").write_text(_RESPONSES_LATER, encoding="utf-8")
    second = open_build(settings, "run_2", SECOND_LOAD)
    load_all(second, databases)
    return second


def _execute(database: Path, script: str) -> None:
    connection = sqlite3.connect(database)
    connection.executescript(script)
    connection.close()
