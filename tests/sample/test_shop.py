"""The sample shop looks like a shop, is the same shop every time, and never overwrites what it did not write."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from customer360.errors import SettingsError
from customer360.sample import STEPS, Manifest, generate
from customer360.sample.cli import sample

Shop = tuple[Path, Manifest]


def csv_header(path: Path) -> set[str]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return {*file.readline().rstrip().split(",")}


def json_keys(path: Path) -> set[str]:
    with path.open(encoding="utf-8") as file:
        return {*json.loads(file.readline())}


def parquet_columns(path: Path) -> set[str]:
    return {*duckdb.sql(f"FROM '{path}'").columns}


HEADERS = {"csv": csv_header, "ndjson": json_keys, "parquet": parquet_columns}


def small(folder: Path, *, seed: int = 1, heard: list[str] | None = None) -> Manifest:
    steps = [] if heard is None else heard
    return generate(folder, customers=300, days=365, seed=seed, until=date(2023, 12, 31), on_step=steps.append)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def number(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    (value,) = connection.execute(query).fetchone() or (None,)
    return float(value)


def test_the_same_arguments_give_the_same_files(tmp_path: Path) -> None:
    heard: list[str] = []
    one, two = small(tmp_path / "one", heard=heard), small(tmp_path / "two")
    assert one == two
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert tuple(heard) == STEPS
    assert small(tmp_path / "two", seed=2).truths != one.truths
    assert Manifest.read(tmp_path / "two").seed == 2, "a new shop replaces an earlier one"
    assert not (tmp_path / "two" / ".building").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SettingsError, match=r"thesis\.txt"):
        small(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(("customers", "days", "seed"), [(99, 365, 1), (300, 59, 1), (300, 365, -1)])
def test_arguments_out_of_range_are_refused(tmp_path: Path, customers: int, days: int, seed: int) -> None:
    with pytest.raises(SettingsError, match=r"must not|to"):
        generate(tmp_path / "new", customers=customers, days=days, seed=seed, until=date(2024, 1, 1))
    assert not (tmp_path / "new").exists()


def test_dirt_stays_below_what_a_contract_bears(shop: Shop, tmp_path: Path) -> None:
    for manifest in (shop[1], generate(tmp_path, customers=100, days=60, seed=3, until=date(2024, 3, 1))):
        for name, facts in manifest.tables.items():
            share = sum(facts.rows_refused.values()) / facts.rows_written
            assert share <= 0.01, f"{name}: {share:.2%} of {facts.rows_written} rows"


def test_the_last_days_may_come_in_a_file_each(tmp_path: Path) -> None:
    until = date(2024, 6, 30)
    generate(tmp_path, customers=100, days=150, seed=3, until=until, daily_files=60)
    days = [until - timedelta(days=before) for before in range(60)]
    for folder, name, least in (
        ("web/sessions", "sessions", 50),
        ("marketing", "responses", 8),
        ("support", "interactions", 8),
    ):
        found = {file.name.removeprefix(f"{name}_").partition(".")[0] for file in (tmp_path / folder).glob(f"{name}_*")}
        assert len(found & set(map(str, days))) >= least
        assert len(found - set(map(str, days))) <= 4, "what is older is in a file a month"
    headers = {gzip.decompress(file.read_bytes()).partition(b"\n")[0] for file in (tmp_path / "support").glob("*.gz")}
    assert headers == {b"ticket_id,customer_no,opened_at,ticket_type,sku,status,csat,comment"}
    read = f"read_parquet('{tmp_path}/web/sessions/sessions_*.parquet', filename=true)"
    with duckdb.connect() as connection:
        other = connection.execute(
            f"SELECT count(*) FROM {read} WHERE filename > '{tmp_path}/web/sessions/sessions_2024-05-02'"
            " AND started_at < '2024-07-01' AND filename NOT LIKE '%' || (started_at AT TIME ZONE 'UTC')::DATE || '%'"
        ).fetchone()
    assert other == (0,), "a day's file has that day"


def test_the_last_days_are_clean(files: duckdb.DuckDBPyConnection) -> None:
    """A day's load of a small shop cannot bear one refused row."""
    late = "FROM commerce.order_lines WHERE updated_at >= '2024-06-24'"
    assert number(files, f"SELECT count(*) {late}") > 50
    assert number(files, f"SELECT count(*) - count(DISTINCT (transaction_id, line_number)) {late}") == 0
    assert number(files, f"SELECT count(*) {late} AND TRY_CAST(line_amount AS DECIMAL(9, 2)) IS NULL") == 0


