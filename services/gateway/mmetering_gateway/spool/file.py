"""The spool's file: opened by one process at a time, and sound. One that is damaged never stops the gateway.

It is set aside as `NAME.corrupt-TIME` (the newest such file is kept), and a new one with a new epoch takes over the
readings without a receipt that can still be read. They keep their seqs: what was stored before is not stored twice.
"""

import fcntl
import secrets
import sqlite3
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import TextIO

from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import decoder_of
from mmetering_contract.reading import Reading
from mmetering_contract.record import ranges_of
from mmetering_runtime.log import Log

from mmetering_gateway.dating import ms_of

PAGE_BYTES = 4096
WAL_PAGES = 256  # after so many the WAL is written back and begun anew

SETTINGS = f"""
PRAGMA page_size = {PAGE_BYTES};
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = {WAL_PAGES};
"""
SCHEMA = """
CREATE TABLE IF NOT EXISTS spool (
    epoch       TEXT NOT NULL,
    made_at     INTEGER NOT NULL,                   -- seconds since 1970
    dropped     INTEGER NOT NULL DEFAULT 0,         -- readings given up without a receipt, ever
    good_boot   TEXT                                -- the last boot in which the wall clock was known to be right
);
CREATE TABLE IF NOT EXISTS device (meter TEXT PRIMARY KEY, model TEXT NOT NULL, serial TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reading (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even when the newest row is deleted
    meter       TEXT NOT NULL,
    ts_ms       INTEGER NOT NULL,                   -- since 1970, UTC
    payload     BLOB NOT NULL,                      -- the reading as JSON, as it goes into a batch
    receipt_at  INTEGER,                            -- seconds since 1970; NULL until there is a receipt
    rejected    INTEGER NOT NULL DEFAULT 0,
    scan_group  TEXT NOT NULL DEFAULT '',
    boot_id     TEXT,                               -- while ts_ms is not known: the boot in which it was taken;
    uptime_ms   INTEGER                             -- since that boot
);
CREATE TABLE IF NOT EXISTS dropped (                -- seqs that no batch will ever hold
    first       INTEGER PRIMARY KEY,
    last        INTEGER NOT NULL,
    receipt_at  INTEGER                             -- seconds since 1970; NULL until there is a receipt
);
CREATE INDEX IF NOT EXISTS reading_open ON reading (seq) WHERE receipt_at IS NULL AND boot_id IS NULL;
CREATE INDEX IF NOT EXISTS reading_undated ON reading (seq) WHERE boot_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS reading_open_group ON reading (scan_group, seq) WHERE receipt_at IS NULL;
CREATE INDEX IF NOT EXISTS reading_archived ON reading (receipt_at) WHERE receipt_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS dropped_untold ON dropped (first) WHERE receipt_at IS NULL;
PRAGMA user_version = 2;
"""
# What a spool of version 0 lacks, and one of version 1.
UPGRADES = (
    """
BEGIN IMMEDIATE;
ALTER TABLE spool ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reading ADD COLUMN scan_group TEXT NOT NULL DEFAULT '';
UPDATE reading SET scan_group = json_extract(CAST(payload AS TEXT), '$.group');
PRAGMA user_version = 1;
COMMIT;
""",
    """
BEGIN IMMEDIATE;
ALTER TABLE spool ADD COLUMN good_boot TEXT;
ALTER TABLE reading ADD COLUMN boot_id TEXT;
ALTER TABLE reading ADD COLUMN uptime_ms INTEGER;
DROP INDEX IF EXISTS reading_open;
PRAGMA user_version = 2;
COMMIT;
""",
)
# What SQLite says of a damaged file, of one that is no database, and of a database that is no spool.
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)

# https://www.sqlite.org/fileformat2.html, sections 1.3 and 4.1
HEADER = struct.Struct(">16xH10xI")  # of a database: what a page has of bytes, and the file of pages
WAL_HEADER_BYTES = 32
HOP = 10  # seqs; about half of what a page holds

log = Log("gateway.spool")
decode_reading = decoder_of(Reading)


class SpoolError(Exception):
    """Say why the spool cannot be used; only a person can mend it."""


class DamagedError(Exception):
    """Say what is wrong with the file."""


def lock_of(path: Path) -> Path:
    """Return the file beside the spool that whoever has the spool open holds a lock on."""
    return path.with_name(path.name + ".lock")


