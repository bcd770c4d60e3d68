"""Pairs of source customers that are probably one person, found by a Splink model: evidence weaker than all other.

A pair's probability depends on its two records and the model alone, as long as the model makes no term-frequency
adjustments: those change with everybody else's records, so people near the threshold would come and go.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer360.errors import ProjectError, WarehouseError
from customer360.identity.configuration import Probabilistic
from customer360.identity.matching_model import (
    ATTRIBUTES,
    KEYS,
    check_trained,
    label,
    levels,
    read_model,
    rules,
    splink_on,
)
from customer360.identity.steps import Steps
from customer360.warehouse.duckdb_text import identifier, literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

log = logging.getLogger(__name__)

_RECORDS = ", ".join(f"{name} STRING" for name in (*KEYS, *ATTRIBUTES))
_RECORDS += ", first_loaded_date DATE, last_seen_at TIMESTAMP"
_MOST_OTHERS = 10
# What `score` gives: the table of matches without its id and days, which SQL adds.
PAIRS = {
    **{f"{side}_{key}": "STRING" for side in ("left", "right") for key in KEYS},
    "match_probability": "NUMERIC",
    "match_weight": "NUMERIC",
    "evidence": "ARRAY<STRUCT<comparison STRING, level STRING, weight NUMERIC>>",
    "model": "STRING",
}


def find_matches(steps: Steps, stage: Probabilistic | None, *, memory_limit: str) -> int:
    """Write the table `matches`, without rows where no stage is configured. Returns its rows."""
    if stage is None:
        return steps.publishable("matches", empty=True)
    steps.write("records", _RECORDS)
    pairs = score(steps.read("records"), stage, memory_limit=memory_limit)
    steps.load("pairs", pairs, PAIRS)
    return steps.publishable("matches")


def score(records: pa.Table, stage: Probabilistic, *, memory_limit: str = "2GB") -> pa.Table:
    """The pairs of `records` at or above the threshold, with columns PAIRS, in the order of their keys.

    records: columns KEYS and ATTRIBUTES, texts in lower case, one row per source customer, in any order

    match_weight is the sum of the evidence's weights, each rounded to 4 decimals. Raises SettingsError where Splink is
    not installed, ProjectError where the model is wrong or made for fewer records, WarehouseError where it would
    compare too many pairs.
    """
    model = read_model(stage.model)
    check_trained(model, stage.model)
    _check_size(len(records), model, stage.model)
    started = time.monotonic()
    with splink_on(records, model, stage.model, memory_limit=memory_limit) as (linker, connection):
        compared = _check_pairs(connection, model, stage)
        found = linker.inference.predict(threshold_match_probability=stage.threshold)
        columns = set(connection.table(found.physical_name).columns)
        pairs = connection.execute(_answer(found.physical_name, columns, model, stage.model)).to_arrow_table()
    log.info(
        "%s: %s records, up to %s pairs compared, %s at %s or more, %.1f s", stage.model.name, f"{len(records):,}",
        f"{compared:,}", f"{len(pairs):,}", stage.threshold, time.monotonic() - started,
    )  # fmt: skip
    return pairs


def _check_size(records: int, model: Mapping[str, Any], file: Path) -> None:
    """Raise ProjectError where the model was trained on far fewer records: what is rare among a thousand is common
    among a million, and strangers would be joined by the thousand."""
    others = model["probability_two_random_records_match"] * (records - 1)
    if others > _MOST_OTHERS:
        raise ProjectError(
            f"trained on far fewer records than the {records:,} there are: probability_two_random_records_match expects"
            f" {others:,.0f} other records of the same person for each",
            path=file,
            hint="train it anew on these: `c360 train-matches --help`",
        )


def _check_pairs(connection: duckdb.DuckDBPyConnection, model: Mapping[str, Any], stage: Probabilistic) -> int:
    """How many pairs the blocking rules give at most. Raises WarehouseError where they are too many to compare."""
    from splink import DuckDBAPI
    from splink.blocking_analysis import count_comparisons_from_blocking_rule

    found = {}
    for rule in rules(model):
        counted = count_comparisons_from_blocking_rule(
            table_or_tables=["records"],
            blocking_rule=rule,
            link_type="dedupe_only",
            db_api=DuckDBAPI(connection),
            unique_id_column_name="record",
            compute_post_filter_count=False,
        )
        # Each pair in both orders.
        found[rule] = int(counted["number_of_comparisons_generated_pre_filter_conditions"]) // 2
    total = sum(found.values())
    if total > stage.most_pairs:
        most = max(found, key=lambda rule: found[rule])
        raise WarehouseError(
            f"{stage.model}: the blocking rules give up to {total:,} pairs to compare, and probabilistic.most_pairs in"
            f" identity.yaml is {stage.most_pairs:,}; {found[most]:,} are from {most!r}: have it compare one thing more"
        )
    return total


def _answer(predictions: str, columns: set[str], model: Mapping[str, Any], file: Path) -> str:
    """SQL that puts Splink's predictions into the columns PAIRS."""
    prior = model["probability_two_random_records_match"]
    evidence = [("any two records", literal("before comparing"), repr(math.log2(prior / (1 - prior))))]
    for comparison in model["comparisons"]:
        name = comparison["output_column_name"]
        cases = (f"WHEN {number} THEN {literal(label(level))}" for number, level in levels(comparison).items())
        column = name.replace(" ", "_")
        factors = [f"bf_{column}", f"bf_tf_adj_{column}"]
        weight = " + ".join(f"log2({identifier(factor)})" for factor in factors if factor in columns)
        evidence.append((name, f"CASE {identifier(f'gamma_{column}')} {' '.join(cases)} END", weight))
    entries = (
        f"{{'comparison': {literal(name)}, 'level': {level}, 'weight': CAST({weight} AS DECIMAL(38, 4))}}"
        for name, level, weight in evidence
    )
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return f"""
        WITH pairs AS (
          SELECT record_l, record_r, match_probability, [{", ".join(entries)}] AS evidence
          FROM {identifier(predictions)}
        )
        SELECT
          l.source_system AS left_source_system,
          l.source_customer_id AS left_source_customer_id,
          r.source_system AS right_source_system,
          r.source_customer_id AS right_source_customer_id,
          CAST(match_probability AS DECIMAL(38, 9)) AS match_probability,
          list_sum([each.weight FOR each IN evidence]) AS match_weight,
          evidence,
          {literal(f"{file.name} {digest}")} AS model
        FROM pairs
        INNER JOIN records AS l ON record_l = l.record
        INNER JOIN records AS r ON record_r = r.record
        ORDER BY record_l, record_r"""
