"""A small project with every kind of step, and three days of a shop: sources that change, late rows, people who merge.

The machinery is the product's, and so are most models; only the widest tables are cut down to a few columns, so that a
day takes seconds and can be killed a hundred times.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from random import Random

import yaml
from conftest import ROOT

DAYS = (date(2024, 6, 30), date(2024, 7, 1), date(2024, 7, 2))

# Copied as they are, with their expectations.
_TAKEN = (
    "raw_crm/customer_info",
    "raw_commerce/purchase_transactions",
    "raw_web/website_behavior",
    "raw_finance/exchange_rates",
    "staging/stg_crm__customer_info",
    "staging/stg_commerce__purchase_transactions",
    "staging/stg_web__website_behavior",
    "staging/stg_finance__exchange_rates",
    "core/fct_order_lines",
    "core/fct_orders",
    "core/fct_refunds",
    "core/int_customer_orders_daily",
    "core/fct_sessions",
    # what the resolution of identities makes
    "identity/identity_observations",
    "identity/identity_matches",
    "identity/identity_nodes",
    "identity/identity_blocked",
    "identity/identity_edges",
    "identity/identity_cuts",
    "identity/identity_map",
    "identity/identity_moves",
    "identity/identity_id_history",
)
# Of these the columns are the product's and the query is a small one.
_QUERIES = {
    "identity/identity_sightings": (
        "WITH named AS (\n"
        "  SELECT source_system, customer_id, MIN(first_loaded_date) AS first_loaded_date\n"
        "  FROM staging.stg_commerce__purchase_transactions\n"
        "  WHERE customer_id IS NOT NULL AND DATE(purchased_at) <= @run_date GROUP BY source_system, customer_id\n"
        "  UNION ALL\n"
        "  SELECT 'crm' AS source_system, customer_id, first_loaded_date FROM staging.stg_crm__customer_info\n"
        "  UNION ALL\n"
        "  SELECT source_system, customer_id, MIN(first_loaded_date) AS first_loaded_date\n"
        "  FROM staging.stg_web__website_behavior\n"
        "  WHERE customer_id IS NOT NULL AND DATE(visited_at) <= @run_date GROUP BY source_system, customer_id\n"
        "),\n"
        "told AS (\n"
        "  SELECT source_system, customer_id, CAST(NULL AS STRING) AS identity_type, CAST(NULL AS STRING) AS raw_value,\n"
        "    first_loaded_date, CAST(NULL AS TIMESTAMP) AS seen_at FROM named\n"
        "  UNION ALL\n"
        "  SELECT 'crm' AS source_system, customer_id, 'EMAIL' AS identity_type, email AS raw_value, first_loaded_date,\n"
        "    updated_at AS seen_at FROM staging.stg_crm__customer_info WHERE email IS NOT NULL\n"
        ")\n"
        "SELECT source_system, customer_id AS source_customer_id, identity_type, raw_value,\n"
        "  CAST(NULL AS STRING) AS country, CAST(NULL AS BOOL) AS is_primary, CAST(NULL AS BOOL) AS is_verified,\n"
        "  MIN(first_loaded_date) AS first_loaded_date, MAX(seen_at) AS seen_at\n"
        "FROM told GROUP BY source_system, source_customer_id, identity_type, raw_value\n"
    ),
    "identity/identity_decisions": (
        "SELECT customer_id AS override_id, 'merge' AS action, 'crm' AS left_source_system,\n"
        "  customer_id AS left_source_customer_id, 'crm' AS right_source_system, customer_id AS right_source_customer_id,\n"
        "  CAST(NULL AS STRING) AS decided_by, updated_at AS decided_at\n"
        "FROM staging.stg_crm__customer_info WHERE 1 = 0\n"
    ),
}  # fmt: skip
_HEAD = "owner: nobody\nschedule: daily\n"
_PERSON = "  - {name: customer360_id, type: STRING, description: Who.}\n"
_MONEY = "  - {name: total_revenue, type: NUMERIC, description: Spent.}\n"
_OWN = {
    "core/int_person_orders": (
        "description: Orders. One row per person.\n" + _HEAD + "columns:\n" + _PERSON
        + "  - {name: revenue, type: NUMERIC, description: Spent.}\n"
        "  - {name: orders_count, type: INT64, description: Orders.}\n",
        "SELECT people.customer360_id, SUM(fct_orders.gross_revenue) AS revenue, COUNT(*) AS orders_count\n"
        "FROM core.fct_orders INNER JOIN identity.identity_map AS people\n"
        "  ON fct_orders.source_system = people.source_system\n"
        "  AND fct_orders.source_customer_id = people.source_customer_id\n"
        "WHERE fct_orders.transaction_date > DATE '1900-01-01' GROUP BY people.customer360_id\n",
    ),
    "marts/customer_360": (
        "description: Everybody. One row per person.\n" + _HEAD + "key: [customer360_id]\ncolumns:\n" + _PERSON + _MONEY
        + "  - {name: orders_count, type: INT64, description: Orders.}\n"
        "  - {name: source_customers, type: INT64, description: Ids they have.}\n"
        "  - {name: run_date, type: DATE, description: D.}\n",
        "WITH known AS (\n"
        "  SELECT customer360_id, COUNT(*) AS source_customers FROM identity.identity_map GROUP BY customer360_id\n"
        ")\n"
        "SELECT known.customer360_id, COALESCE(orders.revenue, CAST(0 AS NUMERIC)) AS total_revenue,\n"
        "  COALESCE(orders.orders_count, 0) AS orders_count, known.source_customers, @run_date AS run_date\n"
        "FROM known LEFT JOIN core.int_person_orders AS orders ON known.customer360_id = orders.customer360_id\n",
    ),
    "marts/customer_360_history": (
        "description: Versions. One row per person and day of a change.\n" + _HEAD + "built_by: history\n"
        "reads: [marts.customer_360]\npartition_by: {column: valid_from, require_filter: true}\ncolumns:\n"
        "  - {name: valid_from, type: DATE, description: Since.}\n" + _PERSON + _MONEY,
        None,
    ),
    "marts/customer_360_daily": (
        "description: Days. One row per person and day.\n" + _HEAD + "built_by: history\n"
        "reads: [marts.customer_360]\npartition_by: {column: run_date, require_filter: true}\ncolumns:\n"
        "  - {name: run_date, type: DATE, description: D.}\n" + _PERSON
        + "  - {name: orders_count, type: INT64, description: Orders.}\n",
        None,
    ),
    "marts/buyers": (
        "description: Buyers. One row per buyer.\n" + _HEAD + "materialized: view\ncolumns:\n" + _PERSON,
        "SELECT customer360_id FROM marts.customer_360 WHERE orders_count > 0\n",
    ),
    "dashboards/agg_kpis": (
        "description: Figures. One row per table.\n" + _HEAD + "columns:\n"
        "  - {name: people, type: INT64, description: People.}\n" + _MONEY
        + "  - {name: run_date, type: DATE, description: D.}\n",
        "SELECT COUNT(*) AS people, SUM(total_revenue) AS total_revenue, MAX(run_date) AS run_date\n"
        "FROM marts.customer_360\n",
    ),
    "dashboards/agg_months": (
        "description: Months. One row per month.\n" + _HEAD + "columns:\n"
        "  - {name: month, type: DATE, description: Its first day.}\n" + _MONEY,
        "SELECT DATE_TRUNC(order_date, MONTH) AS month, SUM(gross_revenue) AS total_revenue FROM core.fct_orders\n"
        "WHERE transaction_date > DATE '1900-01-01' GROUP BY month\n",
    ),
}  # fmt: skip
# What `c360 demo` shows of dashboards.agg_kpis.
_FIGURES = (
    "SELECT 'People' AS title, CAST(people AS NUMERIC) AS value, CAST(NULL AS NUMERIC) AS previous_value,\n"
    "  CAST(NULL AS NUMERIC) AS change, 'integer' AS format FROM dashboards.agg_kpis\n"
)
_BINDINGS = {
    "example": "description: The shop that is killed.\nrun_date: 2024-07-01\nneeds: C360_SHOP\nconnections:\n"
    "  shop_commerce: sqlite:///${C360_SHOP}/commerce.sqlite\n",
    "crm": "system: crm\ntables:\n  customer_info:\n    files: ${C360_SHOP}/customers.csv\n    format: csv\n"
    "    load: snapshot\n",
    "commerce": "system: commerce\ntables:\n  purchase_transactions:\n    connection: shop_commerce\n"
    "    relation: order_lines\n    load: {cursor: updated_at}\n    freshness: {warn_after: 2 days}\n",
    "web": "system: web\ntables:\n  website_behavior:\n    files: ${C360_SHOP}/sessions_*.csv\n    format: csv\n"
    "    load: {file_date: 'sessions_(\\d{4}-\\d{2}-\\d{2})'}\n",
}


def make_project(home: Path) -> Path:
    """The project's folder: sql, expectations, bindings, and the product's own Dags."""
    for address in (*_TAKEN, *_QUERIES):
        shutil.copytree(ROOT / "sql" / address, home / "sql" / address, ignore=shutil.ignore_patterns("tests"))
        if (suite := ROOT / "expectations" / f"{address}.json").is_file():
            _write(home / "expectations" / f"{address}.json", _about_what_is_here(suite.read_text()))
    for address, query in _QUERIES.items():
        _write(home / "sql" / address / "query.sql", query)
    for address, (model, own) in _OWN.items():
        _write(home / "sql" / address / "model.yaml", model)
        if own:
            _write(home / "sql" / address / "query.sql", own)
        _write(home / "expectations" / f"{address}.json", json.dumps(_suite(address, model)))
    shutil.copy(ROOT / "sql" / "identity" / "identity.yaml", home / "sql" / "identity")
    shutil.copytree(ROOT / "sql" / "queries", home / "sql" / "queries")
    _write(home / "sql" / "queries" / "kpis.sql", _FIGURES)
    for name, text in _BINDINGS.items():
        _write(home / "bindings" / f"{name}.yaml", text)
    shutil.copytree(ROOT / "dags", home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    (home / "plugins").mkdir()
    shutil.copy(ROOT / "plugins" / "customer360_plugin.py", home / "plugins")
    return home


def small_project(home: Path) -> Path:
    """A project with a few tables of every kind, bound to what the sample shop has for them: its day takes a quarter.
    Set C360_HOME to the folder and C360_SOURCES to `bindings` in it."""
    make_project(home)
    shutil.rmtree(home / "bindings")
    (home / "bindings").mkdir()
    for file in (ROOT / "examples" / "sample_shop").glob("*.yaml"):
        bound = yaml.safe_load(file.read_text(encoding="utf-8"))
        contracts = home / "sql" / f"raw_{bound.get('system')}"
        tables = {name: how for name, how in bound.get("tables", {}).items() if (contracts / name).is_dir()}
        if tables or "system" not in bound:
            (home / "bindings" / file.name).write_text(yaml.safe_dump(bound | ({"tables": tables} if tables else {})))
    return home


def make_sources(folder: Path) -> dict[date, Path]:
    """What the shop's systems hold on the evening of each day: a folder each, for C360_SHOP."""
    chance = Random(5)
    people = {f"C{number}": f"person{number}@example.org" for number in range(1, 31)}
    lines: list[tuple[object, ...]] = []
    for number in range(1, 81):
        lines += _order(f"T{number}", DAYS[0] - timedelta(days=chance.randint(0, 60)), DAYS[0], chance)
    sources = {}
    for position, day in enumerate(DAYS):
        sources[day] = folder / str(day)
        sources[day].mkdir(parents=True)
        if position:
            people[f"C{30 + position}"] = people[f"C{position}"]  # the same person came again under a new id
            people[f"C{10 + position}"] = f"moved{position}@example.org"
            del people[f"C{20 + position}"]
            for number in range(81 + 10 * position, 89 + 10 * position):
                lines += _order(f"T{number}", day, day, chance)
            # What was sold 50 days ago is told again: its month is rebuilt.
            lines += _order(f"T{position}", day - timedelta(days=50), day, chance)
        _customers(sources[day] / "customers.csv", people)
        _orders(sources[day] / "commerce.sqlite", lines)
        for each in DAYS[: position + 1]:
            _sessions(sources[day] / f"sessions_{each}.csv", each)
    return sources


