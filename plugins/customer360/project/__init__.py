"""Files under sql/ → frozen models, contracts and their graph."""

from customer360.project.graph import Graph
from customer360.project.load import Project, load_project
from customer360.project.model import AUDIT_COLUMNS, Column, Contract, Model, Partition, Reference, TableSpec
from customer360.project.names import TableName

__all__ = [
    "AUDIT_COLUMNS", "Column", "Contract", "Graph", "Model", "Partition", "Project", "Reference", "TableName",
    "TableSpec", "load_project",
]  # fmt: skip
