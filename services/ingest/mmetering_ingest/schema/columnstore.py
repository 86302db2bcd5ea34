"""Chunks and columnstore of `reading`, brought by every `migrate` to what the database can do by then.

A database that gets TimescaleDB's full edition later is compressed from then on. What a person has chosen instead of
our own lengths and settings stays.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import psycopg
from mmetering_runtime.sql import load_queries

QUERIES = load_queries("mmetering_ingest.schema")

# A week takes few locks and little planning; where readings are many, a day keeps the newest chunk's indexes (some 50
# bytes a reading) well within memory. The figures stand in docs/decisions/0014-chunks.md.
WEEK = timedelta(days=7)
DAY = timedelta(days=1)
MANY = 1_000_000  # readings a day
# Gateways can send the last 7 days again; in a chunk of rows that is cheaper.
AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Edition:
    """Which TimescaleDB a database has; the Apache-2 edition has no columnstore, and none has it before 2.18."""

    version: str
    full: bool
    has_columnstore: bool

    def __str__(self) -> str:
        return f"TimescaleDB {self.version}, {'full' if self.full else 'Apache-2'} edition"


def edition_of(connection: psycopg.Connection) -> Edition | None:
    """Return which TimescaleDB the database has, or None."""
    row = connection.execute(QUERIES["edition"]).fetchone()
    return Edition(*row) if row else None


def adjust(connection: psycopg.Connection) -> None:
    """See to chunks and columnstore, as far as the database has them; a second time changes nothing.

    Args:
        connection: of the owner of the tables; the schema is of this release.
    """
    set_chunk_length(connection)
    edition = edition_of(connection)
    chunks = connection.execute(QUERIES["chunks"]).fetchone() if edition else None
    if edition and edition.has_columnstore and chunks and not chunks[1]:
        # A build that lacks it, whatever its licence says, tells so only when it is asked to.
        with suppress(psycopg.errors.FeatureNotSupported), connection.transaction():
            connection.execute(QUERIES["use_columnstore"])
            connection.execute(QUERIES["keep_columnstore"], {"after": AFTER})
            with suppress(psycopg.errors.InvalidParameterValue), connection.transaction():
                connection.execute(QUERIES["leave_filters_out"])


def set_chunk_length(connection: psycopg.Connection) -> None:
    """Let new chunks be as long as suits the readings of a day; a length that is not ours stays."""
    chunks = connection.execute(QUERIES["chunks"]).fetchone() if edition_of(connection) else None
    if not chunks:
        return
    row = connection.execute(QUERIES["readings_of_a_day"]).fetchone()
    wanted = DAY if row and row[0] >= MANY else WEEK
    if chunks[0] != wanted and chunks[0] in (DAY, WEEK):
        connection.execute(QUERIES["set_chunks"], {"length": wanted})
