"""A backup: all rows of all tables as one snapshot sees them, while everything else goes on.

Why tables as text and not pg_dump stands in docs/decisions/0012-backup.md.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from mmetering_ingest.backup.archive import DatabaseError, Manifest, Table, Writer, writing
from mmetering_ingest.backup.contents import QUERIES, column_names, contents_of, table_name, tables_of
from mmetering_ingest.schema.migrate import LOCK


def backup(conninfo: str, target: IO[bytes], files: IO[bytes] | None = None) -> Manifest:
    """Write the database into an archive.

    Args:
        conninfo: libpq connection string of a role that may read all tables.
        target: where the archive goes; need not be seekable.
        files: a tar of files that are to be kept, too.

    Raises:
        psycopg.Error: the database cannot be reached or read.
        DatabaseError: it has no schema of ours.
        ArchiveError: `files` is no tar.
    """
    with _snapshot(conninfo) as cursor:
        manifest = _manifest(cursor)
        with writing(target, manifest) as archive:
            if files:
                archive.add_files(files)
            for table in manifest.contents.tables:
                _copy(cursor, table, archive)
    return manifest


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file that only its owner may read, and that bears its name only after leaving without an error.

    Raises:
        FileExistsError: there is one of that name.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(number)
        Path(name).rename(path)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _snapshot(conninfo: str) -> Iterator[psycopg.Cursor]:
    """Give a cursor that sees the database as it is now; nobody migrates meanwhile."""
    with psycopg.connect(conninfo, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        names = sql.SQL(", ").join(map(table_name, tables_of(cursor)))
        if cursor.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            raise DatabaseError("the database has no tables of mmetering")
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            # Locks all chunks, before the snapshot: compressing a chunk empties it, for older snapshots, too.
            cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
            cursor.execute(QUERIES["plain_text"])
            yield cursor


def _manifest(cursor: psycopg.Cursor) -> Manifest:
    row = cursor.execute(QUERIES["server"]).fetchone()
    assert row
    schema, server, timescaledb = row
    return Manifest(1, datetime.now(UTC), version("mmetering-ingest"), schema, server, timescaledb, contents_of(cursor))


def _copy(cursor: psycopg.Cursor, table: Table, archive: Writer) -> None:
    # Not COPY of the table itself: that leaves out the chunks of a hypertable.
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(column_names(table.columns), table_name(table.name))
    with cursor.copy(query) as copy:
        archive.add_table(table.name, copy)
