"""What `compare` counts between two days is what a look at both tables, row by row, finds."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from conftest import ROOT

from customer360.errors import WarehouseError
from customer360.history import VERSIONS, compare
from customer360.history.tables import content
from customer360.project import load_project
from history.shelf import IDS, KEPT_SPEC, QUERIES, Row, Shelf, changed, day, person

PROJECT = load_project(ROOT)
LASTING = {column.name for column in content(PROJECT.spec(VERSIONS))}
SEGMENTS = ("value_segment", "rfm_segment", "lifecycle_stage")


def test_two_days_are_compared_column_by_column(shelf: Shelf) -> None:
    chance = random.Random(11)
    before = [person(number, chance) for number in range(12)]
    merged, gone = before[0]["customer360_id"], before[1]["customer360_id"]
    before = [
        row | {"total_revenue": Decimal(n % 4), "churn_risk_score": Decimal("0.5"), "value_segment": "Low Value"}
        for n, row in enumerate(before)
    ]
    after = (
        [changed(changed(row, chance), chance) for row in before[2:9]] + before[9:-1] + [before[-1], person(50, chance)]
    )
    for n, row in enumerate(after[2:9]):
        row |= {"total_revenue": Decimal(n), "churn_risk_score": Decimal(n) / 10, "value_segment": f"Value {n % 2}"}
    history = [
        {"customer360_id": merged, "valid_from": day(0), "valid_to": day(1), "cause": "created"},
        {"customer360_id": merged, "valid_from": day(1), "merged_into": after[0]["customer360_id"], "cause": "merged"},
    ]
    shelf.warehouse.append(IDS, pa.Table.from_pylist(history, schema=IDS.arrow_schema))
    shelf.keep(day(0), before)
    shelf.keep(day(1), after)
    found = compare(shelf.warehouse, QUERIES, PROJECT, day(0), day(1), most=3)

    pairs = _pairs(shelf)
    names = [column.name for column in KEPT_SPEC.columns if column.name not in ("customer360_id", "run_date")]
    counted = {name: sum(one[name] != other[name] for one, other in pairs) for name in names}
    assert found.columns == {name: count for name, count in counted.items() if count}
    assert list(found.columns.values()) == sorted(found.columns.values(), reverse=True)
    assert found.changed == sum(any(one[name] != other[name] for name in LASTING) for one, other in pairs)
    assert (found.people_before, found.people_after, found.arrived, found.merged, found.gone) == (12, 11, 1, 1, 1)
    assert [(each.what, each.customer360_id, each.merged_into) for each in found.arrivals] == [
        ("arrived", after[-1]["customer360_id"], None),
        ("gone", gone, None),
        ("merged", merged, after[0]["customer360_id"]),
    ]
    for column in ("total_revenue", "churn_risk_score"):
        moved = [
            (-abs(other[column] - one[column]), one["customer360_id"], other[column] - one[column])
            for one, other in pairs
            if None not in (one[column], other[column]) and one[column] != other[column]
        ]
        told = [(mover.customer360_id, mover.change) for mover in found.movers if mover.column == column]
        assert told == [(who, change) for _, who, change in sorted(moved)[:3]]
    for segment in SEGMENTS:
        moves = [(one[segment], other[segment]) for one, other in pairs if one[segment] != other[segment]]
        told_moves = {(m.before, m.after): m.people for m in found.moves if m.segment == segment}
        assert told_moves == {move: moves.count(move) for move in moves}
    assert found.movers and found.moves and found.columns
    with pytest.raises(WarehouseError, match="2024-01-02 is not before 2024-01-01"):
        compare(shelf.warehouse, QUERIES, PROJECT, day(1), day(0))
    with pytest.raises(WarehouseError, match="2024-01-03 is not kept; the nearest day is 2024-01-02"):
        compare(shelf.warehouse, QUERIES, PROJECT, day(0), day(2))


def _pairs(shelf: Shelf) -> list[tuple[Row, Row]]:
    one, other = ({row["customer360_id"]: row for row in shelf.said[day(n)]} for n in (0, 1))
    both: list[tuple[dict[str, Any], dict[str, Any]]] = [(one[who], other[who]) for who in one if who in other]
    return both
