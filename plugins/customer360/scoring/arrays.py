"""The array types that this room speaks, and equal rows told once."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


def floats(values: npt.ArrayLike) -> Floats:
    """Anything array-like as float64."""
    return np.asarray(values, dtype=np.float64)


def distinct_pairs(x: npt.ArrayLike, age: npt.ArrayLike) -> tuple[Floats, Floats, Integers]:
    """The distinct (x, age), and for each row which of them it is.

    A million customers whose ages are whole days are some ten thousand pairs.
    """
    # A complex number is a pair that numpy sorts at once.
    keys, inverse = np.unique(floats(x) + 1j * floats(age), return_inverse=True)
    return keys.real.copy(), keys.imag.copy(), inverse.astype(np.int64, copy=False)
