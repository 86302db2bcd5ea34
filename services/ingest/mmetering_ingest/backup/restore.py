"""A backup back into a database: all of it, the same as it was, or nothing at all.

The schema is made as it was when the backup was made, filled, compared with the manifest, and brought to this release,
all in one transaction.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from typing import IO

import psycopg
from msgspec.structs import replace as replace_fields
from psycopg import sql

from mmetering_ingest.backup.archive import ArchiveError, Contents, DatabaseError, Manifest, Reader
from mmetering_ingest.backup.contents import QUERIES, column_names, contents_of, table_name, tables_of
from mmetering_ingest.schema.columnstore import set_chunk_length
from mmetering_ingest.schema.migrate import driver_of, is_known, migrating, upgrade

SETTINGS = {"public.retention", "public.site"}  # whose rows the migrations make
LEAVE_S = 5.0  # a client that has just gone is seen for a moment


def restore(conninfo: str, source: IO[bytes], *, replace: bool = False) -> Manifest:
    """Bring a backup into a database; return its manifest.

    Tables in the archive that are not of mmetering stay there.

    Args:
        conninfo: libpq connection string of a role that may create tables.
        source: the archive; need not be seekable.
        replace: delete first what the database holds.

    Raises:
        ArchiveError: the archive is damaged, or from a later release; nothing has changed.
        DatabaseError: the database is in use, or has rows and `replace` is false; nothing has changed.
        psycopg.Error: the database cannot be reached or refuses; nothing has changed.
    """
    archive = Reader(source)
    manifest = archive.manifest
    if not is_known(manifest.schema):
        raise ArchiveError(f"the backup has schema {manifest.schema}, which this release does not know; update first")
    _await_others(conninfo)
    with migrating(conninfo) as connection:
        driver = driver_of(connection)
        with driver.cursor() as cursor:
            _clear(cursor, replace=replace)
            upgrade(connection, manifest.schema)
            set_chunk_length(driver)
            ours = _ours(manifest.contents, tables_of(cursor))
            _fill(cursor, archive, ours)
            _compare(ours, contents_of(cursor))
        upgrade(connection)
    with psycopg.connect(conninfo, autocommit=True) as fresh:
        fresh.execute("ANALYZE")
    return manifest


def _await_others(conninfo: str) -> None:
    """Wait a moment for others to leave: a service that knows the old rows would write wrong ones."""
    deadline = time.monotonic() + LEAVE_S
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while (row := connection.execute(QUERIES["other_clients"]).fetchone()) and row[0]:
            if time.monotonic() > deadline:
                raise DatabaseError(f"{row[0]} others are connected to the database; stop all services first")
            time.sleep(0.1)


def _clear(cursor: psycopg.Cursor, *, replace: bool) -> None:
    """Remove everything; without `replace` only where there are no rows."""
    for name in () if replace else tables_of(cursor).keys() - SETTINGS:
        query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(table_name(name))
        if cursor.execute(query).fetchone() == (True,):
            raise DatabaseError(f"the database is not empty: {name} has rows; with --replace they are deleted")
    for (removal,) in cursor.execute(QUERIES["removals"]).fetchall():
        cursor.execute(removal)


def _ours(contents: Contents, tables: Collection[str]) -> Contents:
    """Return the contents without what others have put into the database."""
    ours = tuple(table for table in contents.tables if table.name in tables)
    return replace_fields(contents, tables=ours)


def _fill(cursor: psycopg.Cursor, archive: Reader, contents: Contents) -> None:
    cursor.execute(QUERIES["plain_text"])
    names = sql.SQL(", ").join(table_name(table.name) for table in contents.tables)
    cursor.execute(sql.SQL("TRUNCATE {}").format(names))
    columns = {table.name: table.columns for table in contents.tables}
    for name, blocks in archive.tables():
        if name in columns:
            _copy(cursor, name, columns[name], blocks)
    for sequence, value in (item for table in contents.tables for item in table.sequences.items()):
        schema, _, name = sequence.partition(".")
        cursor.execute(QUERIES["set_sequence"], {"schema": schema, "name": name, "value": value})


def _copy(cursor: psycopg.Cursor, name: str, columns: Sequence[str], blocks: Iterable[bytes]) -> None:
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(table_name(name), column_names(columns))
    try:
        with cursor.copy(query) as copy:
            for block in blocks:
                copy.write(block)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise ArchiveError(f"the archive is damaged: {' '.join(str(error).split())}") from None


def _compare(wanted: Contents, found: Contents) -> None:
    """See that the database holds what the manifest tells.

    Raises:
        ArchiveError: with the first difference.
    """
    for what in ("tables", "counters"):
        if getattr(wanted, what) != getattr(found, what):
            raise ArchiveError(
                f"the {what} are not what they were: {getattr(found, what)}, not {getattr(wanted, what)}"
            )
