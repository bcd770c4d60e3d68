"""How fast Parquet loads: c360's landing, contract and raw table against a plain DuckDB CREATE TABLE AS, in one run.

    python benchmarks/load_parquet.py --rows 10_000_000

Both read the same file of purchase transactions and end with a table on disk. The target is half of DuckDB's speed.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

from customer360.project import Project, load_project
from customer360.settings import Settings, load_settings
from customer360.sources import Connection, load_bindings, load_table
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

RUN = RunInfo("benchmark", date(2024, 12, 31))
BINDING = """
system: commerce
description: Purchase transactions as the contract has them.
tables:
  purchase_transactions:
    files: {file}
    format: parquet
    load: snapshot
"""
ROWS = """
    SELECT 'T' || lpad((i // 3)::VARCHAR, 9, '0') AS transaction_id, (i % 3 + 1)::BIGINT AS line_number,
      'C' || hash(i // 3) % 1000000 AS customer_id, 'P' || hash(i) % 5000 AS product_id,
      TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds((hash(i // 3) % 31536000)::BIGINT) AS purchase_date,
      (hash(i + 1) % 5 + 1)::BIGINT AS quantity, (hash(i + 2) % 100000 / 100.0)::DECIMAL(38, 9) AS total_amount,
      'S' || hash(i // 3) % 50 AS store_id, 'EUR' AS currency,
      ['delivered', 'pending', 'refunded', 'shipped'][i % 4 + 1] AS order_status,
      0::DECIMAL(38, 9) AS discount_amount, NULL::VARCHAR AS promotion_code, 'web' AS channel,
      (hash(i + 3) % 1000 / 100.0)::DECIMAL(38, 9) AS tax_amount, 2.5::DECIMAL(38, 9) AS shipping_amount,
      TIMESTAMPTZ '2024-12-31 00:00:00+00' AS updated_at
    FROM range({rows}) AS t (i)
"""


def plain(file: Path, folder: Path, settings: Settings) -> float:
    """Seconds of CREATE TABLE AS into a DuckDB database on disk."""
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": settings.memory_limit}
    with duckdb.connect(str(folder / "plain.duckdb"), config=config) as connection:
        started = time.monotonic()
        connection.execute(f"CREATE TABLE purchase_transactions AS FROM '{file}'")
        connection.execute("CHECKPOINT")
        return time.monotonic() - started


def loaded(folder: Path, project: Project, settings: Settings) -> float:
    """Seconds of load_table: window, landing, contract, raw and log."""

    def no_connection(name: str) -> Connection:
        raise LookupError(name)

    binding = load_bindings(folder / "bindings", project)["commerce"].tables["purchase_transactions"]
    warehouse = LocalWarehouse(settings.lake, schemas=project.schemas, memory_limit=settings.memory_limit)
    started = time.monotonic()
    result = load_table(
        binding, project.contracts[binding.contract], run=RUN, warehouse=warehouse, settings=settings,
        connections=no_connection,
    )  # fmt: skip
    assert result.rows_loaded == result.rows_read, result
    return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=1, help="take turns this often; the best of each counts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "transactions.parquet"
        duckdb.execute(f"COPY ({ROWS.format(rows=arguments.rows)}) TO '{file}' (FORMAT parquet)")
        (folder / "bindings").mkdir()
        (folder / "bindings" / "commerce.yaml").write_text(BINDING.format(file=file))
        settings = load_settings({"C360_DATA": str(folder / "data")})
        project = load_project(settings.home)
        ours, theirs = [], []
        for _ in range(arguments.repeat):
            ours.append(loaded(folder, project, settings))
            theirs.append(plain(file, folder, settings))
            (folder / "plain.duckdb").unlink()
    print(f"{arguments.rows:,} rows of Parquet, best of {arguments.repeat}")
    for what, seconds in (("DuckDB CREATE TABLE AS", min(theirs)), ("c360 load", min(ours))):
        print(f"  {what:24}{seconds:8.2f} s {arguments.rows / seconds:14,.0f} rows/s")
    print(f"  c360 load runs at {min(theirs) / min(ours):.2f} × the speed of DuckDB (target 0.50)")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB, both included")


if __name__ == "__main__":
    main()
