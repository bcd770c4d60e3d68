"""The `incremental:` line: what is taken, and that what cannot be meant is refused with its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer360.errors import ProjectError
from customer360.project import TableName, load_project
from customer360.project.incremental import Loads, Partitions

RAW = """\
description: Orders. One row per order.
owner: nobody
key: [id]
columns:
  - {name: id, type: STRING, description: id, required: true}
  - {name: at, type: TIMESTAMP, description: when}
"""
MODEL = """\
description: A. One row per order.
owner: nobody
{lines}
columns:
  - {{name: id, type: STRING, description: id}}
  - {{name: day, type: DATE, description: day}}
  - {{name: _loaded_date, type: DATE, description: load}}
"""
PARTITIONED = "partition_by: {column: day, granularity: MONTH}\n"
SQL = "SELECT id, DATE(at) AS day, _loaded_date FROM raw_x.orders"
NEXT = "SELECT id, day, DATE '2024-01-01' AS _loaded_date FROM core.fct_a"


def project(folder: Path, lines: str, *, sql: str = SQL, dataset: str = "core/fct_a", other: str = "") -> None:
    """A project whose one model, or the second after `other`, has these lines in its model.yaml."""
    files = {
        "raw_x/orders/model.yaml": RAW,
        f"{dataset}/model.yaml": MODEL.format(lines=lines),
        f"{dataset}/query.sql": sql,
    }
    if other:
        files |= {"core/fct_a/model.yaml": MODEL.format(lines=other), "core/fct_a/query.sql": SQL}
    for name, text in files.items():
        file = folder / "sql" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_both_forms_are_read(tmp_path: Path) -> None:
    loads = PARTITIONED + "incremental: {loads: raw_x.orders, key: [id]}"
    follows = PARTITIONED + "incremental: {core.fct_a: day}"
    project(tmp_path, follows, sql=NEXT.replace("DATE '2024-01-01' AS _loaded_date", "day AS _loaded_day"),
            dataset="core/int_b", other=loads)  # fmt: skip
    (tmp_path / "sql/core/int_b/model.yaml").write_text(
        MODEL.format(lines=follows).replace("_loaded_date", "_loaded_day")
    )
    models = load_project(tmp_path).models
    assert models[TableName("core", "fct_a")].incremental == Loads(TableName("raw_x", "orders"), ("id",))
    assert models[TableName("core", "int_b")].incremental == Partitions({TableName("core", "fct_a"): "day"}, {})


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("incremental: {loads: raw_x.orders, key: [id]}", "an incremental table needs partitions"),
        (PARTITIONED + "incremental: day", "incremental is 'day'"),
        (PARTITIONED + "incremental: {loads: raw_x.orders}", "incremental by loads takes loads: and key:"),
        (PARTITIONED + "incremental: {loads: raw_x.orders, key: [number]}", "needs the column number"),
        (PARTITIONED + "incremental: {loads: raw_x.others, key: [id]}", "raw_x.others, which the query does not read"),
        (PARTITIONED + "incremental: {orders: day}", "incremental: "),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(tmp_path: Path, lines: str, wrong: str) -> None:
    project(tmp_path, lines)
    with pytest.raises(ProjectError, match=r"fct_a/model\.yaml") as refused:
        load_project(tmp_path)
    assert wrong in str(refused.value)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{core.fct_a: id}", "core.fct_a.id, which is no DATE or TIMESTAMP column"),
        ("{core.fct_a: from day}", "names no input whose rows are partitioned by their days"),
        ("{core.fct_a: day}", "an incremental table does not read _loaded_date"),
    ],
)
def test_what_does_not_fit_its_inputs_is_refused(tmp_path: Path, line: str, wrong: str) -> None:
    project(tmp_path, PARTITIONED + f"incremental: {line}", sql=NEXT, dataset="core/int_b", other=PARTITIONED)
    with pytest.raises(ProjectError, match="int_b") as refused:
        load_project(tmp_path)
    assert wrong in str(refused.value)
