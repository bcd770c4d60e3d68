"""The sample shop, loaded: every row and cell that its generator made dirty is refused, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

from customer360.project import load_project
from customer360.sample import generate
from customer360.settings import load_settings
from customer360.sources import Connection, load_bindings, load_table
from customer360.warehouse.local import LocalWarehouse
from customer360.warehouse.port import RunInfo

ROOT = Path(__file__).parents[2]
UNTIL = date(2024, 6, 30)


def test_what_is_refused_is_what_the_manifest_counts(tmp_path: Path) -> None:
    project = load_project(ROOT)
    manifest = generate(tmp_path / "shop", customers=3000, days=730, seed=7, until=UNTIL)
    settings = load_settings({"C360_DATA": str(tmp_path), "C360_SHOP": str(tmp_path / "shop")})
    connections = {
        f"shop_{name}": Connection("sqlite", database=str(tmp_path / "shop" / f"{name}.sqlite"))
        for name in ("crm", "commerce")
    }
    warehouse = LocalWarehouse(settings.lake, schemas=project.schemas)
    found, wanted = {}, {}
    for system in load_bindings(ROOT / "examples" / "sample_shop", project).values():
        for table, binding in system.tables.items():
            name = f"{system.system}.{table}"
            result = load_table(
                binding, project.contracts[binding.contract], run=RunInfo("test", UNTIL), warehouse=warehouse,
                settings=settings, connections=connections.__getitem__,
            )  # fmt: skip
            query = f"SELECT column_name FROM quarantine.{system.system}__{table} WHERE kind = 'cell'"
            cells = (
                Counter(row["column_name"] for row in warehouse.query(query).to_pylist())
                if result.cells_quarantined
                else {}
            )
            found[name] = (result.rows_read, result.rows_loaded, result.rows_quarantined, dict(cells))
            facts = manifest.tables[name]
            refused = sum(facts.rows_refused.values())
            wanted[name] = (facts.rows_written, facts.rows_loaded, refused, dict(facts.cells_refused))
    warehouse.close()
    assert found == wanted
    assert len(wanted) == 15
    assert sum(refused for _, _, refused, _ in wanted.values()) > 100