def hold(path: Path) -> TextIO:
    """Return the lock beside the file, held until it is closed.

    Raises:
        SpoolError: the folder cannot be written, or another process holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        guard = lock_of(path).open("w")
    except OSError as error:
        raise SpoolError(f"{path}: {error}") from error
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        guard.close()
        raise SpoolError(f"{path} is in use by another gateway; stop that first") from None
    return guard


def open_spool(path: Path) -> sqlite3.Connection:
    """Return a sound database with an epoch, if need be a new one; the caller holds the lock.

    Raises:
        SpoolError: it cannot be read or written.
    """
    try:
        try:
            return _open_sound(path)
        except DamagedError as error:
            aside = _set_aside(path)
            db = _open_sound(path)
            count = _salvage(aside, db)
            log.error("spool_damaged", spool=path, reason=error, kept_as=aside.name, readings_salvaged=count)
            return db
    except (sqlite3.Error, OSError, DamagedError) as error:
        raise SpoolError(f"{path}: {error}") from error


def _open_sound(path: Path) -> sqlite3.Connection:
    promised = _committed_frames(path.with_name(path.name + "-wal"))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        _check(db, promised)
        db.execute(
            "INSERT INTO spool (epoch, made_at) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM spool)",
            (secrets.token_hex(8), int(time.time())),
        )
    except sqlite3.DatabaseError as error:
        db.close()
        if error.sqlite_errorcode & 0xFF in DAMAGED:  # the extended codes lie above
            raise DamagedError(str(error)) from error
        raise
    except DamagedError:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection, promised: int) -> None:
    """Set the database up.

    Raises:
        DamagedError: a page is broken, or less of the WAL can be used than had been committed.
    """
    db.executescript(SETTINGS)
    _, recovered, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if promised and recovered < promised:
        raise DamagedError(f"of {promised} committed pages in the WAL {recovered} can be read")
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise DamagedError(verdict)
    has_tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] > 0
    if has_tables:
        for upgrade in UPGRADES[db.execute("PRAGMA user_version").fetchone()[0] :]:
            db.executescript(upgrade)
    db.executescript(SCHEMA)


def _committed_frames(wal: Path) -> int:
    """Return up to which frame a WAL says that it is committed, without a look at checksums.

    SQLite silently leaves out all from the first broken frame on; their seqs would be given a second time.
    Source: https://www.sqlite.org/fileformat2.html, section 4.1.
    """
    try:
        content = wal.read_bytes()
    except FileNotFoundError:
        return 0
    if not content:
        return 0
    if len(content) < WAL_HEADER_BYTES or not content.startswith(b"\x37\x7f\x06"):
        return 1  # no WAL at all
    page, salts = int.from_bytes(content[8:12]), content[16:24]
    offsets = range(WAL_HEADER_BYTES, len(content) - page - 23, 24 + page)
    frames = [(content[at + 8 : at + 16] == salts, content[at + 4 : at + 8] != bytes(4)) for at in offsets]
    return max((n for n, (ours, commits) in enumerate(frames, 1) if ours and commits), default=0)


def _set_aside(path: Path) -> Path:
    """Rename the file with its WAL, delete what was set aside before, and return the new name."""
    for old in path.parent.glob(f"{path.name}.corrupt-*"):
        old.unlink()
    aside = path.with_name(f"{path.name}.corrupt-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    path.rename(aside)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        path.with_name(path.name + "-wal").rename(aside.with_name(aside.name + "-wal"))
    return aside


def _salvage(aside: Path, new: sqlite3.Connection) -> int:
    """Take over what can be read: devices, and readings without a receipt; return how many readings.

    All other seqs up to theirs are noted as dropped, uncounted: the new epoch never had them.
    """
    _pad(aside)
    with closing(sqlite3.connect(aside)) as old, new:
        new.execute("BEGIN IMMEDIATE")
        with suppress(sqlite3.Error):
            new.executemany(
                "INSERT INTO device VALUES (?, ?, ?)", old.execute("SELECT meter, model, serial FROM device")
            )
        new.executemany(
            "INSERT OR IGNORE INTO reading (seq, meter, ts_ms, payload, scan_group, boot_id, uptime_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            _readable(old),
        )
        seqs = [seq for (seq,) in new.execute("SELECT seq FROM reading ORDER BY seq")]
        gaps = [(last + 1, first - 1) for (_, last), (first, _) in pairwise(((0, 0), *ranges_of(seqs)))]
        new.executemany("INSERT INTO dropped (first, last) VALUES (?, ?)", [gap for gap in gaps if gap[0] <= gap[1]])
    return len(seqs)


def _pad(aside: Path) -> None:
    """Bring a file that was cut off to the length that its header tells: SQLite reads no shorter one."""
    with aside.open("r+b") as file:
        header = file.read(HEADER.size)
        if header.startswith(b"SQLite format 3\0") and len(header) == HEADER.size:
            page, pages = HEADER.unpack(header)
            file.truncate(max(aside.stat().st_size, page * pages))


def _readable(old: sqlite3.Connection) -> Iterator[Sequence[object]]:
    """Yield all columns of what has no receipt, hopping over pages that are broken."""
    seq, newest = 0, _newest(old)
    undated = "boot_id, uptime_ms" if _has_undated(old) else "NULL, NULL"
    query = f"SELECT seq, payload, receipt_at, {undated} FROM reading NOT INDEXED WHERE seq > ? ORDER BY seq"  # noqa: S608 literals
    while True:
        try:
            for seq, payload, receipt_at, *uptime in old.execute(query, (seq,)):  # noqa: B020 goes on from where it broke off
                with suppress(PayloadError, TypeError):  # TypeError: no bytes at all
                    reading = decode_reading(payload)
                    if receipt_at is None and reading.seq == seq:
                        yield seq, reading.meter, ms_of(reading), payload, reading.group, *uptime
            return
        except sqlite3.Error:
            seq += HOP
            if seq >= newest:
                return


def _has_undated(old: sqlite3.Connection) -> bool:
    with suppress(sqlite3.Error):
        return "boot_id" in {name for _, name, *_ in old.execute("PRAGMA table_info(reading)")}
    return False


def _newest(old: sqlite3.Connection) -> int:
    try:
        return int(old.execute("SELECT seq FROM sqlite_sequence WHERE name = 'reading'").fetchone()[0])
    except (sqlite3.Error, TypeError):  # TypeError: there is no such row
        return 0
