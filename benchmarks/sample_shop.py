"""How long the sample shop takes to write, and in how much memory: seconds a step, rows, peak resident memory.

    python benchmarks/sample_shop.py --customers 1000000

Writes into a temporary folder (`--to` names another) and deletes it.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from customer360.sample import generate
from customer360.sample.cli import DEFAULT_UNTIL


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--to", type=Path, help="existing folder to work in (default: the system's temporary one)")
    options = parser.parse_args()
    steps: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory(dir=options.to) as folder:
        start = time.perf_counter()
        result = generate(
            Path(folder) / "shop",
            customers=options.customers,
            days=options.days,
            seed=7,
            until=DEFAULT_UNTIL,
            on_step=lambda step: steps.append((step, time.perf_counter())),
        )
        end = time.perf_counter()
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    for (step, began), (_, ended) in zip(steps, [*steps[1:], ("", end)], strict=True):
        print(f"{step:<34} {ended - began:>12.1f} s")
    for name, facts in result.tables.items():
        print(f"{name:<34} {facts.rows_written:>12,} rows")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"{'all':<34} {end - start:>12.1f} s, {size / 1e9:.2f} GB of files, peak memory {peak / 2**30:.2f} GiB")


if __name__ == "__main__":
    main()
