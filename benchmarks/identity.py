"""How long resolving people takes, and connected components against scipy's on the same edges in the same run.

    python benchmarks/identity.py [--edges 10000000] [--folder DIR]

Makes source customers of people of one to twenty, with a chain of 10,000 among them, and edges between customers of one
person. Then, each in a process of its own: `scipy` labels the edges' components in memory; `rounds` does it in the
embedded warehouse, by the set-based rounds that run on BigQuery as well, and the partitions are compared; `resolve`
goes all the way for as many edges between customers and identifiers, from observations to ids with their history, then
one day more with a tenth of a percent of new edges. Prints seconds, peak memory and rounds.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DAY, NEXT = date(2024, 6, 30), date(2024, 7, 1)


def generate(folder: Path, edges: int) -> None:
    """edges.parquet (u, v) between customers, and observations.parquet with about as many edges to identifiers."""
    import duckdb
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    chance = np.random.default_rng(7)
    people = edges // 4
    sizes = np.minimum(chance.geometric(0.3, people), 20)
    sizes[0] = 10_000
    person = np.repeat(np.arange(people), sizes)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(len(person)) - starts
    names = chance.permutation(len(person)) + 1
    later = np.flatnonzero(place > 0)
    later = np.concatenate([later, chance.choice(later, max(edges - len(later), 0))])[:edges]
    earlier = starts[later] + (chance.random(len(later)) * place[later]).astype(np.int64)
    chain = person[later] == 0
    earlier[chain] = later[chain] - 1
    order = chance.permutation(len(later))
    pq.write_table(pa.table({"u": names[later][order], "v": names[earlier][order]}), folder / "edges.parquet")
    # An e-mail for every edge's earlier side (shared by those who hang on it), and a phone of one's own.
    duckdb.execute(
        f"""
        COPY (
          SELECT 'crm' AS source_system, 'c' || c AS source_customer_id, t AS identity_type, x AS identity_value,
            CAST(NULL AS VARCHAR) AS reason, CAST(NULL AS BOOLEAN) AS is_primary,
            CAST(NULL AS BOOLEAN) AS is_verified, DATE '{DAY}' AS first_loaded_date,
            TIMESTAMPTZ '{DAY} 12:00:00+00' AS seen_at
          FROM (
            SELECT u AS c, 'EMAIL' AS t, 'e' || v || '@x.de' AS x FROM '{folder}/edges.parquet'
            UNION ALL SELECT DISTINCT v, 'EMAIL', 'e' || v || '@x.de' FROM '{folder}/edges.parquet'
          )
        ) TO '{folder}/observations.parquet'"""
    )


def by_scipy(folder: Path) -> dict[str, float]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    table = pq.read_table(folder / "edges.parquet")
    started = time.perf_counter()
    u, v = table["u"].to_numpy(), table["v"].to_numpy()
    nodes = int(max(u.max(), v.max())) + 1
    matrix = coo_matrix((np.ones(len(u), np.int8), (u, v)), shape=(nodes, nodes))
    _, labels = connected_components(matrix, directed=False)
    seconds = time.perf_counter() - started
    pq.write_table(pa.table({"node": np.arange(nodes), "label": labels}), folder / "scipy.parquet")
    return {"seconds": seconds}


def by_rounds(folder: Path) -> dict[str, float]:
    import duckdb

    from customer360.identity.components import connected_components
    from customer360.identity.steps import Steps
    from customer360.identity.tables import Tables, specs_of
    from customer360.project import load_project
    from customer360.project.model import Column, TableSpec
    from customer360.project.names import TableName
    from customer360.warehouse.local import LocalWarehouse
    from customer360.warehouse.port import RunInfo

    warehouse = LocalWarehouse(folder / "lake_rounds", memory_limit="3GB")
    edges = TableSpec(TableName("identity", "edges"), (Column("u", "INT64", ""), Column("v", "INT64", "")), "")
    warehouse.load(edges, [str(folder / "edges.parquet")])
    steps = Steps(warehouse, RunInfo("benchmark", DAY), specs_of(load_project(ROOT)), Tables(), None, {}, {})
    started = time.perf_counter()
    rounds = connected_components(steps, edges.name, "labels")
    seconds = time.perf_counter() - started
    labels = warehouse.query(f"SELECT node, component FROM {steps.scratch('labels')}")
    # The same partition: as many pairs of labels as labels on either side, over every node that has an edge.
    pairs, ours, theirs, nodes = duckdb.execute(
        f"SELECT COUNT(DISTINCT (l.component, s.label)), COUNT(DISTINCT l.component), COUNT(DISTINCT s.label), COUNT(*)"
        f" FROM labels AS l JOIN '{folder}/scipy.parquet' AS s USING (node)"
    ).fetchall()[0]
    known = duckdb.execute(
        f"SELECT COUNT(*) FROM (SELECT u FROM '{folder}/edges.parquet' UNION SELECT v FROM '{folder}/edges.parquet')"
    ).fetchall()[0][0]
    assert pairs == ours == theirs, (pairs, ours, theirs)
    assert nodes == len(labels) == known, (nodes, len(labels), known)
    warehouse.close()
    return {"seconds": seconds, "rounds": rounds, "nodes": nodes, "components": ours}


def by_resolve(folder: Path) -> dict[str, float]:
    from customer360.identity import OBSERVATIONS, IdentityConfig, Tables, resolve, specs_of
    from customer360.project import load_project
    from customer360.project.names import TableName
    from customer360.settings import Parameter
    from customer360.warehouse.local import LocalWarehouse
    from customer360.warehouse.port import RunInfo

    warehouse = LocalWarehouse(folder / "lake_resolve", memory_limit="3GB")
    specs = specs_of(load_project(ROOT))
    warehouse.load(specs["observations"], [str(folder / "observations.parquet")])
    first = Tables(**{role: TableName("identity", f"first_{role}") for role in Tables().by_role})
    second = Tables(**{role: TableName("identity", f"second_{role}") for role in Tables().by_role})
    config = IdentityConfig(identifiers={"EMAIL": 25, "PHONE": 10})
    started = time.perf_counter()
    done = resolve(warehouse, OBSERVATIONS, config=config, run=RunInfo("first", DAY), specs=specs, target=first)
    seconds = time.perf_counter() - started
    more = TableName("identity", "more_observations")
    # A phone that a thousandth of the customers share with the one whose number is one higher.
    warehouse.write(
        specs["observations"],
        "SELECT * FROM identity.identity_observations UNION ALL"
        " SELECT 'crm', CONCAT('c', CAST(n + k AS STRING)), 'PHONE', CAST(n AS STRING), CAST(NULL AS STRING),"
        " CAST(NULL AS BOOL), CAST(NULL AS BOOL), @day, CAST(NULL AS TIMESTAMP)"
        " FROM UNNEST(GENERATE_ARRAY(1, @most, 2000)) AS n CROSS JOIN UNNEST([0, 1]) AS k",
        target=more,
        parameters={"day": Parameter("DATE", NEXT), "most": Parameter("INT64", done.resolved)},
    )
    started = time.perf_counter()
    run = RunInfo("next", NEXT)
    next_day = resolve(warehouse, more, config=config, run=run, specs=specs, previous=first, target=second)
    return {
        "seconds": seconds,
        "rounds": done.rounds,
        "source customers": done.resolved,
        "edges": done.jobs[first.edges].rows,
        "people": done.people,
        "next day seconds": time.perf_counter() - started,
        "next day resolved": next_day.resolved,
        "next day merged": next_day.merged,
    }


STEPS = {"scipy": by_scipy, "rounds": by_rounds, "resolve": by_resolve}


def in_a_process(step: str, folder: Path, *more: str) -> dict[str, float]:
    """One step alone: what another has used of memory is not its own."""
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder), *more]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def shown(name: str, value: float) -> str:
    return f"{name} {value:,.1f}" if "seconds" in name else f"{name} {value:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edges", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="Make the data here, and keep it.")
    parser.add_argument("--steps", nargs="*", default=[*STEPS], choices=[*STEPS], help="Which to measure.")
    parser.add_argument("--step", choices=[*STEPS, "generate"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        logging.basicConfig(format="%(asctime)s %(message)s")
        logging.getLogger("customer360").setLevel(logging.DEBUG)
        if arguments.step == "generate":
            generate(arguments.folder, arguments.edges)
            print("{}")
            return
        found = STEPS[arguments.step](arguments.folder)
        found["peak MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="c360-benchmark-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "observations.parquet").exists():
        in_a_process("generate", folder, "--edges", str(arguments.edges))
    for step in arguments.steps:
        shutil.rmtree(folder / f"lake_{step}", ignore_errors=True)
        found = in_a_process(step, folder)
        print(f"{step:8} {', '.join(shown(*item) for item in found.items())}", flush=True)
    if not arguments.folder:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
