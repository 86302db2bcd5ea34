"""What PostgreSQL does to answer a query."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import scalar_row


@dataclass(frozen=True)
class Plan:
    """How a query was answered.

    Attributes:
        relations: tables and chunks that it may look into.
        whole: those of them that are read from end to end.
        blocks: blocks of 8 kB that were looked at, also when they were in memory.
    """

    relations: frozenset[str]
    whole: frozenset[str]
    blocks: int


def plan_of(connection: psycopg.Connection, query: str, parameters: Mapping[str, object]) -> Plan:
    """Run a query and return how it was answered."""
    cursor = connection.cursor(row_factory=scalar_row)
    explained = cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}".encode(), parameters).fetchone()
    assert explained
    top = explained[0]["Plan"]
    nodes = list(_nodes(top))
    return Plan(
        relations=frozenset(node["Relation Name"] for node in nodes if "Relation Name" in node),
        whole=frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        blocks=top["Shared Hit Blocks"] + top["Shared Read Blocks"],
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
