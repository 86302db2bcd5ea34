"""Retention: readings older than a person wants are dropped, each hour; quarter hours stay for ever.

How long readings are kept stands in the database, where only its owner changes it. What is dropped and how, the
function `drop_old_readings` knows; it is the same on every database, and ingest may call it and no more.
"""

import threading

import psycopg
from mmetering_runtime.config import Environment
from mmetering_runtime.log import Log

from mmetering_ingest.schema.columnstore import QUERIES

PAUSE_S = 3600.0
AWAY_S = 60.0
# Gateways send again what is up to 7 days old, and a month may pass until somebody mends one.
LEAST_DAYS = 31
MOST_DAYS = 36_500

log = Log("ingest.retention")


def retention_from(environment: Environment) -> int | None:
    """Return MMETERING_RETENTION_DAYS: for how many days readings are kept; None is for ever.

    Raises:
        ConfigError: it is no number of days, or fewer than LEAST_DAYS.
    """
    if not environment.variables.get("MMETERING_RETENTION_DAYS"):
        return None
    return environment.integer("MMETERING_RETENTION_DAYS", LEAST_DAYS, low=LEAST_DAYS, high=MOST_DAYS)


def set_retention(conninfo: str, days: int | None) -> None:
    """Keep readings for so many days; None is for ever.

    Args:
        conninfo: libpq connection string of the owner of the tables.
        days: at least 1.

    Raises:
        psycopg.Error: the database cannot be reached or refuses.
    """
    with psycopg.connect(conninfo, prepare_threshold=None) as connection:
        connection.execute(QUERIES["set_retention"], {"days": days})


def drop_old(connection: psycopg.Connection) -> bool:
    """Drop some readings that are older than wanted; return whether there were any.

    Raises:
        psycopg.Error: none is dropped now.
    """
    return connection.execute(QUERIES["drop_old_readings"]).fetchone() == (True,)


def _drop_all(connection: psycopg.Connection, stopping: threading.Event) -> None:
    if drop_old(connection):
        while not stopping.is_set() and drop_old(connection):
            pass
        log.info("old_readings_dropped")


def keep_retention(conninfo: str, stopping: threading.Event) -> None:
    """Drop what is too old, each hour, until stopped."""
    while not stopping.is_set():
        pause = PAUSE_S
        try:
            with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
                _drop_all(connection, stopping)
        except psycopg.Error as error:
            log.warning("old_readings_kept", reason=" ".join(str(error).split()))
            pause = AWAY_S
        stopping.wait(pause)
