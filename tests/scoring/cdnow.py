"""The CDNOW sample: 2,357 customers over 39 weeks, as the papers and every other implementation use it."""

from __future__ import annotations

import functools
import importlib.metadata

import numpy as np
import pyarrow as pa
import pyarrow.csv

from customer360.scoring.arrays import Floats


@functools.cache
def customers() -> tuple[Floats, Floats, Floats]:
    """x, t_x and T in weeks."""
    rows = _read("cdnow_customers_summary.csv")
    return tuple(rows[name].cast(pa.float64()).to_numpy() for name in ("frequency", "recency", "T"))


@functools.cache
def spending() -> tuple[Floats, Floats]:
    """x and the mean value of those who bought again."""
    rows = _read("cdnow_customers_summary_with_transactions.csv")
    x, mean_value = (rows[name].cast(pa.float64()).to_numpy() for name in ("x", "zbar"))
    return x[x > 0], mean_value[x > 0]


@functools.cache
def history() -> pa.Table:
    """The sample as a purchase history."""
    rows = _read("cdnow_customers_summary_with_transactions.csv")
    valued = np.asarray(rows["x"]) > 0
    return pa.table(
        {
            "customer360_id": pa.array([f"c{number}" for number in rows["ID"].to_pylist()]),
            "x": rows["x"],
            "t_x_weeks": rows["t_x"].cast(pa.float64()),
            "age_weeks": rows["T"].cast(pa.float64()),
            "mean_value": pa.array(rows["zbar"].to_numpy(), mask=~valued).cast(pa.decimal128(38, 9)),
        }
    )


def _read(name: str) -> pa.Table:
    # The file only: the library's own code is never imported.
    return pyarrow.csv.read_csv(importlib.metadata.distribution("lifetimes").locate_file(f"lifetimes/datasets/{name}"))