@pytest.mark.parametrize(
    ("what", "low", "high", "query"),
    [
        ("lines a customer", 8, 12, "SELECT count(*) / 5000 FROM commerce.order_lines"),
        ("sessions a customer", 8, 12, "SELECT count(*) / 5000 FROM sessions"),
        ("guest orders", 0.06, 0.10, "SELECT avg((customer_no IS NULL)::INT) FROM commerce.order_lines"),
        ("anonymous sessions", 0.57, 0.63, "SELECT avg((user_id IS NULL)::INT) FROM sessions"),
        ("accounts a person", 1.03, 1.05, "SELECT count(*) / 5000 FROM crm.customers"),
        (
            "untidy e-mails",
            0.05,
            0.2,
            "SELECT avg((email_address <> lower(trim(email_address)))::INT) FROM crm.customers",
        ),
        ("mailto", 50, 250, "SELECT count(*) FROM crm.customers WHERE email_address ILIKE 'mailto:%'"),
        ("leap days", 40, 60, "SELECT count(*) FROM crm.customers WHERE birth_date LIKE '%-02-29'"),
        ("one-letter names", 80, 250, "SELECT count(*) FROM crm.customers WHERE len(first_name) = 1"),
        (
            "names beyond ASCII",
            0.1,
            0.6,
            "SELECT avg((first_name <> strip_accents(first_name))::INT) FROM crm.customers",
        ),
        ("refunded", 0.02, 0.06, "SELECT avg((status = 'refunded')::INT) FROM commerce.order_lines"),
        ("negative", 0.002, 0.02, "SELECT avg(starts_with(line_amount, '-')::INT) FROM commerce.order_lines"),
        ("gifts", 0.004, 0.02, "SELECT avg((line_amount = '0.00')::INT) FROM commerce.order_lines"),
        ("cancelled", 0.02, 0.04, "SELECT avg((status = 'cancelled')::INT) FROM commerce.order_lines"),
        ("currency empty", 0.01, 0.04, "SELECT avg((currency IS NULL)::INT) FROM commerce.order_lines"),
        (
            "changed a month later or more",
            0.002,
            0.02,
            "SELECT avg((datediff('day', ordered_at::DATE, updated_at::DATE) > 29)::INT) FROM commerce.order_lines"
            " WHERE TRY_CAST(ordered_at AS TIMESTAMP) IS NOT NULL AND status = 'delivered'",
        ),
        (
            "lines equal to another of the transaction",
            500,
            2500,
            "SELECT sum(n - 1) FROM (SELECT count(DISTINCT line_number) AS n FROM commerce.order_lines"
            " GROUP BY transaction_id, sku, qty, line_amount, ordered_at HAVING n > 1)",
        ),
        (
            "share of the best tenth of buyers in orders: heavy",
            0.35,
            0.7,
            "SELECT sum(n) FILTER (tenth = 1) / sum(n) FROM (SELECT n, ntile(10) OVER (ORDER BY n DESC) AS tenth FROM"
            " (SELECT count(DISTINCT transaction_id) AS n FROM commerce.order_lines GROUP BY customer_no"
            " HAVING customer_no IS NOT NULL))",
        ),
        (
            "December against the month before and after",
            1.3,
            3,
            "SELECT 2 * count(*) FILTER (m = '2023-12') / count(*) FILTER (m IN ('2023-11', '2024-01'))"
            " FROM (SELECT left(ordered_at, 7) AS m FROM commerce.order_lines)",
        ),
        (
            "Saturdays against Sundays",
            1.3,
            2.2,
            "SELECT count(*) FILTER (d = 6) / count(*) FILTER (d = 0) FROM"
            " (SELECT dayofweek(TRY_CAST(ordered_at AS TIMESTAMP)) AS d FROM commerce.order_lines)",
        ),
        ("people at the kiosk", 20, 20, "SELECT count(DISTINCT user_id) FROM sessions WHERE client_id = 'kiosk-1'"),
        (
            "times of a change in a transaction",
            1,
            1,
            "SELECT max(n) FROM (SELECT count(DISTINCT updated_at) AS n FROM commerce.order_lines"
            " WHERE transaction_id <> '' GROUP BY transaction_id)",
        ),
        (
            "latest change",
            20240630,
            20240630,
            "SELECT replace(max(updated_at)[:10], '-', '') FROM commerce.order_lines",
        ),
    ],
)
def test_it_looks_like_a_shop(files: duckdb.DuckDBPyConnection, what: str, low: float, high: float, query: str) -> None:
    assert low <= number(files, query) <= high, what


def test_bindings_name_what_is_written(shop: Shop, files: duckdb.DuckDBPyConnection) -> None:
    folder, manifest = shop
    bound = []
    for path in sorted((Path(__file__).parents[2] / "examples" / "sample_shop").glob("*.yaml")):
        if path.name == "example.yaml":  # says how to run the folder, binds nothing
            continue
        binding = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert path.stem == binding["system"]
        for name, table in binding["tables"].items():
            bound.append(f"{binding['system']}.{name}")
            if "connection" in table:
                source = f"{table['connection'].removeprefix('shop_')}.{table['relation']}"
                written = {column[0] for column in files.execute(f"DESCRIBE {source}").fetchall()}
            else:
                found = sorted(folder.glob(table["files"].removeprefix("${C360_SHOP}/")))
                assert all(
                    re.search(table["load"]["file_date"], path.name) for path in found if table["load"] != "snapshot"
                )
                written = HEADERS[table["format"]](found[0])
            named = {*table["columns"].values()}
            assert named <= written, f"{path.name}: {name} names columns that are not written: {named - written}"
    assert sorted(bound) == sorted(manifest.tables)


def test_parquet_has_several_row_groups(shop: Shop, files: duckdb.DuckDBPyConnection) -> None:
    metadata = f"FROM parquet_metadata('{shop[0]}/web/sessions/*.parquet')"
    assert number(files, f"SELECT count(DISTINCT file_name) {metadata}") == 24 + 4  # a file a month, then a file a day
    assert number(files, f"SELECT max(row_group_id) {metadata}") >= 1


def test_the_command_teaches_and_writes(tmp_path: Path) -> None:
    runner = CliRunner()
    assert "c360 sample --customers 300" in runner.invoke(sample, ["--help"]).output
    done = runner.invoke(sample, ["--customers", "300", "--days", "90", "--to", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "crm.customer_info" in done.output
    assert Manifest.read(tmp_path).until == date(2024, 6, 30)
    refused = runner.invoke(sample, ["--customers", "3", "--to", str(tmp_path)])
    assert refused.exit_code == 2
    assert "100 to 9,000,000" in refused.output
