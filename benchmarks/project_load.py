"""How long reading a project of 500 models takes: files → parsed, checked, typed models and their graph.

    python benchmarks/project_load.py [--models 500]

Copies this project's models under new names until there are enough, so the SQL is what real models look like.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import time
from pathlib import Path

from customer360.project import load_project

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=500)
    wanted = parser.parse_args().models
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        shutil.copytree(ROOT / "sql", root / "sql")
        names = list(load_project(ROOT).models)
        for number in range(1, wanted // len(names) + 2):
            for name in names:
                if len(names) * number + names.index(name) >= wanted:
                    break
                folder = root / "sql" / name.dataset / f"{name.table}_v{number}"
                shutil.copytree(ROOT / "sql" / name.dataset / name.table, folder)
                query = folder / "query.sql"
                # Copies read copies, so that the graph grows too.
                text = query.read_text(encoding="utf-8")
                for other in names:
                    if len(names) * number + names.index(other) < wanted:
                        text = re.sub(rf"\b{other.dataset}\.{other.table}\b", f"{other}_v{number}", text)
                query.write_text(text, encoding="utf-8")
        started = time.perf_counter()
        project = load_project(root)
        order = project.graph.order
        seconds = time.perf_counter() - started
    print(
        f"{len(order)} models, {sum(len(m.sql) for m in project.models.values()):,} characters of SQL: {seconds:.2f} s"
    )


if __name__ == "__main__":
    main()
