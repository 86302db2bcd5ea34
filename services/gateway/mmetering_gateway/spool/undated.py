"""Readings in the spool that were taken while the wall clock was wrong. They wait, and are not sent, until it is right.

What a kill interrupts is done again: a reading gets its time, and is no longer undated, in one commit.
"""

import sqlite3

from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import decoder_of, encode
from mmetering_contract.reading import Reading
from mmetering_runtime.log import Log

from mmetering_gateway.dating import EARLIEST_MS, Moment, Uptime, dated, ms_of

Row = tuple[int, bytes, str, int]  # seq, reading as JSON, boot, ms since that boot

log = Log("gateway.spool")
decode_reading = decoder_of(Reading)


def date_some(db: sqlite3.Connection, now: Moment, limit: int) -> tuple[int, int]:
    """Give the oldest undated readings their time, in the caller's transaction.

    Args:
        db: the spool.
        now: a moment whose wall clock is good.
        limit: how many at most.

    Returns:
        how many, and how many of them had to be guessed.
    """
    query = "SELECT seq, payload, boot_id, uptime_ms FROM reading WHERE boot_id IS NOT NULL ORDER BY seq LIMIT ?"
    rows: list[Row] = db.execute(query, (limit,)).fetchall()
    after_ms = _newest_before(db, rows[0][0]) if rows else 0
    for seq, payload, boot, uptime_ms in rows:
        try:
            reading = dated(decode_reading(payload), Uptime(boot, uptime_ms), now, after_ms)
        except PayloadError as error:  # whoever gets it will refuse it
            log.error("reading_malformed", seq=seq, reason=error)
            db.execute("UPDATE reading SET boot_id = NULL WHERE seq = ?", (seq,))
            continue
        after_ms = ms_of(reading)
        db.execute(
            "UPDATE reading SET ts_ms = ?, payload = ?, boot_id = NULL WHERE seq = ?", (after_ms, encode(reading), seq)
        )
    return len(rows), sum(boot != now.uptime.boot for _, _, boot, _ in rows)


def _newest_before(db: sqlite3.Connection, seq: int) -> int:
    """Return when the reading before this one was taken, in ms since 1970; there is none without a time before it."""
    row = db.execute("SELECT ts_ms FROM reading WHERE seq < ? ORDER BY seq DESC LIMIT 1", (seq,)).fetchone()
    return max(EARLIEST_MS, row[0]) if row else EARLIEST_MS
