"""A Splink model fitted to one's own records, without knowing who is who.

The shares of likeness among pairs of two people (u) come from random pairs. Those among pairs of one person (m) come
from expectation maximisation over the pairs of each certain rule, which says nothing of the attributes in the rule. How
likely any two records are one person comes from how many pairs the certain rules find, and from the recall they are
believed to have.

The model's own blocking rules are no good for m: among a million records namesakes are many times more than pairs of
one person, their addresses are alike too, and maximisation takes them for the same people.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer360.errors import ProjectError
from customer360.identity.configuration import IdentityConfig
from customer360.identity.matching_model import ATTRIBUTES, read_model, splink_on
from customer360.identity.steps import Steps
from customer360.identity.tables import Tables
from customer360.project.names import TableName
from customer360.settings import Parameter
from customer360.warehouse.port import RunInfo, Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

_SEED = 1
_RANDOM_PAIRS = 1e7
# What certain rules never show can still be so: it counts against a pair by no more than this says, and not at all
# where it is as rare among pairs of two people.
_LEAST_M = 0.01


def read_records(warehouse: Warehouse, observations: TableName, config: IdentityConfig, run: RunInfo) -> pa.Table:
    """One row per source customer, as the stage itself compares them. Nothing is written."""
    parameters = {**config.parameters, "run_date": Parameter("DATE", run.run_date)}
    return Steps(warehouse, run, {}, Tables(), None, {"observations": observations}, parameters).ask("records")


def certain_rules(config: IdentityConfig) -> list[str]:
    """The identifiers and combinations of the configuration as blocking rules, where records have their attributes."""
    groups = [*((type_,) for type_ in config.identifiers), *config.combinations]
    names = [[type_.lower() for type_ in group] for group in groups]
    return [
        " AND ".join(f"l.{name} = r.{name}" for name in group)
        for group in names
        if all(name in ATTRIBUTES for name in group)
    ]


def train(
    records: pa.Table, file: Path, *, certain: Sequence[str], recall: float, memory_limit: str = "2GB"
) -> dict[str, Any]:
    """The model in `file` with its probabilities estimated anew, but those with fix_m_probability or fix_u_probability.

    records: columns KEYS and ATTRIBUTES; certain: blocking rules that hold for hardly anybody but one person
    recall: share of all pairs of one person that the certain rules find, as far as one can guess; 0 to 1

    The same records give the same model. Raises ProjectError where the model is wrong.
    """
    model = read_model(file)
    if not certain:
        raise ProjectError("no identifier or combination of identity.yaml is about an attribute of records", path=file)
    # One thread: with several, which pairs are drawn depends on who comes first.
    with splink_on(records, _untrained(model), file, memory_limit=memory_limit, threads=1) as (linker, _):
        from splink.internals.exceptions import EMTrainingException

        linker.training.estimate_probability_two_random_records_match(list(certain), recall=recall)
        linker.training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=_SEED)
        for rule in certain:
            try:
                linker.training.estimate_parameters_using_expectation_maximisation(rule)
            except EMTrainingException as error:  # hardly a pair agrees on it; the other rules remain
                log.info("%s: nothing learnt from %s: %s", file.name, rule, error)
        found = linker.misc.save_model_to_json()
    return _filled(model, found)


def _untrained(model: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is to be estimated."""
    bare = copy.deepcopy(dict(model))
    for comparison in bare["comparisons"]:
        for level in comparison["comparison_levels"]:
            for key in ("m_probability", "u_probability"):
                if not level.get(f"fix_{key}"):
                    level.pop(key, None)
    return bare


def _filled(model: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The file's own settings, with the probabilities that were found."""
    filled = copy.deepcopy(dict(model))
    filled["probability_two_random_records_match"] = _rounded(found["probability_two_random_records_match"])
    for comparison, answers in zip(filled["comparisons"], found["comparisons"], strict=True):
        for level, answer in zip(comparison["comparison_levels"], answers["comparison_levels"], strict=True):
            if level.get("is_null_level"):
                continue
            m, u = answer.get("m_probability"), answer.get("u_probability")
            # What was never seen comes as text, or not at all.
            u = max(u, 1 / _RANDOM_PAIRS) if isinstance(u, float) else 1 / _RANDOM_PAIRS
            m = max(m, min(u, _LEAST_M)) if isinstance(m, float) else min(u, _LEAST_M)
            estimated = {"m_probability": _rounded(m), "u_probability": _rounded(u)}
            level |= {key: value for key, value in estimated.items() if not level.get(f"fix_{key}")}
    return filled


def _rounded(value: float) -> float:
    """To digits that every machine agrees on."""
    return float(f"{value:.6g}")
