"""The queries that bring new loads into a table whose rows come from the newest load of their key.

All rows of a key are replaced together: what the loads deliver wins over what the table had. When a key was first
loaded is carried over from the table, unless that load is among those read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from customer360.project import Model
from customer360.project.incremental import FIRST_LOADED, LOADED, Loads
from customer360.project.periods import condition


def lookup_sql(model: Model, rule: Loads, narrowed: str, first: date) -> str:
    """Which partitions change: `side` (new, old, or gone for a row whose load no longer delivers it) and `day`.

    `narrowed`: the model's query over the loads from `first` on
    """
    assert model.spec.partition is not None
    own = model.spec.partition.column
    return f"""WITH new_rows AS (
{narrowed}
),
new_keys AS (SELECT DISTINCT {_list(rule.key)} FROM new_rows),
old_rows AS (
  SELECT known.`{own}` AS day, known.`{LOADED}` AS loaded, new_keys.`{rule.key[0]}` IS NOT NULL AS is_new
  FROM {model.name} AS known
  LEFT JOIN new_keys ON {_same("known", "new_keys", rule.key)}
)
SELECT DISTINCT 'new' AS side, {_first_day(model, f"`{own}`")} AS day FROM new_rows
UNION ALL
SELECT DISTINCT IF(is_new, 'old', 'gone') AS side, {_first_day(model, "day")} AS day
FROM old_rows
WHERE is_new OR loaded >= DATE '{first}'"""


def merge_sql(model: Model, rule: Loads, narrowed: str, first: date, partitions: Sequence[date]) -> str:
    """The rows of these partitions: what the loads deliver, and what the table has of other keys."""
    assert model.spec.partition is not None
    own, columns = model.spec.partition.column, list(model.spec.schema)
    wanted = condition(own, model.spec.schema[own], partitions, model.spec.partition.granularity)
    new = [f"new_rows.`{column}`" for column in columns]
    earlier = join = ""
    if FIRST_LOADED in columns:
        carried = f"COALESCE(earlier.`{FIRST_LOADED}`, new_rows.`{FIRST_LOADED}`) AS `{FIRST_LOADED}`"
        new[columns.index(FIRST_LOADED)] = carried
        join = f"LEFT JOIN earlier ON {_same('new_rows', 'earlier', rule.key)}"
        key = ", ".join(f"known.`{column}`" for column in rule.key)
        earlier = f"""earlier AS (
  SELECT {key}, MIN(known.`{FIRST_LOADED}`) AS `{FIRST_LOADED}`
  FROM {model.name} AS known
  INNER JOIN new_keys ON {_same("known", "new_keys", rule.key)}
  WHERE known.`{FIRST_LOADED}` < DATE '{first}'
  GROUP BY {key}
),
"""
    return f"""WITH new_rows AS (
{narrowed}
),
new_keys AS (SELECT DISTINCT {_list(rule.key)} FROM new_rows),
{earlier}old_rows AS (SELECT * FROM {model.name} WHERE {wanted})
SELECT {", ".join(new)}
FROM new_rows {join}
UNION ALL
SELECT {", ".join(f"old_rows.`{column}`" for column in columns)}
FROM old_rows
LEFT JOIN new_keys ON {_same("old_rows", "new_keys", rule.key)}
WHERE new_keys.`{rule.key[0]}` IS NULL"""


def _list(columns: Sequence[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def _same(left: str, right: str, key: Sequence[str]) -> str:
    return " AND ".join(f"{left}.`{column}` = {right}.`{column}`" for column in key)


def _first_day(model: Model, text: str) -> str:
    """The first day of the partition, from a value of its column."""
    assert model.spec.partition is not None
    is_day = model.spec.schema[model.spec.partition.column] == "DATE"
    return f"DATE_TRUNC({text if is_day else f'DATE({text})'}, {model.spec.partition.granularity})"
