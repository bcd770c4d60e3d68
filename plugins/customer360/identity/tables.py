"""Where a resolution's tables are. What is in them is said beside the models: sql/identity/<table>/model.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

from customer360.project.load import Project
from customer360.project.model import TableSpec
from customer360.project.names import TableName

DATASET = "identity"
SIGHTINGS = TableName(DATASET, "identity_sightings")
DECISIONS = TableName(DATASET, "identity_decisions")
OBSERVATIONS = TableName(DATASET, "identity_observations")
MATCHES = TableName(DATASET, "identity_matches")
NODES = TableName(DATASET, "identity_nodes")
BLOCKED = TableName(DATASET, "identity_blocked")
EDGES = TableName(DATASET, "identity_edges")
CUTS = TableName(DATASET, "identity_cuts")
MAP = TableName(DATASET, "identity_map")
MOVES = TableName(DATASET, "identity_moves")
HISTORY = TableName(DATASET, "identity_id_history")


@dataclass(frozen=True)
class Tables:
    """The tables of one resolution by their role: the published ones, or the candidates of a run."""

    matches: TableName = MATCHES
    nodes: TableName = NODES
    blocked: TableName = BLOCKED
    edges: TableName = EDGES
    cuts: TableName = CUTS
    map: TableName = MAP
    moves: TableName = MOVES
    history: TableName = HISTORY

    def candidates(self, run_date: date) -> Tables:
        """Where a run of this date writes them before they are audited."""
        return Tables(**{role: name.candidate(run_date) for role, name in self.by_role.items()})

    @property
    def by_role(self) -> dict[str, TableName]:
        """`edges` → its table, and so on."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def specs_of(project: Project) -> Mapping[str, TableSpec]:
    """`edges` → what its model.yaml says, and so on; `observations` too."""
    names = {"observations": OBSERVATIONS, **Tables().by_role}
    return {role: project.models[name].spec for role, name in names.items()}
