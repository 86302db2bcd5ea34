"""Every reading rests here, on disk, from its poll until ingest's receipt names it.

SQLite in WAL mode with `synchronous=FULL`: a commit has reached the disk when it returns. One process at a
time; its threads share one connection. Receipted rows stay some days as an archive. A full disk ends nothing.
What was taken while the wall clock was wrong is not handed out before it has its time.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from mmetering_contract.payload import encode
from mmetering_contract.reading import Reading
from mmetering_contract.record import Device, Range, Receipt, ranges_of, union
from mmetering_runtime.log import Log

from mmetering_gateway.dating import Moment, Uptime, ms_of
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.spool.file import SpoolError, hold, open_spool
from mmetering_gateway.spool.room import Bounds, Room, ballast_of, note_dropped
from mmetering_gateway.spool.undated import date_some

__all__ = ["Bounds", "Spool", "SpoolError"]

FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)  # both mean that there is no room
CHUNK = 500  # seqs to change in one commit, so that the WAL stays short

T = TypeVar("T")
log = Log("gateway.spool")


class Spool:
    """The spool in one file. Every method may be called from any thread and has committed when it returns.

    Where the disk refuses even that, it says so in the log, and what could not be written counts as dropped.
    """

    def __init__(self, path: Path, bounds: Bounds | None = None) -> None:
        """Open the spool, or make it with a new epoch.

        Raises:
            SpoolError: the file cannot be written, or another process has it open.
        """
        self._lock = threading.Lock()
        self._guard = hold(path)
        try:
            ballast_of(path).unlink(missing_ok=True)  # opening wants some disk, too
            self._db = open_spool(path)
            self._room = Room(self._db, path, bounds or Bounds())
        except (SpoolError, OSError, sqlite3.Error) as error:
            self._guard.close()
            raise SpoolError(str(error)) from error
        self.epoch: str = self._db.execute("SELECT epoch FROM spool").fetchone()[0]
        self._next = 1 + max(
            self._count("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'reading'"),
            self._count("SELECT coalesce(max(last), 0) FROM dropped"),
        )
        devices = self._db.execute("SELECT meter, model, serial FROM device")
        self._devices = {meter: Device(model, serial) for meter, model, serial in devices}
        self._unwritten: tuple[Range, ...] = ()  # dropped, and not even that could be written

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

    # Into the spool.

    def append(self, samples: Sequence[Sample]) -> list[Reading]:
        """Number the samples and commit them; return the readings in their order."""
        with self._lock:
            readings = [sample.numbered(seq) for seq, sample in enumerate(samples, self._next)]
            self._next += len(readings)
            if not readings:
                return []
            stored = self._write("append", partial(self._insert, readings, [sample.undated for sample in samples]))
            lost = () if stored else ((readings[0].seq, readings[-1].seq),)
            self._unwritten = () if stored else union((*self._unwritten, *lost))
        for first, last in lost:
            log.error("readings_dropped", group="any", count=len(readings), first=first, last=last)
        return readings

    def _insert(self, readings: Sequence[Reading], undated: Sequence[Uptime | None]) -> int:
        self._db.executemany(
            "INSERT INTO reading (seq, meter, ts_ms, payload, scan_group, boot_id, uptime_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (r.seq, r.meter, ms_of(r), encode(r), r.group, at and at.boot, at and at.ms)
                for r, at in zip(readings, undated, strict=True)
            ],
        )
        note_dropped(self._db, self._unwritten)
        return len(readings)

    def remember(self, meter: str, device: Device) -> None:
        """Keep what hangs under a slug, for the batches."""
        row = (meter, device.model, device.serial)
        with self._lock:
            self._devices[meter] = device
            self._write("remember", lambda: self._db.execute("INSERT OR REPLACE INTO device VALUES (?, ?, ?)", row))

    # Out of it.

    def devices(self) -> dict[str, Device]:
        """Return what hangs under each slug that ever had a reading or a serial number here."""
        with self._lock:
            return dict(self._devices)

    def open_seqs(self, limit: int, *, newest: bool) -> list[int]:
        """Return seqs without a receipt whose readings have their time: the newest first, or the oldest first."""
        order = "DESC" if newest else "ASC"
        query = f"SELECT seq FROM reading WHERE receipt_at IS NULL AND boot_id IS NULL ORDER BY seq {order} LIMIT ?"  # noqa: S608 a literal
        with self._lock:
            return [seq for (seq,) in self._db.execute(query, (limit,))]

    def payloads(self, seqs: Iterable[int]) -> list[tuple[int, str, bytes]]:
        """Return (seq, meter, reading as JSON) of those of these seqs that are still there, ascending."""
        query = "SELECT seq, meter, payload FROM reading WHERE seq BETWEEN ? AND ? ORDER BY seq"
        with self._lock:
            return [row for bounds in ranges_of(seqs) for row in self._db.execute(query, bounds)]

    def dropped(self, limit: int) -> tuple[Range, ...]:
        """Return ranges of seqs that no batch will ever hold and no receipt has named yet; at most so many."""
        query = "SELECT first, last FROM dropped WHERE receipt_at IS NULL ORDER BY first LIMIT ?"
        with self._lock:
            return union(self._db.execute(query, (limit,)))

    def settle(self, receipt: Receipt) -> None:
        """Archive what the receipt names; a receipt for another epoch is not ours."""
        if receipt.epoch != self.epoch:
            return
        now = int(time.time())
        update = (  # a receipt is never older than its reading, whatever the clock says
            "UPDATE reading SET receipt_at = max(?, ts_ms / 1000), rejected = ?"
            " WHERE seq BETWEEN ? AND ? AND receipt_at IS NULL"
        )
        for ranges, rejected in ((receipt.stored, False), (receipt.rejected, True)):
            for piece in self._pieces(ranges):
                self._settle(update, [(now, rejected, first, last) for first, last in piece])
        update = "UPDATE dropped SET receipt_at = ? WHERE first >= ? AND last <= ? AND receipt_at IS NULL"
        self._settle(update, [(now, first, last) for first, last in receipt.dropped])

    def _pieces(self, ranges: Iterable[Range]) -> Iterator[tuple[Range, ...]]:
        """Yield the ranges as far as they are numbered, in pieces of at most CHUNK seqs."""
        seqs = chain.from_iterable(range(first, min(last + 1, self._next)) for first, last in ranges)
        while piece := tuple(islice(seqs, CHUNK)):
            yield ranges_of(piece)

    def _settle(self, update: str, rows: Sequence[tuple[int, ...]]) -> None:
        if rows:
            with self._lock:
                self._write("settle", partial(self._db.executemany, update, rows))

    def replay(self, first: int, since: datetime | None, *, rejected: bool) -> int:
        """Open archived readings again, so that they are sent once more; return how many.

        Args:
            first: the lowest seq.
            since: the earliest `ts`; None for any.
            rejected: also those that were refused.
        """
        since_ms = 0 if since is None else int(since.timestamp() * 1000)
        update = (
            "UPDATE reading SET receipt_at = NULL, rejected = 0"
            " WHERE seq >= ? AND seq < ? AND ts_ms >= ? AND receipt_at IS NOT NULL AND rejected <= ?"
        )
        count = 0
        with self._lock:
            for start in range(first, self._next, CHUNK):
                row = (start, start + CHUNK, since_ms, rejected)
                count += self._db.execute(update, row).rowcount
            self._db.execute("UPDATE dropped SET receipt_at = NULL WHERE last >= ?", (first,))
        return count

    # The time of its readings.

    def date(self, now: Moment) -> tuple[int, int]:
        """Give some of the undated readings their time; return how many, and how many of them had to be guessed.

        Args:
            now: a moment whose wall clock is good.
        """
        with self._lock:
            if not self._count("SELECT EXISTS (SELECT 1 FROM reading WHERE boot_id IS NOT NULL)"):
                return 0, 0
            return self._write("date", partial(date_some, self._db, now, CHUNK)) or (0, 0)

    def undated(self) -> int:
        """Return how many readings wait for their time."""
        with self._lock:
            return self._count("SELECT count(*) FROM reading WHERE boot_id IS NOT NULL")

    def good_boot(self) -> str | None:
        """Return the last boot in which the wall clock was known to be right; None if there never was one."""
        with self._lock:
            boot: str | None = self._db.execute("SELECT good_boot FROM spool").fetchone()[0]
        return boot

    def note_good(self, boot: str) -> None:
        """Remember that the wall clock is right in this boot."""
        with self._lock:
            self._write("note_good", lambda: self._db.execute("UPDATE spool SET good_boot = ?", (boot,)))

    # Its bounds.

    def prune(self) -> int:
        """Delete what is older than the bounds allow, by a wall clock that is right; return how many readings."""
        count = 0
        while some := self._prune_some():
            count += some
        return count

    def _prune_some(self) -> int:
        with self._lock:
            count = self._write("prune", partial(self._room.prune, time.time()))
            self._room.fill_ballast()
        return count or 0

    def _write(self, what: str, work: Callable[[], T]) -> T | None:
        """Return what `work` returns, committed; where there is no room, make some. None where nothing helps."""
        try:
            try:
                return self._commit(work)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in FULL:
                    raise
                log.warning("spool_full", at=what, reason=error)
            self._room.look()
            result = self._commit_giving_up(work)
            self._room.fill_ballast()
        except sqlite3.OperationalError as error:
            log.error("spool_not_written", at=what, reason=error)
            return None
        return result

    def _commit_giving_up(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return self._commit(work)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in FULL or not self._room.give_up():
                    raise

    def _commit(self, work: Callable[[], T]) -> T:
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return work()

    # What health tells.

    def depth(self) -> tuple[int, float | None]:
        """Return how many readings wait for a receipt, and the oldest known `ts` of them in seconds since 1970."""
        with self._lock:
            count = self._count("SELECT count(*) FROM reading WHERE receipt_at IS NULL")
            oldest = self._db.execute(
                "SELECT ts_ms FROM reading WHERE receipt_at IS NULL AND boot_id IS NULL ORDER BY seq LIMIT 1"
            ).fetchone()
        return count, oldest[0] / 1000 if oldest else None

    def archived(self) -> int:
        """Return how many readings there are that have their receipt."""
        with self._lock:
            return self._count("SELECT count(*) FROM reading WHERE receipt_at IS NOT NULL")

    def dropped_count(self) -> int:
        """Return how many readings were given up without a receipt since the spool was made."""
        with self._lock:
            unwritten = sum(last - first + 1 for first, last in self._unwritten)
            return unwritten + self._count("SELECT dropped FROM spool")

    def span_of(self, meter: str) -> tuple[float, float] | None:
        """Return the `ts` of the oldest and the newest reading of a meter, in seconds since 1970; None without one."""
        with self._lock:
            first, last = self._db.execute(
                "SELECT min(ts_ms), max(ts_ms) FROM reading WHERE meter = ? AND boot_id IS NULL", (meter,)
            ).fetchone()
        return None if first is None else (first / 1000, last / 1000)

    def _count(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])
