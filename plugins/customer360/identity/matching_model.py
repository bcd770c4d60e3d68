"""Splink models: reading and judging their files, and opening Splink on records.

A model (Fellegi and Sunter, A theory for record linkage, 1969) compares records attribute by attribute. Each comparison
has levels of likeness; a level counts for log2(m / u), m and u being its shares among pairs of one person and of two.
The weights of a pair, and that of any two records, add up to log2 of the odds that it is one person. Only pairs that a
blocking rule of the model brings together are compared.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from customer360.errors import ProjectError, SettingsError, WarehouseError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from splink import Linker

KEYS = ("source_system", "source_customer_id")
ATTRIBUTES = (
    *("first_name", "last_name", "date_of_birth", "gender"),
    *("email", "phone", "postal_code", "city", "country"),
)
# What this room needs of Splink's answers, whatever the file says.
_OURS: dict[str, Any] = {
    "link_type": "dedupe_only",
    "unique_id_column_name": "record",
    "source_dataset_column_name": None,
    "retain_matching_columns": True,
    "retain_intermediate_calculation_columns": True,
    "additional_columns_to_retain": [],
    "bayes_factor_column_prefix": "bf_",
    "term_frequency_adjustment_column_prefix": "tf_",
    "comparison_vector_value_column_prefix": "gamma_",
}


def read_model(file: Path) -> dict[str, Any]:
    """The settings in a model's file. Raises ProjectError where it holds none, or none for customers' records."""
    try:
        model = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ProjectError(f"not JSON: {error}", path=file) from None
    if not isinstance(model, dict) or not model.get("comparisons"):
        raise ProjectError("no Splink model: it has no comparisons", path=file, hint="the JSON that Splink saves")
    for comparison in model["comparisons"]:
        if not isinstance(comparison, dict) or not {"output_column_name", "comparison_levels"} <= comparison.keys():
            raise ProjectError("a comparison has no output_column_name or no comparison_levels", path=file)
    if not model.get("blocking_rules_to_generate_predictions"):
        raise ProjectError(
            "blocking_rules_to_generate_predictions is empty: every record would be compared with every other",
            path=file,
            hint='such as [{"blocking_rule": "l.email = r.email"}]',
        )
    for key, expected in (("sql_dialect", "duckdb"), ("link_type", "dedupe_only")):
        if (found := model.get(key, expected)) != expected:
            raise ProjectError(f"{key} is {found!r}", path=file, hint=f"it must be {expected}")
    return model


def levels(comparison: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """A comparison's levels by the number that Splink gives them: −1 where an attribute is unknown, 0 for the least."""
    ranked = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
    by_number = {len(ranked) - 1 - n: level for n, level in enumerate(ranked)}
    for level in comparison["comparison_levels"]:
        if level.get("is_null_level"):
            by_number[-1] = level
    return by_number


def check_trained(model: Mapping[str, Any], file: Path) -> None:
    """Raise ProjectError where a probability is missing: Splink would put in one of its own."""
    hint = "train it: `c360 train-matches --help`"
    if not _is_probability(model.get("probability_two_random_records_match")):
        raise ProjectError("probability_two_random_records_match is no probability", path=file, hint=hint)
    for comparison in model["comparisons"]:
        for number, level in levels(comparison).items():
            for key in ("m_probability", "u_probability"):
                if number >= 0 and not _is_probability(level.get(key)):
                    name = f"{comparison['output_column_name']}, {label(level)!r}"
                    raise ProjectError(f"{name}: {key} is {level.get(key)!r}, no probability", path=file, hint=hint)


def label(level: Mapping[str, Any]) -> str:
    """What a level is called."""
    return str(level.get("label_for_charts") or level["sql_condition"])


def rules(model: Mapping[str, Any]) -> list[str]:
    """The SQL of the blocking rules."""
    found = model["blocking_rules_to_generate_predictions"]
    return [str(rule["blocking_rule"] if isinstance(rule, dict) else rule) for rule in found]


@contextmanager
def splink_on(
    records: pa.Table, model: Mapping[str, Any], file: Path, *, memory_limit: str, threads: int | None = None
) -> Iterator[tuple[Linker, duckdb.DuckDBPyConnection]]:
    """Splink with a model, on a DuckDB of its own that holds `records` (KEYS and ATTRIBUTES) numbered in their order.

    What it cannot hold in `memory_limit` goes to temporary files. SQL in a model's file reads no files. Raises
    SettingsError where Splink is not installed, ProjectError where the model is refused, WarehouseError for the rest.
    """
    if find_spec("splink") is None:
        raise SettingsError(f"{file} is a Splink model, and Splink is not installed: pip install customer360[splink]")
    import duckdb
    from splink import DuckDBAPI, Linker
    from splink.internals.exceptions import SplinkException

    # What it warns of is in the model's file or in its pairs, and is judged there.
    logging.getLogger("splink").setLevel(logging.ERROR)
    with TemporaryDirectory(prefix="c360-splink-") as scratch:
        connection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "preserve_insertion_order": False,
                "memory_limit": memory_limit,
                "temp_directory": scratch,
                **({"threads": threads} if threads else {}),
            },
        )
        try:
            connection.execute("SET enable_external_access = false")
            connection.execute("SET enable_progress_bar = false")
            connection.register("records", numbered(records))
            api = DuckDBAPI(connection)
            linker = Linker("records", {**model, **_OURS}, api, set_up_basic_logging=False, validate_settings=False)
            yield linker, connection
        except (SplinkException, duckdb.Error, ValueError, TypeError) as error:
            raise _refusal(error, file) from error
        finally:
            connection.close()


def numbered(records: pa.Table) -> pa.Table:
    """The records in the order of their keys, with that number as `record`."""
    import pyarrow as pa

    ordered = records.select([*KEYS, *ATTRIBUTES]).sort_by([(key, "ascending") for key in KEYS])
    return ordered.append_column("record", pa.array(range(len(ordered)), pa.int64()))


def _is_probability(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1 and math.isfinite(value)


def _refusal(error: Exception, file: Path) -> ProjectError | WarehouseError:
    """Splink's error in a sentence. Its own text is preceded by a page of SQL."""
    import duckdb

    cause = error.__cause__ or error
    first = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
    if isinstance(cause, duckdb.OperationalError):
        return WarehouseError(f"matching by {file}: {first}")
    columns: Sequence[str] = (*KEYS, *ATTRIBUTES)
    return ProjectError(f"Splink refuses the model: {first}", path=file, hint=f"records have {', '.join(columns)}")
