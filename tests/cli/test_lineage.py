"""`c360 lineage`: back to raw, ahead to dashboards, as text and as pictures. Nothing is opened, let alone run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from customer360.cli.main import cli
from customer360.errors import ProjectError


@pytest.fixture
def lineage(tmp_path: Path) -> Iterator[Callable[..., Result]]:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["lineage", *arguments], env={"C360_DATA": str(tmp_path / "none")})

    yield run
    assert not (tmp_path / "none").exists()


def test_lineage_looks_back_and_ahead(lineage: Callable[..., Result]) -> None:
    back = lineage("marts.customer_360.primary_email").output
    assert "─ core.int_person_contacts.primary_email  as it is" in back
    assert "identity.identity_observations.identity_value  aggregated" in back
    assert "joined on: core.int_person_acquisition.customer360_id" in back
    ends = lineage("marts.customer_360.total_revenue", "--to-raw").output
    assert "\n  raw_finance.exchange_rates: rate\n" in ends.partition("which rows")[0]
    ahead = lineage("raw_crm.customer_info.city", "--downstream").output
    assert "marts.customer_360.city  as it is" in ahead
    assert "goes into what identity computes: identity.identity_blocked" in ahead
    assert lineage("identity.identity_map", "--format", "mermaid").output.startswith("flowchart LR\n")
    assert lineage("marts.customer_360.age", "--format", "svg").output.rstrip().endswith("</svg>")


def test_lineage_of_nothing_names_the_nearest(lineage: Callable[..., Result]) -> None:
    refused = lineage("marts.customer_360.primary_mail")
    assert isinstance(refused.exception, ProjectError)
    assert "did you mean primary_email" in str(refused.exception)
    assert "give one of them" in lineage("marts.customer_360", "--to-raw", "--downstream").output
