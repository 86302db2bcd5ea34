"""What a database holds, as the manifest of a backup tells it: tables, rows, sequences, newest counters."""

from collections.abc import Sequence
from graphlib import TopologicalSorter

import psycopg
from mmetering_runtime.sql import load_queries
from psycopg import sql

from mmetering_ingest.backup.archive import Contents, Counters, Table

QUERIES = load_queries("mmetering_ingest.backup")


def table_name(name: str) -> sql.Identifier:
    """Return `schema.table` as it may stand in a statement."""
    return sql.Identifier(*name.split(".", 1))


def column_names(columns: Sequence[str]) -> sql.Composed:
    """Return columns as they may stand in a statement."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def tables_of(cursor: psycopg.Cursor) -> dict[str, tuple[str, ...]]:
    """Return the columns of all tables, by `schema.table`, each table after those that it refers to."""
    tables = {name: tuple(columns) for name, columns in cursor.execute(QUERIES["tables"]).fetchall()}
    graph: dict[str, list[str]] = {name: [] for name in tables}
    for referring, referred in cursor.execute(QUERIES["references"]).fetchall():
        if referring in tables and referred in tables:
            graph[referring].append(referred)
    return {name: tables[name] for name in TopologicalSorter(graph).static_order()}


def contents_of(cursor: psycopg.Cursor) -> Contents:
    """Return what the transaction sees."""
    return Contents(
        tables=tuple(_table(cursor, name, columns) for name, columns in tables_of(cursor).items()),
        counters={slug: Counters(*newest) for slug, *newest in cursor.execute(QUERIES["newest_counters"]).fetchall()},
    )


def _table(cursor: psycopg.Cursor, name: str, columns: tuple[str, ...]) -> Table:
    row = cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(table_name(name))).fetchone()
    assert row
    sequences: dict[str, int] = dict(cursor.execute(QUERIES["sequences"], {"table": name}).fetchall())
    return Table(name, columns, row[0], sequences)
