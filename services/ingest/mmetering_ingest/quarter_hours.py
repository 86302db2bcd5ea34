"""Keeps `quarter_hour`: computes marked quarter hours anew from their readings.

It does not matter in which order readings came, or how often: the quarter hours follow from the table alone. One
that is not over is computed when it has doubled, so that each of its readings is read about twice in all.
"""

import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import psycopg
from mmetering_runtime.log import Log

from mmetering_ingest.store import QUERIES

PAUSE_S = 2.0  # gathers marks of the same quarter hours
AT_ONCE = 32  # quarter hours of all meters in one transaction, at most
QUARTER_HOUR = timedelta(minutes=15)

log = Log("ingest.quarter_hours")


def compute_dirty(connection: psycopg.Connection, now: datetime | None = None) -> int:
    """Compute the newest marked quarter hours in one transaction; return how many, of whatever number of meters.

    Args:
        connection: in autocommit.
        now: leaves those that will have more readings soon; None leaves none.

    Raises:
        psycopg.Error: nothing has changed.
    """
    with connection.transaction(), connection.cursor() as cursor:
        locked = cursor.execute(QUERIES["lock_quarter_hours"]).fetchone()
        if not locked or not locked[0]:
            return 0
        meters_by_bucket: dict[datetime, set[int]] = {}
        for bucket, meters in cursor.execute(QUERIES["take_dirty"], {"now": now, "limit": AT_ONCE}):
            meters_by_bucket.setdefault(bucket, set()).update(meters)
        if meters_by_bucket:
            _compute(cursor, meters_by_bucket)
        return len(meters_by_bucket)


def _compute(cursor: psycopg.Cursor, meters_by_bucket: Mapping[datetime, Collection[int]]) -> None:
    pairs = sorted((meter, bucket) for bucket, meters in meters_by_bucket.items() for meter in meters)
    due = {
        "meters": [meter for meter, _ in pairs],
        "buckets": [bucket for _, bucket in pairs],
        "first": min(meters_by_bucket),
        "last": max(meters_by_bucket) + QUARTER_HOUR,
    }
    computed = cursor.execute(QUERIES["compute_quarter_hours"], due).fetchall()
    cursor.execute(QUERIES["see_meters"], due)
    renewed = {"meters": [meter for meter, _ in computed], "buckets": [bucket for _, bucket in computed]}
    cursor.execute(QUERIES["compute_quarter_hours_of_quality"], due | renewed)


def keep_quarter_hours(conninfo: str, stopping: threading.Event) -> None:
    """Compute until stopped; after an error connect anew."""
    while not stopping.is_set():
        try:
            with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
                while not stopping.is_set():
                    if compute_dirty(connection, datetime.now(UTC)) < AT_ONCE:
                        stopping.wait(PAUSE_S)
        except psycopg.Error as error:
            log.warning("database_away", reason=" ".join(str(error).split()))
            stopping.wait(PAUSE_S)
