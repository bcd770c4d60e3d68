"""How many pairs of one person are found, and how many rightly, with and without the probabilistic stage.

    python benchmarks/splink_fake_1000.py --file .../fake_1000.csv [--model examples/splink/people.json] [--train]
    python benchmarks/splink_fake_1000.py --scale 1000000

`--file` (or FAKE_1000_FILE): Splink's public test data, 1,000 records of 251 people with the truth in column `cluster`.
Resolves them by certain keys alone, then with the model's pairs at each threshold, and prints precision, recall and F1
of pairs: `pairs` are those that a key or a match joins, `people` all pairs of records that came out as one person.
`--train` first estimates the model's probabilities from these records (never from the truth) and writes its file.

`--scale` makes as many records, a fifth of them second records of somebody with errors, trains the model on them and
scores them: seconds, pairs, and peak memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from customer360.identity import OBSERVATIONS, IdentityConfig, Tables, resolve, specs_of
from customer360.identity.configuration import Probabilistic
from customer360.identity.matching_model import ATTRIBUTES
from customer360.identity.probabilistic import score
from customer360.identity.training import certain_rules, read_records, train
from customer360.project import load_project
from customer360.project.names import TableName
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

SPECS = specs_of(load_project(Path(__file__).resolve().parents[1]))
RUN = RunInfo("benchmark", date(2024, 6, 30))
RECALL = 0.6
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
BORN = "DATE_OF_BIRTH"
KEYS = IdentityConfig(
    identifiers={"EMAIL": 10},
    combinations=(("FIRST_NAME", "LAST_NAME", BORN), ("LAST_NAME", BORN), ("FIRST_NAME", BORN)),
)
COLUMNS = {"email": "EMAIL", "first_name": "FIRST_NAME", "surname": "LAST_NAME", "dob": BORN, "city": "CITY"}


def observe(warehouse: LocalWarehouse, file: Path) -> dict[str, str]:
    """Write the records as observations. Returns record → person, the truth."""
    with file.open(encoding="utf-8") as lines:
        records = list(csv.DictReader(lines))
    rows = [
        {
            "source_system": "crm",
            "source_customer_id": record["unique_id"],
            "identity_type": type_,
            "identity_value": record[name].lower(),
            "first_loaded_date": RUN.run_date,
        }
        for record in records
        for name, type_ in COLUMNS.items()
    ]
    warehouse.append(SPECS["observations"], pa.Table.from_pylist(rows, schema=SPECS["observations"].arrow_schema))
    return {record["unique_id"]: record["cluster"] for record in records}


def measured(warehouse: LocalWarehouse, config: IdentityConfig, truth: dict[str, str]) -> dict[str, float]:
    """Resolve, and compare with the truth."""
    tables = Tables(**{role: TableName("identity", f"benchmark_{role}") for role in Tables().by_role})
    resolve(warehouse, OBSERVATIONS, config=config, run=RUN, specs=SPECS, target=tables)
    holders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in warehouse.query(f"SELECT * FROM {tables.edges}").to_pylist():
        holders[row["identity_type"], row["identity_value"]].append(row["source_customer_id"])
    joined = {pair for group in holders.values() for pair in combinations(sorted(group), 2)}
    rows = warehouse.query(f"SELECT * FROM {tables.map}").to_pylist()
    people = {row["source_customer_id"]: row["customer360_id"] for row in rows}
    actual = pairs(truth.values())
    return {
        "matches": warehouse.row_counts([tables.matches])[tables.matches],
        **rates("pairs", sum(truth[a] == truth[b] for a, b in joined), len(joined), actual),
        **rates("people", pairs(f"{people[r]} {truth[r]}" for r in truth), pairs(people.values()), actual),
        "largest": max(Counter(people.values()).values()),
    }


def pairs(groups: Iterable[str]) -> int:
    return sum(comb(n, 2) for n in Counter(groups).values())


def rates(name: str, right: int, found: int, actual: int) -> dict[str, float]:
    precision, recall = right / found, right / actual
    return {f"{name} P": precision, f"{name} R": recall, f"{name} F1": 2 * precision * recall / (precision + recall)}


def on_fake_1000(file: Path, model: Path, *, training: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="c360-benchmark-") as folder:
        warehouse = LocalWarehouse(Path(folder) / "lake")
        truth = observe(warehouse, file)
        if training:
            started = time.perf_counter()
            records = read_records(warehouse, OBSERVATIONS, KEYS, RUN)
            write(model, train(records, model, certain=certain_rules(KEYS), recall=RECALL))
            print(f"{model} trained in {time.perf_counter() - started:.1f} s")
        print(f"{len(truth):,} records of {len(set(truth.values()))} people, {pairs(truth.values()):,} pairs")
        show("keys alone", measured(warehouse, KEYS, truth))
        found = {}
        for threshold in THRESHOLDS:
            config = replace(KEYS, probabilistic=Probabilistic(model, threshold))
            found[threshold] = measured(warehouse, config, truth)
            show(f"and matches ≥ {threshold}", found[threshold])
        best = max(found, key=lambda threshold: found[threshold]["people F1"])
        print(f"best threshold {best}: clustered F1 {found[best]['people F1']:.3f} (to reach: 0.85)")
        warehouse.close()


def show(name: str, found: dict[str, float]) -> None:
    print(
        f"  {name:21}", *(f"{key} {value:.3f}" if " " in key else f"{key} {value:,.0f}" for key, value in found.items())
    )


def write(model: Path, trained: dict[str, Any]) -> None:
    model.write_text(json.dumps(trained, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def made_up(size: int) -> tuple[pa.Table, np.ndarray]:
    """Records, and whose each is. Names and cities are as unevenly spread as in life, addresses are made of names."""
    chance = np.random.default_rng(7)
    people = size * 4 // 5
    first, last, city = (_names(chance, people, *many) for many in ((2_000, 10), (20_000, 20), (1_000, 3)))
    born = (np.datetime64("1940-01-01") + chance.integers(0, 25_000, people)).astype(str)
    number = np.arange(people).astype(str)
    email = np.char.add(np.char.add(np.char.add(np.char.add(first, "."), last), number), "@example.org")
    owner = np.concatenate([np.arange(people), chance.choice(people, size - people, replace=False)])
    again = np.arange(size) >= people
    columns = {name: values[owner] for name, values in (("first_name", first), ("last_name", last), ("city", city))}
    columns |= {"date_of_birth": born[owner], "email": email[owner]}
    # Of second records half have another address, a third an error in the first name, a third another city.
    columns["email"] = np.where(
        again & (chance.random(size) < 0.5), np.char.add("p", columns["email"]), columns["email"]
    )
    wrong = again & (chance.random(size) < 1 / 3)
    columns["first_name"] = np.where(wrong, np.char.add(columns["first_name"], "e"), columns["first_name"])
    columns["city"] = np.where(
        again & (chance.random(size) < 1 / 3), chance.permutation(columns["city"]), columns["city"]
    )
    table = pa.table({"source_system": ["crm"] * size, "source_customer_id": np.arange(size).astype(str), **columns})
    for name in ATTRIBUTES:
        if name not in columns:
            table = table.append_column(name, pa.nulls(size, pa.string()))
    return table, owner


def _names(chance: np.random.Generator, size: int, many: int, flat: int) -> np.ndarray:
    weights = 1 / (np.arange(many) + flat)
    syllables = [c + v for c in "bcdfghklmnprstvwz" for v in "aeiou"]
    words = np.array(["".join(chance.choice(syllables, chance.integers(2, 5))) for _ in range(many)])
    return words[chance.choice(many, size, p=weights / weights.sum())]


def at_scale(size: int, model: Path) -> None:
    records, owner = made_up(size)
    with tempfile.TemporaryDirectory(prefix="c360-benchmark-") as folder:
        own = Path(folder) / "own.json"
        started = time.perf_counter()
        write(own, train(records, model, certain=certain_rules(IdentityConfig()), recall=0.9))
        print(f"{size:,} records: trained in {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        found = score(records, Probabilistic(own))
        seconds = time.perf_counter() - started
    print(f"  scored in {seconds:.1f} s: {len(found):,} matches")
    left, right = (
        owner[found[f"{side}_source_customer_id"].to_numpy(zero_copy_only=False).astype(int)]
        for side in ("left", "right")
    )
    actual = size - len(set(owner.tolist()))
    for threshold in (0.9, 0.99, 0.999):
        kept = found["match_probability"].to_numpy(zero_copy_only=False).astype(float) >= threshold
        same = int((left == right)[kept].sum())
        show(f"matches ≥ {threshold}", rates("pairs", same, int(kept.sum()), actual))
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=os.environ.get("FAKE_1000_FILE"))
    parser.add_argument("--model", type=Path, default=Path(__file__).parents[1] / "examples" / "splink" / "people.json")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--scale", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(format="  %(message)s")
    if arguments.scale:
        logging.getLogger("customer360.identity.probabilistic").setLevel(logging.INFO)
        at_scale(arguments.scale, arguments.model)
    elif arguments.file:
        on_fake_1000(arguments.file, arguments.model, training=arguments.train)
    else:
        parser.error("--file or --scale is needed")


if __name__ == "__main__":
    main()
