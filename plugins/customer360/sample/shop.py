"""Writes the sample shop: set-based, by the SQL files beside this module, out of core in a scratch database."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from customer360.errors import SettingsError
from customer360.sample import manifest
from customer360.sample.manifest import Manifest
from customer360.warehouse.duckdb_session import connect

_SQL = Path(__file__).parent / "sql"
_WRITTEN = (
    *("crm.sqlite", "commerce.sqlite", "support", "marketing", "web", "loyalty", "identity", "privacy", "traits"),
    *("truth", manifest.FILE),
)
# Staged beside the columns of a source, and never written into it.
_TRUTH_COLUMNS = "refused|bad_cell|person"
DAILY_FILES = 4  # the least that tests of daily loads need
# What `on_step` hears, in order.
STEPS = (
    *("people", "crm", "commerce", "support", "marketing", "web", "loyalty", "identity", "privacy", "traits"),
    "manifest",
)
_SESSION_COLUMNS = (
    "session_id, client_id, user_id, started_at, page_count, duration_s, traffic_source, device, landing_category,"
    " browser"
)
_EVENT_COLUMNS = (
    "event_no, session_id, client_id, user_id, user_system, type, name, category, value, properties, url, referrer,"
    " utm_source, utm_medium, utm_campaign, device, browser, os, geo_country, geo_city, happened_at"
)


def generate(
    folder: Path,
    *,
    customers: int,
    days: int,
    seed: int,
    until: date,
    daily_files: int = DAILY_FILES,
    on_step: Callable[[str], None] = lambda step: None,
    memory_limit: str = "2GB",
) -> Manifest:
    """Write a shop of so many people and so many days of activity, the last of them `until`, into the folder.

    `daily_files`: the last so many days are exported in a file each, what is older in a file a month.

    The same arguments give the same rows. `on_step` hears each of STEPS as it starts. The folder may be new, empty or
    an earlier sample shop, which is replaced once the new one is complete; anything else is refused.
    """
    _check(folder, customers=customers, days=days, seed=seed, daily_files=daily_files)
    folder.mkdir(parents=True, exist_ok=True)
    building = folder / ".building"
    shutil.rmtree(building, ignore_errors=True)
    scratch = building / "scratch"
    scratch.mkdir(parents=True)
    try:
        connection = connect("sqlite_scanner", memory_limit=memory_limit, temp_directory=scratch)
        try:
            connection.execute("SET preserve_insertion_order = true")  # the rows of a file have an order here
            connection.execute(f"ATTACH {_quoted(scratch / 'shop.duckdb')} AS shop; USE shop")
            values = {"customers": customers, "days": days, "seed": seed, "until": until, "daily_files": daily_files}
            for name, value in values.items():
                connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
            facts = _write(connection, building, on_step)
        finally:
            connection.close()
        result = Manifest(customers, days, seed, until, *facts)
        result.write(building)
        _put_in_place(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return result


def _check(folder: Path, *, customers: int, days: int, seed: int, daily_files: int) -> None:
    if not 100 <= customers <= 9_000_000:
        raise SettingsError(f"customers is {customers}; a sample shop has 100 to 9,000,000 of them")
    if not 60 <= days <= 3650:
        raise SettingsError(f"days is {days}; a sample shop has 60 to 3650 of them")
    if not DAILY_FILES <= daily_files <= days:
        raise SettingsError(f"daily_files is {daily_files}; {DAILY_FILES} to {days} (days) can be")
    if seed < 0:
        raise SettingsError(f"seed is {seed}; it must not be negative")
    if folder.is_dir() and not (folder / manifest.FILE).is_file():
        found = sorted(path.name for path in folder.iterdir() if path.name != ".building")
        if found:
            raise SettingsError(
                f"{folder} holds {found[0]!r} and no sample shop; nothing was written. Name a new or an empty folder"
            )


def _write(
    connection: duckdb.DuckDBPyConnection, folder: Path, on_step: Callable[[str], None]
) -> tuple[dict[str, manifest.TableFacts], dict[str, int | Decimal]]:
    on_step("people")
    _run(connection, "10_chance_and_calendar", "20_people")
    on_step("crm")
    _run(connection, "30_crm", "35_recognition")
    _to_sqlite(connection, folder / "crm.sqlite", {"customers": "crm_customers"})
    on_step("commerce")
    _run(connection, "40_commerce", "45_promotions")
    _to_sqlite(
        connection,
        folder / "commerce.sqlite",
        {
            "products": "commerce_products",
            "order_lines": "commerce_order_lines",
            "promotions": "commerce_promotions",
            "redemptions": "commerce_redemptions",
        },
    )
    on_step("support")
    _run(connection, "50_support")
    _to_exports(connection, "support_files", "contact, copy", folder / "support", "interactions_{day}.csv.gz")
    on_step("marketing")
    _run(connection, "60_marketing")
    _to_text(connection, "campaign_documents", "campaign", folder / "marketing" / "campaigns.ndjson")
    _to_exports(
        connection, "response_files", "happened_at, touch, step", folder / "marketing", "responses_{day}.ndjson"
    )
    on_step("web")
    _run(connection, "70_web", "75_events")
    _to_parquet(connection, "web_sessions", _SESSION_COLUMNS, "visit_day, session, copy", folder / "web" / "sessions")
    _to_parquet(connection, "web_events", _EVENT_COLUMNS, "visit_day, event, copy", folder / "web" / "events")
    on_step("loyalty")
    _run(connection, "76_loyalty")
    _to_text(connection, "loyalty_file", "number, copy", folder / "loyalty" / "accounts.csv")
    on_step("identity")
    _run(connection, "77_identity")
    _to_text(connection, "identity_file", "number, copy", folder / "identity" / "identities.ndjson")
    _to_text(connection, "override_file", "number", folder / "identity" / "overrides.csv")
    on_step("privacy")
    _run(connection, "78_privacy")
    _to_exports(connection, "consent_files", "number, copy", folder / "privacy", "consents_{day}.csv.gz")
    on_step("traits")
    _run(connection, "79_traits")
    _to_text(connection, "trait_file", "number, copy", folder / "traits" / "traits.ndjson")
    on_step("manifest")
    _run(connection, "80_people", "85_truths")
    (folder / "truth").mkdir()
    connection.execute(f"COPY people TO {_quoted(folder / 'truth' / 'people.csv')} (FORMAT csv, HEADER)")
    return manifest.count(connection)


def _run(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    for name in names:
        connection.execute((_SQL / f"{name}.sql").read_text(encoding="utf-8"))


def _export_days(connection: duckdb.DuckDBPyConnection, relation: str) -> list[date]:
    return [day for (day,) in connection.execute(f"SELECT DISTINCT export_day FROM {relation} ORDER BY 1").fetchall()]


def _to_sqlite(connection: duckdb.DuckDBPyConnection, path: Path, tables: dict[str, str]) -> None:
    # Without a journal: the file is thrown away if this does not end.
    connection.execute(f"ATTACH {_quoted(path)} AS source (TYPE sqlite, JOURNAL_MODE 'off')")
    for table, relation in tables.items():
        connection.execute(
            f"CREATE TABLE source.{table} AS"
            f" SELECT COLUMNS(name -> NOT regexp_full_match(name, '{_TRUTH_COLUMNS}')) FROM {relation}"
        )
    connection.execute("DETACH source")


def _to_text(connection: duckdb.DuckDBPyConnection, relation: str, order: str, path: Path, where: str = "TRUE") -> None:
    """Lines as they are: the broken ones must arrive broken, so no CSV or JSON writer may touch them."""
    path.parent.mkdir(exist_ok=True)
    compression = "gzip" if path.suffix == ".gz" else "none"
    connection.execute(
        f"COPY (SELECT text FROM {relation} WHERE {where} ORDER BY {order}) TO {_quoted(path)}"
        f" (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01', COMPRESSION {compression})"
    )


def _to_exports(connection: duckdb.DuckDBPyConnection, relation: str, order: str, folder: Path, name: str) -> None:
    """One file of text for each export_day of a relation."""
    for day in _export_days(connection, relation):
        _to_text(connection, relation, order, folder / name.format(day=day), f"export_day = DATE '{day}'")


def _to_parquet(connection: duckdb.DuckDBPyConnection, relation: str, columns: str, order: str, folder: Path) -> None:
    """One file for each export_day of a relation, named by the folder."""
    folder.mkdir(parents=True)
    (rows,) = connection.execute(f"SELECT count(*) FROM {relation}").fetchone() or (0,)
    row_group = max(2048, min(122_880, rows // 100))  # a few groups in each month's file
    for day in _export_days(connection, relation):
        connection.execute(
            f"COPY (SELECT {columns} FROM {relation} WHERE export_day = DATE '{day}' ORDER BY {order})"
            f" TO {_quoted(folder / f'{folder.name}_{day}.parquet')} (FORMAT parquet, ROW_GROUP_SIZE {row_group})"
        )


def _put_in_place(building: Path, folder: Path) -> None:
    for name in _WRITTEN:
        old = folder / name
        if old.is_dir():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
        (building / name).rename(old)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
