"""Every reading rests here, on disk, from its poll until ingest's receipt names it.

SQLite in WAL mode with `synchronous=FULL`: a commit has reached the disk when it returns. One process at a
time; its threads share one connection. Receipted rows stay some days as an archive.
"""

import fcntl
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from mmetering_contract.payload import encode
from mmetering_contract.reading import Reading
from mmetering_contract.record import Device, Range, Receipt, ranges_of

from mmetering_gateway.sample import Sample

ARCHIVE = timedelta(days=7)

SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (epoch TEXT NOT NULL, made_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS device (meter TEXT PRIMARY KEY, model TEXT NOT NULL, serial TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reading (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even when the newest row is deleted
    meter       TEXT NOT NULL,
    ts_ms       INTEGER NOT NULL,                   -- since 1970, UTC
    payload     BLOB NOT NULL,                      -- the reading as JSON, as it goes into a batch
    receipt_at  INTEGER,                            -- seconds since 1970; NULL until there is a receipt
    rejected    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS reading_open ON reading (seq) WHERE receipt_at IS NULL;
CREATE INDEX IF NOT EXISTS reading_archived ON reading (receipt_at) WHERE receipt_at IS NOT NULL;
"""


class SpoolError(Exception):
    """Say why the spool cannot be used; only a person can mend it."""


class Spool:
    """The spool in one file. Every method may be called from any thread and has committed when it returns."""

    def __init__(self, path: Path) -> None:
        """Open the spool, or make it with a new epoch.

        Raises:
            SpoolError: the file cannot be written, is no spool, or another process has it open.
        """
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._guard = path.with_name(path.name + ".lock").open("w")
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._guard.close()
            raise SpoolError(f"{path} is in use by another gateway") from None
        except OSError as error:
            raise SpoolError(f"{path}: {error}") from error
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + SCHEMA)
            self._db.execute(
                "INSERT INTO spool SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM spool)",
                (secrets.token_hex(8), int(time.time())),
            )
            self.epoch: str = self._db.execute("SELECT epoch FROM spool").fetchone()[0]
        except sqlite3.Error as error:
            self._guard.close()
            raise SpoolError(f"{path}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; another process may then open it."""
        with self._lock:
            self._db.close()
            self._guard.close()

    def append(self, samples: Sequence[Sample]) -> list[Reading]:
        """Number the samples and commit them; return the readings in their order."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'reading'").fetchone()
            first = (row[0] if row else 0) + 1
            readings = [sample.numbered(seq) for seq, sample in enumerate(samples, first)]
            self._db.executemany(
                "INSERT INTO reading (seq, meter, ts_ms, payload) VALUES (?, ?, ?, ?)",
                [(r.seq, r.meter, round(r.ts.timestamp() * 1000), encode(r)) for r in readings],
            )
        return readings

    def remember(self, meter: str, device: Device) -> None:
        """Keep what hangs under a slug, for the batches."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO device VALUES (?, ?, ?)", (meter, device.model, device.serial))

    def devices(self) -> dict[str, Device]:
        """Return what hangs under each slug that ever had a reading or a serial number here."""
        with self._lock:
            rows = self._db.execute("SELECT meter, model, serial FROM device").fetchall()
        return {meter: Device(model, serial) for meter, model, serial in rows}

    def open_seqs(self, limit: int, *, newest: bool) -> list[int]:
        """Return seqs without a receipt: the newest first, or the oldest first."""
        order = "DESC" if newest else "ASC"
        query = f"SELECT seq FROM reading WHERE receipt_at IS NULL ORDER BY seq {order} LIMIT ?"  # noqa: S608 a literal
        with self._lock:
            return [seq for (seq,) in self._db.execute(query, (limit,))]

    def payloads(self, seqs: Iterable[int]) -> list[tuple[int, str, bytes]]:
        """Return (seq, meter, reading as JSON) of these seqs, ascending."""
        query = "SELECT seq, meter, payload FROM reading WHERE seq BETWEEN ? AND ? ORDER BY seq"
        with self._lock:
            return [row for bounds in ranges_of(seqs) for row in self._db.execute(query, bounds)]

    def settle(self, receipt: Receipt) -> None:
        """Archive what the receipt names; a receipt for another epoch is not ours."""
        if receipt.epoch == self.epoch:
            with self._lock, self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._archive(receipt.stored, rejected=False)
                self._archive(receipt.rejected, rejected=True)

    def _archive(self, ranges: Iterable[Range], *, rejected: bool) -> None:
        self._db.executemany(
            "UPDATE reading SET receipt_at = ?, rejected = ? WHERE seq BETWEEN ? AND ? AND receipt_at IS NULL",
            [(int(time.time()), rejected, first, last) for first, last in ranges],
        )

    def prune(self) -> int:
        """Delete what has been in the archive for longer than ARCHIVE; return how many rows."""
        with self._lock:
            before = int(time.time() - ARCHIVE.total_seconds())
            return self._db.execute("DELETE FROM reading WHERE receipt_at < ?", (before,)).rowcount

    def depth(self) -> tuple[int, float | None]:
        """Return how many readings wait for a receipt and the `ts` of the oldest, in seconds since 1970."""
        with self._lock:
            count = self._db.execute("SELECT count(*) FROM reading WHERE receipt_at IS NULL").fetchone()[0]
            oldest = self._db.execute(
                "SELECT ts_ms FROM reading WHERE receipt_at IS NULL ORDER BY seq LIMIT 1"
            ).fetchone()
        return count, oldest[0] / 1000 if oldest else None

    def span_of(self, meter: str) -> tuple[float, float] | None:
        """Return the `ts` of the oldest and the newest reading of a meter, in seconds since 1970; None without one."""
        with self._lock:
            first, last = self._db.execute(
                "SELECT min(ts_ms), max(ts_ms) FROM reading WHERE meter = ?", (meter,)
            ).fetchone()
        return None if first is None else (first / 1000, last / 1000)
