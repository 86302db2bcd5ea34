"""What the readings take on disk, and what retention would free: the report of `mmetering-ingest storage`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from mmetering_ingest.schema.columnstore import QUERIES, Edition, edition_of

PROPOSED_DAYS = (90, 365, 730)
MB, GB = 1_000_000, 1_000_000_000


@dataclass(frozen=True, slots=True)
class Chunks:
    """The chunks of a hypertable.

    Attributes:
        length: of those that are still to come.
        count: of all.
        packed: how many are in the columnstore.
        before: bytes that those took before.
        after: bytes that they take there.
    """

    length: timedelta
    count: int
    packed: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Storage:
    """What rests where, in bytes with indexes.

    Attributes:
        edition: of TimescaleDB; None without it.
        readings: how many there are.
        oldest: their first instant; None without any.
        newest: their last.
        size: of all readings.
        older: how many readings are older than each of PROPOSED_DAYS.
        chunks: None where `reading` is a plain table.
        quarter_hours: how many there are.
        quarter_hours_size: of all of them.
        retention_days: for how long readings are kept; None is for ever.
    """

    edition: Edition | None
    readings: int
    oldest: datetime | None
    newest: datetime | None
    size: int
    older: tuple[int, ...]
    chunks: Chunks | None
    quarter_hours: int
    quarter_hours_size: int
    retention_days: int | None


def measure(connection: psycopg.Connection) -> Storage:
    """Measure; this reads the whole table of readings, which takes a second for ten million of them."""
    edition = edition_of(connection)
    chunks = _chunks(connection, edition)
    few, more, many = PROPOSED_DAYS
    count, oldest, newest, older = _row(connection, "readings", few=few, more=more, many=many)
    (size,) = _row(connection, "hypertable_size" if chunks else "table_size")
    quarter_hours, quarter_hours_size = _row(connection, "quarter_hours")
    (days,) = _row(connection, "retention")
    return Storage(edition, count, oldest, newest, size, tuple(older), chunks, quarter_hours, quarter_hours_size, days)


def _chunks(connection: psycopg.Connection, edition: Edition | None) -> Chunks | None:
    found = connection.execute(QUERIES["chunks"]).fetchone() if edition else None
    if not edition or not found:
        return None
    (count,) = _row(connection, "chunk_count")
    stats = connection.execute(QUERIES["columnstore"]).fetchone() if edition.has_columnstore else None
    packed, before, after = (value or 0 for value in stats or (0, 0, 0))
    return Chunks(found[0], count, packed, before, after)


def _row(connection: psycopg.Connection, query: str, **parameters: int) -> tuple:  # type: ignore[type-arg] # by query
    row = connection.execute(QUERIES[query], parameters).fetchone()
    assert row
    return row


def report(storage: Storage) -> str:
    """Return what a person wants to know of it, in lines."""
    return "".join(f"{line}\n" for line in (*_facts(storage), *_proposal(storage)))


def _facts(storage: Storage) -> Iterator[str]:
    yield f"database       {_database(storage)}"
    span = f", {storage.oldest:%Y-%m-%d} to {storage.newest:%Y-%m-%d}" if storage.oldest else ""
    yield f"readings       {storage.readings:,}{span}"
    each = f", {storage.size / storage.readings:.0f} bytes a reading" if storage.readings else ""
    yield f"space          {_size(storage.size)}{each}"
    if chunks := storage.chunks:
        packed = f"; {chunks.packed} in the columnstore, where {_size(chunks.before)} became {_size(chunks.after)}"
        yield f"chunks         {chunks.count}, new ones of {chunks.length.days} days{packed if chunks.packed else ''}"
    yield f"quarter hours  {storage.quarter_hours:,}, {_size(storage.quarter_hours_size)}, kept for ever"
    kept = f"readings are kept for {storage.retention_days} days" if storage.retention_days else "off"
    yield f"retention      {kept}"


def _database(storage: Storage) -> str:
    if not storage.edition:
        return "PostgreSQL without TimescaleDB, whose full edition compresses readings to some 30 bytes"
    if not storage.chunks:
        return f"{storage.edition}, which came after the table of readings: back up and restore with --replace"
    if not storage.edition.has_columnstore:
        return f"{storage.edition}, without columnstore: the full edition from 2.18 on has it"
    return str(storage.edition)


def _proposal(storage: Storage) -> Iterator[str]:
    if not storage.readings:
        return
    yield ""
    yield "To keep readings for fewer days and quarter hours for ever, migrate with MMETERING_RETENTION_DAYS."
    yield f"{'days':>6}  {'readings dropped':>18}  {'space freed':>12}"
    for days, older in zip(PROPOSED_DAYS, storage.older, strict=True):
        yield f"{days:>6}  {older:>18,}  {_size(storage.size * older // storage.readings):>12}"


def _size(size: int) -> str:
    """Return bytes as a person reads them."""
    return f"{size / GB:.2f} GB" if size >= GB else f"{size / MB:.1f} MB"
