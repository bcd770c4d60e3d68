"""Purchase histories: from Arrow to the arrays that the models take.

One row per person: customer360_id STRING; x INT64, purchase days after the first; t_x_weeks and age_weeks FLOAT64, last
purchase and now, in weeks since the first; mean_value NUMERIC, mean gross revenue of the days after the first, NULL
where there is none. x is NULL for who never bought. `sql/queries/purchase_history.sql` gives it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from customer360.errors import Customer360Error
from customer360.scoring.arrays import Floats


@dataclass(frozen=True)
class Purchases:
    """People as arrays, in the order of the rows. Who never `bought` is 0 throughout.

    mean_value: NaN where it is not known
    """

    customer360_id: pa.ChunkedArray
    bought: npt.NDArray[np.bool_]
    x: Floats
    t_x: Floats
    age: Floats
    mean_value: Floats

    @classmethod
    def of(cls, rows: pa.Table) -> Purchases:
        """Read a purchase history; one that cannot be is a Customer360Error."""
        bought = pc.is_valid(rows["x"]).to_numpy()
        x, t_x, age = (_floats(rows[name], 0.0) for name in ("x", "t_x_weeks", "age_weeks"))
        # A comparison with NaN is false: that too is refused.
        wrong = ~((x >= 0) & (t_x >= 0) & (t_x <= age) & np.isfinite(age))
        if wrong.any():
            raise Customer360Error(
                f"purchase history: {wrong.sum()} of {len(wrong)} people have a negative x or t_x_weeks, or t_x_weeks"
                f" after age_weeks; the first is {rows['customer360_id'][int(np.argmax(wrong))]}"
            )
        return cls(rows["customer360_id"], bought, x, t_x, age, _floats(rows["mean_value"], np.nan))

    def buyers(self) -> Purchases:
        """Only those who have bought."""
        kept = self.bought
        return Purchases(
            self.customer360_id.filter(pa.array(kept)),
            kept[kept],
            self.x[kept],
            self.t_x[kept],
            self.age[kept],
            self.mean_value[kept],
        )


def _floats(column: pa.ChunkedArray, missing: float) -> Floats:
    filled: Floats = pc.fill_null(column.cast(pa.float64()), missing).to_numpy()
    return filled
