"""What the room reads and writes: the observations it is given, the tables it makes, and where a run finds them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

from customer360.project.model import Column, TableSpec
from customer360.project.names import TableName

DATASET = "identity"

_SOURCE = (
    Column("source_system", "STRING", "System that knows the customer.", required=True),
    Column("source_customer_id", "STRING", "Identifier of the customer in that system.", required=True),
)
_SIDES = tuple(
    Column(f"{side}_{column.name}", column.type, f"The {side} side. {column.description}", required=True)
    for side in ("left", "right")
    for column in _SOURCE
)
_IDENTIFIER = (
    Column(
        "identity_type",
        "STRING",
        "EMAIL, PHONE …, a combination such as FIRST_NAME+LAST_NAME, OVERRIDE or PROBABILISTIC.",
    ),
    Column("identity_value", "STRING", "Normalised value; of a decision or a match its id.", pii=True),
)
_SEEN = (
    Column("first_loaded_date", "DATE", "Logical date of the load that first brought it."),
    Column("last_seen_at", "TIMESTAMP", "When it was last seen."),
)
_PERSON = Column("customer360_id", "STRING", "Persistent identifier of the person.", required=True)

OBSERVATIONS = TableSpec(
    TableName(DATASET, "identity_observations"),
    (
        *_SOURCE,
        Column("identity_type", "STRING", "EMAIL, PHONE …, or an attribute; NULL where the row only names a customer."),
        Column("identity_value", "STRING", "Normalised value; as it arrived where it is no identifier.", pii=True),
        Column("reason", "STRING", "Why it is no identifier (empty, placeholder, invalid); NULL where it is one."),
        Column("first_loaded_date", "DATE", "Logical date of the load that first brought it.", required=True),
        Column("seen_at", "TIMESTAMP", "When the source saw it."),
    ),
    "What sources say about who is who. One row per source customer, identifier and sighting.",
)
OVERRIDES = TableSpec(
    TableName(DATASET, "identity_decisions"),
    (
        Column("override_id", "STRING", "Key.", required=True),
        Column("action", "STRING", "merge or split; others are ignored.", required=True),
        *_SIDES,
        Column("decided_at", "TIMESTAMP", "When; of two decisions that contradict each other, the later holds."),
    ),
    "What people decided about who is who. One row per decision.",
)

MATCHES = TableSpec(
    TableName(DATASET, "identity_matches"),
    (
        Column("match_id", "STRING", "Key; identity_value of the pair's edges, of type PROBABILISTIC.", pii=True),
        *_SIDES,
        Column("match_probability", "NUMERIC", "That they are one person, as the model sees it; 0 to 1."),
        Column("match_weight", "NUMERIC", "The same as log2 of the odds: the sum of the evidence's weights."),
        Column(
            "evidence",
            "ARRAY<STRUCT<comparison STRING, level STRING, weight NUMERIC>>",
            "Why: the odds of any two records, then each attribute, how much alike it is, and what that counts for.",
        ),
        Column("model", "STRING", "File of the Splink model and the beginning of its SHA-256."),
        *_SEEN,
    ),
    "Pairs that are probably one person; empty where no model is configured. One row per pair of source customers.",
    cluster_by=("match_id",),
)
NODES = TableSpec(
    TableName(DATASET, "identity_nodes"),
    (
        *_IDENTIFIER,
        Column("source_customers", "INT64", "Source customers that have it."),
        *_SEEN,
        Column("blocked", "STRING", "Why it joins nobody: over_shared, unreliable (its combination is); else NULL."),
    ),
    "Identifiers and combinations of attributes. One row per identity_type and identity_value.",
    cluster_by=("identity_type", "identity_value"),
)
BLOCKED = TableSpec(
    TableName(DATASET, "identity_blocked"),
    (
        *_IDENTIFIER,
        Column("reason", "STRING", "empty, placeholder, invalid, over_shared or unreliable."),
        Column("source_customers", "INT64", "Source customers that have it."),
    ),
    "Values that join nobody. One row per identity_type, identity_value and reason.",
)
EDGES = TableSpec(
    TableName(DATASET, "identity_edges"),
    (
        *_SOURCE,
        *_IDENTIFIER,
        *_SEEN,
        Column("source_customers", "INT64", "Source customers that have the identifier; 1 joins nobody."),
        Column("run_date", "DATE", "Day these edges are as of."),
    ),
    "Evidence of who is who. One row per source customer and identifier that is not blocked.",
    cluster_by=("identity_type", "identity_value"),
)
CUTS = TableSpec(
    TableName(DATASET, "identity_cuts"),
    (*_SOURCE, *_IDENTIFIER),
    "Edges that do not count, because a decision keeps their ends apart. One row per source customer and identifier.",
)
MAP = TableSpec(
    TableName(DATASET, "identity_map"),
    (
        _PERSON,
        *_SOURCE,
        Column("first_loaded_date", "DATE", "Logical date of the load that first named this source customer."),
        Column("valid_from", "DATE", "Day since which the source customer is this person."),
        Column("run_date", "DATE", "Day this mapping is as of."),
    ),
    "Which person each source customer is. One row per source_system and source_customer_id.",
    cluster_by=("source_customer_id",),
)
MOVES = TableSpec(
    TableName(DATASET, "identity_moves"),
    (
        *_SOURCE,
        _PERSON,
        Column("valid_from", "DATE", "First day.", required=True),
        Column("valid_to", "DATE", "Day from which it is another person; the interval ends before it.", required=True),
        Column("cause", "STRING", "Why it ended: merged, split, override or removed.", required=True),
        Column("why", "STRING", "The cause in words."),
    ),
    "Which person a source customer was before; with identity_map, the mapping of any day."
    " One row per source customer and interval that is over.",
)
HISTORY = TableSpec(
    TableName(DATASET, "identity_id_history"),
    (
        _PERSON,
        Column("valid_from", "DATE", "First day.", required=True),
        Column("valid_to", "DATE", "Day from which the next row holds; NULL for the row in force."),
        Column("merged_into", "STRING", "The person it stands for now; NULL while it is a person's own."),
        Column("cause", "STRING", "created, merged, split or override.", required=True),
        Column("why", "STRING", "The cause in words."),
    ),
    "Every id ever given, and what it stands for. One row per id and interval; the open row resolves the id.",
)


@dataclass(frozen=True)
class Tables:
    """Where the tables of one resolution are: the published ones, or the candidates of a run."""

    matches: TableName = MATCHES.name
    nodes: TableName = NODES.name
    blocked: TableName = BLOCKED.name
    edges: TableName = EDGES.name
    cuts: TableName = CUTS.name
    map: TableName = MAP.name
    moves: TableName = MOVES.name
    history: TableName = HISTORY.name

    def candidates(self, run_date: date) -> Tables:
        """Where a run of this date writes them before they are audited."""
        return Tables(**{role: name.candidate(run_date) for role, name in self.by_role.items()})

    @property
    def by_role(self) -> dict[str, TableName]:
        """`edges` → its table, and so on."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


SPECS = {
    "matches": MATCHES,
    "nodes": NODES,
    "blocked": BLOCKED,
    "edges": EDGES,
    "cuts": CUTS,
    "map": MAP,
    "moves": MOVES,
    "history": HISTORY,
}
