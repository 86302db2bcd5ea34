"""Keeps `quarter_hour`: computes marked quarter hours anew from their readings, some seconds after the marks.

It does not matter in which order readings came, or how often: the quarter hours follow from the table alone.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
from mmetering_runtime.log import Log

from mmetering_ingest.store import QUERIES

PAUSE_S = 2.0  # gathers marks of the same quarter hours
MARKS = 20_000  # in one transaction, at most
QUARTER_HOUR = timedelta(minutes=15)

log = Log("ingest.quarter_hours")


def compute_dirty(connection: psycopg.Connection) -> bool:
    """Compute marked quarter hours in one transaction; return whether there were any.

    Raises:
        psycopg.Error: nothing has changed.
    """
    with connection.transaction(), connection.cursor() as cursor:
        locked = cursor.execute(QUERIES["lock_quarter_hours"]).fetchone()
        if not locked or not locked[0]:
            return False
        marks = sorted(set(cursor.execute(QUERIES["take_dirty"], {"limit": MARKS}).fetchall()))
        if marks:
            _compute(cursor, marks)
        return bool(marks)


def _compute(cursor: psycopg.Cursor, marks: Sequence[tuple[int, datetime]]) -> None:
    meters = [meter for meter, _ in marks]
    buckets = [bucket for _, bucket in marks]
    due = {"meters": meters, "buckets": buckets, "first": min(buckets), "last": max(buckets) + QUARTER_HOUR}
    cursor.execute(QUERIES["compute_quarter_hours"], due)
    cursor.execute(QUERIES["compute_quarter_hours_of_quality"], due)
    cursor.execute(QUERIES["see_meters"], {"meters": sorted(set(meters))})


def keep_quarter_hours(conninfo: str, stopping: threading.Event) -> None:
    """Compute until stopped; after an error connect anew."""
    while not stopping.is_set():
        try:
            with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
                while not stopping.is_set():
                    if not compute_dirty(connection):
                        stopping.wait(PAUSE_S)
        except psycopg.Error as error:
            log.warning("database_away", reason=" ".join(str(error).split()))
            stopping.wait(PAUSE_S)
