"""Running a resolution: on both engines, killed, over nothing, and how many rounds it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from customer360.errors import WarehouseError
from customer360.identity import Tables, resolve
from customer360.identity.components import connected_components
from customer360.identity.steps import Steps
from customer360.project.names import TableName
from customer360.warehouse.lake import SCRATCH
from customer360.warehouse.port import RunInfo
from identity.shared import CONFIG, SPECS, Desk, day, decided, emails, groups, seen
from identity.test_probabilistic import a_split_and_a_merge


def two_days(desk: Desk) -> None:
    """An arrival, then a merge through a phone, a split and a decision to merge."""
    desk.observe([*emails(("a", "x"), ("b", "x"), ("shop:1", "y")), seen("c"), seen("d"), seen("e", "EMAIL", "")])
    desk.run(0)
    desk.observe([seen("b", "PHONE", "1", 1), seen("shop:1", "PHONE", "1", 1)])
    desk.decide([decided("o1", "split", "a", "b", 1), decided("o2", "merge", "c", "d", 1)])
    desk.run(1)


def test_both_engines_resolve_the_same(desk: Desk, cloud_desk: Desk) -> None:
    two_days(desk)
    two_days(cloud_desk)
    assert desk.groups() == groups("a", "b shop:1", "c d", "e")
    for here, there in zip(desk.states, cloud_desk.states, strict=True):
        for role in Tables().by_role:
            assert desk.rows(role, here) == cloud_desk.rows(role, there), role
    assert [each.rounds for each in desk.resolutions] == [each.rounds for each in cloud_desk.resolutions]
    assert not [name for name in cloud_desk.warehouse.tables("identity") if name.table.startswith("__")]


def test_both_engines_match_the_same_and_a_day_is_as_good_as_all(desk: Desk, cloud_desk: Desk) -> None:
    for each in (desk, cloud_desk):
        a_split_and_a_merge(each)
    assert desk.rows("matches")
    for role in Tables().by_role:
        assert desk.rows(role) == cloud_desk.rows(role), role
    desk.run(1, previous=desk.states[0], name="full", full=True)
    for role in Tables().by_role:
        assert desk.rows(role) == desk.rows(role, desk.tables("full_1")), role
    desk.config = replace(desk.config, probabilistic=None)
    desk.run(2)
    assert desk.groups() == groups("a", "b", "c", "shop:d") and not desk.rows("matches")


def test_nobody_then_somebody(desk: Desk) -> None:
    desk.observe([seen("a", on=1)])
    assert desk.run(0).people == 0
    assert desk.run(1).people == 1


def test_refused_values_join_nobody_and_a_customer_that_goes_is_accounted_for(desk: Desk) -> None:
    refused = [seen(c, "EMAIL", "Test@test.com") for c in "ab"] + [
        seen(c, "PHONE", "12", reason="invalid") for c in "ab"
    ]
    desk.observe([*refused, seen("a", "EMAIL", None)])
    resolution = desk.run(0)
    assert desk.groups() == groups("a", "b") and resolution.blocked == 3
    assert {(row["identity_value"], row["reason"], row["source_customers"]) for row in desk.rows("blocked")} == {
        ("Test@test.com", "placeholder", 2),
        ("12", "invalid", 2),
        ("", "empty", 1),
    }
    desk.name = "fewer"
    desk.observe([seen("a")])
    desk.run(1)
    assert desk.groups() == groups("a")
    assert [(row["source_customer_id"], row["cause"]) for row in desk.rows("moves")] == [("b", "removed")]


def test_state_of_two_days_is_not_compared_with(desk: Desk) -> None:
    """A publish that was cut short: the edges are a day newer than the map. All is resolved again, and rightly."""
    desk.observe([*emails(("a", "x")), seen("b"), seen("c")])
    desk.run(0)
    desk.observe(list(emails(("b", "x"), on=1)))
    desk.run(1)
    torn = replace(desk.states[0], edges=desk.states[1].edges)
    assert desk.run(2, previous=torn).resolved == 3
    assert desk.groups() == groups("a b", "c")


class Killed(BaseException):
    """The worker's process ends here."""


def test_killed_again_and_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try starts over what the one before left, and gets further."""
    desk.observe(list(emails(*((f"c{n // 2:02}", f"x{(n + 1) // 2}") for n in range(40)))))
    desk.decide([decided("o1", "split", "c03", "c12", 0)])
    written: list[str] = []
    run = Steps._run

    def killed(self: Steps, spec: object, target: TableName, *rest: object) -> int:
        written.append(target.table)
        if statement in target.table:
            raise Killed
        return run(self, spec, target, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Steps, "_run", killed)
        for statement in (  # noqa: B007 read by `killed`
            "labels_representatives_2",
            "joined_0_representatives_1",
            "people",
            "history",
        ):
            with pytest.raises(Killed):
                desk.run(0)
            assert desk.warehouse.tables(SCRATCH) and not lake_scratch(desk)
    tries = [len(part.split()) for part in " ".join(written).split("__previous")]
    assert tries[1:] == sorted(tries[1:])
    desk.run(0)
    states, desk.states = desk.states, []
    desk.run(0, name="untouched")
    desk.states = states
    for role in Tables().by_role:
        assert desk.rows(role) == desk.rows(role, desk.tables("untouched_0")), role
    assert len(desk.groups()) == 2
    assert not desk.warehouse.tables(SCRATCH) and not lake_scratch(desk)


def lake_scratch(desk: Desk) -> list[TableName]:
    """Scratch tables that reached the lake: none does."""
    return [name for name in desk.warehouse.tables("identity") if name.table.startswith("__")]


@pytest.mark.parametrize(
    "links",
    [
        "SELECT n AS u, n + 1 AS v FROM UNNEST(GENERATE_ARRAY(1, 9999)) AS n",
        "SELECT MOD(n * 7919, 10007) AS u, MOD((n + 1) * 7919, 10007) AS v FROM UNNEST(GENERATE_ARRAY(1, 9999)) AS n",
        "SELECT n AS u, 1 AS v FROM UNNEST(GENERATE_ARRAY(2, 10000)) AS n",
        "SELECT 10000 AS u, n AS v FROM UNNEST(GENERATE_ARRAY(1, 9999)) AS n",
    ],
    ids=["chain", "shuffled chain", "star", "star around the last"],
)
def test_rounds_are_logarithmic(desk: Desk, links: str) -> None:
    steps = Steps(desk.warehouse, RunInfo("r", day(0)), SPECS, Tables(), None, {}, {})
    assert steps.write_text("links", "u INT64, v INT64", links) == 9_999
    assert connected_components(steps, steps.scratch("links"), "labels") <= 2 * 13.3 + 3
    found = steps.count("SELECT COUNT(*) AS nodes, COUNT(DISTINCT component) AS components FROM scratch.labels")
    assert found == {"nodes": 10_000, "components": 1}


def test_a_missing_table_says_so(desk: Desk) -> None:
    with pytest.raises(WarehouseError, match=r"identity\.nowhere"):
        resolve(desk.warehouse, TableName("identity", "nowhere"), config=CONFIG, specs=SPECS, run=RunInfo("r", day(0)))
