"""A pool of connections to the database, and psycopg's exceptions in our words.

StoreError
├── AwayError      the database does not answer, or is not set up yet: later it may
└── ConflictError  the rows forbid it: a person must ask for something else
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
from mmetering_runtime.log import Log
from psycopg import errors
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

CONNECTIONS = 8  # a chart takes some 0.1 s: enough for dozens of people
WAIT_S = 3  # for a connection; the page then says that the database is away
STATEMENT_S = 15  # a query beyond this is given up
DEAD_LINE_MS = 10_000  # packets unanswered for so long: the connection is dead, whatever TCP hopes

log = Log("web.database")
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # what it warns of, we say once


class StoreError(Exception):
    """Say why the database did not do it."""


class AwayError(StoreError):
    """Say that the database does not answer; later it may."""


class ConflictError(StoreError):
    """Say, for a person, what stands against it."""


class Database:
    """The pool. While the database is away a connection is refused at once, but to who asks whether it is back."""

    def __init__(self, conninfo: str) -> None:
        """Prepare the pool; it connects when first asked."""
        self.away_since: datetime | None = None
        self._pool = ConnectionPool(
            conninfo,
            min_size=0,
            max_size=CONNECTIONS,
            timeout=WAIT_S,
            reconnect_timeout=0,
            check=ConnectionPool.check_connection,
            configure=_configure,
            open=True,
            kwargs={"autocommit": True, "connect_timeout": WAIT_S, "tcp_user_timeout": DEAD_LINE_MS},
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    @contextmanager
    def connection(self, *, ask: bool = False) -> Iterator[psycopg.Connection]:
        """Lend a connection, autocommitting.

        Raises:
            AwayError: the database does not answer, or takes too long.
        """
        if self.away_since and not ask:
            raise AwayError("the database is away")
        try:
            with self._pool.connection() as connection:
                yield connection
        except errors.QueryCanceled as error:
            raise AwayError("the database took too long") from error
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, PoolClosed) as error:
            self._went_away(error)
            raise AwayError("the database is away") from error
        except errors.UndefinedTable as error:
            self._went_away(error)
            raise AwayError("the database is not set up yet") from error
        self._came_back()

    def _went_away(self, error: Exception) -> None:
        if not self.away_since:
            self.away_since = datetime.now(UTC)
            log.warning("database_away", reason=str(error).splitlines()[0])

    def _came_back(self) -> None:
        if self.away_since:
            self.away_since = None
            log.info("database_back")


def _configure(connection: psycopg.Connection) -> None:
    connection.execute(f"SET statement_timeout = '{STATEMENT_S}s'")
    connection.execute("SET jit = off")  # compiling a query would take longer than ours run
