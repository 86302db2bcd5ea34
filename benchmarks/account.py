"""What gateways have taken, by their spools, against what the database holds: the same, to the reading."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

Entry = tuple[str, int, str, int]  # gateway, seq, meter, ms since 1970

STORED = (
    "SELECT gateway, seq, slug, round(extract(epoch FROM ts) * 1000)::int8"
    " FROM reading JOIN meter ON meter.id = reading.meter_id"
)
RECORD = "SELECT gateway, newest, stored, rejected, dropped, open FROM spool_account"


@dataclass(frozen=True, slots=True)
class Account:
    """How many readings there are of a kind.

    Attributes:
        taken: in the spools.
        waiting: of those, without a receipt.
        stored: rows of the table.
        lost: taken, and not in the table.
        doubled: rows beyond the first of a reading.
        foreign: in the table, and never taken.
        unrecorded: rows that `spool_account` has too many or too few: all seqs are stored there, none is open.
    """

    taken: int
    waiting: int
    stored: int
    lost: int
    doubled: int
    foreign: int
    unrecorded: int

    @property
    def balanced(self) -> bool:
        """Whether something was taken, and all of it is stored once and recorded."""
        return self.taken > 0 and not any((self.waiting, self.lost, self.doubled, self.foreign, self.unrecorded))

    def __str__(self) -> str:
        return (
            f"taken {self.taken}, stored {self.stored}: lost {self.lost}, doubled {self.doubled}, "
            f"never taken {self.foreign}, without a receipt {self.waiting}, wrongly recorded {self.unrecorded}"
        )


def take_account(spools: Mapping[str, Path], database: str) -> Account:
    """Compare the spools, by gateway, with a database that only they have filled."""
    taken = {entry for gateway, spool in spools.items() for entry in _taken(gateway, spool)}
    with psycopg.connect(database) as connection:
        stored = Counter[Entry](connection.execute(STORED).fetchall())
        record = set(connection.execute(RECORD).fetchall())
    newest = {gateway: spooled(spool)[0] for gateway, spool in spools.items()}
    return Account(
        taken=len(taken),
        waiting=sum(spooled(spool)[1] for spool in spools.values()),
        stored=stored.total(),
        lost=len(taken - stored.keys()),
        doubled=stored.total() - len(stored),
        foreign=len(stored.keys() - taken),
        unrecorded=len(record ^ {(gateway, seq, seq, 0, 0, 0) for gateway, seq in newest.items()}),
    )


def spooled(spool: Path) -> tuple[int, int]:
    """Return the newest seq of a spool, 0 before the first, and how many of its readings have no receipt."""
    query = "SELECT coalesce(max(seq), 0), count(*) FILTER (WHERE receipt_at IS NULL) FROM reading"
    with _reading(spool) as connection:
        newest, waiting = connection.execute(query).fetchone()
    return newest, waiting


def _taken(gateway: str, spool: Path) -> list[Entry]:
    with _reading(spool) as connection:
        return [(gateway, *row) for row in connection.execute("SELECT seq, meter, ts_ms FROM reading")]


def _reading(spool: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True))
