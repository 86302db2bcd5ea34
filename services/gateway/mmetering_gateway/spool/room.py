"""Room in the spool: what is given up when it is full or old, the least important first, every reading counted.

The archive goes first, for it is stored elsewhere too. Then readings without a receipt, group by group, energy
last, the oldest first. A ballast file keeps free what the deleting itself needs on a disk that others have filled.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mmetering_contract.quantity import Group
from mmetering_contract.record import Range, ranges_of
from mmetering_runtime.log import Log

from mmetering_gateway.spool.file import PAGE_BYTES

GIVEN_UP = (Group.DEMAND, Group.QUALITY, Group.LIVE, Group.ENERGY)  # in this order

MEBIBYTE = 2**20
DAY_S = 86_400
BALLAST_BYTES = 4 * MEBIBYTE  # a WAL of its usual length, and as much for its pages that are new in the database
WAL_BYTES = 2 * MEBIBYTE  # the longest WAL, with one large commit on top
SMALLEST = 16 * MEBIBYTE  # what a spool must be allowed to be
CHUNKS = (500, 20)  # readings to give up in one commit; fewer where even the WAL of those has no room
MARGIN_PAGES = 256  # beyond the bound, while deleting: also that may take new pages

log = Log("gateway.spool")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large and how old the spool may become.

    Attributes:
        size: bytes of all its files together.
        open_days: days after which a reading without a receipt is given up; None for never.
        archive_days: days for which a reading is kept after its receipt.
    """

    size: int = 1024 * MEBIBYTE
    open_days: int | None = None
    archive_days: int = 7

    def pages(self) -> int:
        """Return how many pages the database itself may have."""
        return (self.size - BALLAST_BYTES - WAL_BYTES) // PAGE_BYTES


class Room:
    """The bounds of one spool, kept. The caller sees to it that one thread at a time is in here."""

    def __init__(self, db: sqlite3.Connection, path: Path, bounds: Bounds) -> None:
        """Bound the database in this file."""
        self._db = db
        self._ballast = ballast_of(path)
        self._bounds = bounds
        self.look()
        self.fill_ballast()

    def look(self) -> None:
        """Let go of the ballast, and let the database grow as far as its bound and the disk allow.

        Raises:
            sqlite3.OperationalError: the WAL cannot be written back.
        """
        self._ballast.unlink(missing_ok=True)
        self._write_back()
        disk = os.statvfs(self._ballast.parent)
        free = disk.f_bavail * disk.f_frsize - BALLAST_BYTES - WAL_BYTES
        self._pages = min(self._bounds.pages(), self._pragma("page_count") + max(free, 0) // PAGE_BYTES)
        self._limit(self._pages)

    def give_up(self) -> bool:
        """Delete some of the least important readings; return whether there were any.

        Raises:
            sqlite3.OperationalError: not even deleting is possible.
        """
        many, few = CHUNKS
        self._limit(self._pages + MARGIN_PAGES)
        try:
            return self._delete(many)
        except sqlite3.OperationalError:
            self._write_back()
            return self._delete(few)
        finally:
            self._limit(self._pages)

    def fill_ballast(self) -> None:
        """Make the ballast file where it is missing; without the disk for it, go without."""
        if self._ballast.exists():
            return
        try:
            with self._ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
        except OSError as error:
            log.warning("no_ballast", reason=error)
            with suppress(OSError):
                self._ballast.unlink()

    def prune(self, now: float) -> int:
        """Delete some of what is too old; return how many readings. `now` is in seconds since 1970, and true."""
        before = int(now) - self._bounds.archive_days * DAY_S
        archived = "SELECT seq FROM reading WHERE receipt_at < ? ORDER BY receipt_at LIMIT ?"
        count = self._db.execute(f"DELETE FROM reading WHERE seq IN ({archived})", (before, CHUNKS[0])).rowcount  # noqa: S608 a literal
        self._db.execute("DELETE FROM dropped WHERE receipt_at < ?", (before,))
        if self._bounds.open_days is not None:
            count += self._drop_before(int((now - self._bounds.open_days * DAY_S) * 1000))
        return count

    def _drop_before(self, ts_ms: int) -> int:
        query = "SELECT seq, ts_ms FROM reading WHERE receipt_at IS NULL AND boot_id IS NULL ORDER BY seq LIMIT ?"
        return self._drop([seq for seq, ts in self._db.execute(query, (CHUNKS[0],)) if ts < ts_ms], group="any")

    def _delete(self, count: int) -> bool:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            oldest = ((group, self._oldest(group, count)) for group in GIVEN_UP)
            return self._forget_archived(count) or any(self._drop(seqs, group) for group, seqs in oldest)

    def _forget_archived(self, count: int) -> bool:
        oldest = "SELECT seq FROM reading WHERE receipt_at IS NOT NULL ORDER BY receipt_at, seq LIMIT ?"
        return self._db.execute(f"DELETE FROM reading WHERE seq IN ({oldest})", (count,)).rowcount > 0  # noqa: S608 a literal

    def _oldest(self, group: Group, count: int) -> list[int]:
        query = "SELECT seq FROM reading WHERE receipt_at IS NULL AND scan_group = ? ORDER BY seq LIMIT ?"
        return [seq for (seq,) in self._db.execute(query, (group, count))]

    def _drop(self, seqs: Sequence[int], group: str) -> int:
        if seqs:
            log.error("readings_dropped", group=group, count=len(seqs), first=seqs[0], last=seqs[-1])
            ranges = ranges_of(seqs)
            self._db.executemany("DELETE FROM reading WHERE seq BETWEEN ? AND ?", ranges)
            note_dropped(self._db, ranges)
        return len(seqs)

    def _write_back(self) -> None:
        """Write the WAL into the database, so that the next commit begins it anew."""
        self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()

    def _limit(self, pages: int) -> None:
        self._db.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])


def ballast_of(path: Path) -> Path:
    """Return the ballast file of a spool."""
    return path.with_name(path.name + ".ballast")


def note_dropped(db: sqlite3.Connection, ranges: Sequence[Range]) -> None:
    """Count readings that are given up, and remember their seqs."""
    db.executemany("INSERT INTO dropped (first, last) VALUES (?, ?)", ranges)
    db.execute("UPDATE spool SET dropped = dropped + ?", (sum(last - first + 1 for first, last in ranges),))
