"""Where every column comes from, and what is made of it: read from the models' SQL.

query: one query · expressions: one expression · graph: the project · tree, mermaid, svg: to look at
"""

from customer360.lineage.graph import Lineage
from customer360.lineage.nodes import Kind, Node, Source
from customer360.lineage.query import trace_query

__all__ = ["Kind", "Lineage", "Node", "Source", "trace_query"]