def _order(key: str, sold: date, told: date, chance: Random) -> list[tuple[object, ...]]:
    customer = chance.choice([f"C{chance.randint(1, 30)}", None])
    status = chance.choice(["delivered", "delivered", "shipped", "refunded"])
    return [
        (key, line, customer, f"P{chance.randint(1, 9)}", f"{sold} 10:00:00", chance.randint(1, 4),
         f"{chance.randint(1, 90)}.50", status, f"{told} 20:00:00")
        for line in range(1, chance.randint(2, 4))
    ]  # fmt: skip


def _customers(file: Path, people: dict[str, str]) -> None:
    with file.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["customer_id", "first_name", "last_name", "email", "country", "updated_at"])
        out.writerows([key, "Ada", key, email, "DE", "2024-06-29 12:00:00"] for key, email in people.items())


def _orders(file: Path, lines: list[tuple[object, ...]]) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE TABLE order_lines (transaction_id TEXT, line_number INTEGER, customer_id TEXT, product_id TEXT,"
            " purchase_date TEXT, quantity INTEGER, total_amount TEXT, order_status TEXT, updated_at TEXT)"
        )
        # Only the last telling of a line is in the shop's database.
        connection.executemany(
            "INSERT INTO order_lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            {(line[0], line[1]): line for line in lines}.values(),
        )
    connection.close()


def _sessions(file: Path, day: date) -> None:
    """200 sessions of the day, one of them without a time: it is refused."""
    with file.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["session_id", "customer_id", "visit_date", "pages_viewed", "anonymous_id"])
        for number in range(200):
            at = f"{day} {number % 24:02}:00:00" if number else "yesterday"
            out.writerow(
                [f"S{day:%m%d}{number}", f"C{number % 25 + 1}" if number % 3 else "", at, number % 9, f"A{number % 40}"]
            )


def _suite(address: str, model: str) -> dict[str, object]:
    """The first column of a small model is never empty."""
    first = yaml.safe_load(model)["columns"][0]["name"]
    expectation = {
        "type": "expect_column_values_to_not_be_null", "kwargs": {"column": first}, "severity": "critical",
        "description": f"every row has its {first}",
    }  # fmt: skip
    return {"name": address.replace("/", "."), "meta": {"key": [first]}, "expectations": [expectation]}


def _about_what_is_here(suite: str) -> str:
    """The suite without expectations that look into tables which this shop has not."""
    found = json.loads(suite)
    here = {name.replace("/", ".") for name in (*_TAKEN, *_QUERIES, *_OWN)}
    found["expectations"] = [
        each
        for each in found["expectations"]
        if set(re.findall(r"\b(?:staging|identity|core|marts)\.\w+", json.dumps(each["kwargs"]))) <= here
    ]
    return json.dumps(found)


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
