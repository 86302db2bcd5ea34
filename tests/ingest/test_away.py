"""A database that is away in the middle of a commit, in ways that a plain end of it is not: cut, or full."""

import os
import pwd
import random
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from fix_postgres import TEMPLATE, PostgresServer, as_login
from ingest_building import delivery, reading
from mmetering_contract.record import Range
from mmetering_ingest.intake import Delivery
from mmetering_ingest.store import AwayError, Store

READINGS = 500  # in one commit
MOST = 100_000  # more than 4 MiB can hold
CUTS = 15
CUT_S = 0.05  # at most, between two
# Whoever is busy in the database, whatever he is at.
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


def some(first: int) -> list[Delivery]:
    """Return deliveries for one commit, with seqs from a first one on."""
    return [delivery(*(reading(seq) for seq in range(first, first + READINGS)))]


def stored(database: str) -> tuple[list[int], Sequence[Range]]:
    """Return the seqs in the table, in order, doubles and all, and the ranges that the gateway's record tells."""
    with psycopg.connect(database) as connection:
        seqs = [seq for (seq,) in connection.execute("SELECT seq FROM reading ORDER BY seq")]
        ranges = connection.execute("SELECT lower(r), upper(r) - 1 FROM gateway_record, unnest(seqs) AS r").fetchall()
    return seqs, ranges


def filled(store: Store) -> int:
    """Commit until there is no room; return the first seq that found none."""
    for first in range(1, MOST, READINGS):
        try:
            store.commit(some(first))
        except AwayError:
            return first
    return MOST


@contextmanager
def cutting(database: str) -> Iterator[None]:
    """End connections to a database at random."""
    stopping, chance = threading.Event(), random.Random(4)

    def cut() -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            while not stopping.wait(chance.uniform(0, CUT_S)):
                connection.execute(CUT)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@pytest.fixture
def crowded(postgres_server: PostgresServer) -> Iterator[tuple[str, Path]]:
    """Give a migrated database whose readings are on a file system of 4 MiB, and that file system."""
    disk = postgres_server.home / "disk"
    disk.mkdir()
    owner = pwd.getpwnam("nobody").pw_uid
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=4m,uid={owner}", "tmpfs", disk], check=False)
    if os.getuid() or mounted.returncode:
        pytest.skip("only root may mount a small file system")
    name = postgres_server.create_database(TEMPLATE)
    database = postgres_server.conninfo(name)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        connection.execute("ALTER TABLE reading SET TABLESPACE small")
    yield database, disk
    postgres_server.drop_database(name)
    with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
        connection.execute("DROP TABLESPACE small")
    subprocess.run(["umount", disk], check=True)


def test_connections_cut_at_random_lose_and_double_nothing(database: str) -> None:
    """However often the connection ends in the middle of a commit, each reading is stored once when it has returned."""
    store = Store(as_login(database, "ingest"))
    cuts, first = 0, 1
    with cutting(database):
        while cuts < CUTS:
            try:
                store.commit(some(first))
                first += READINGS
            except AwayError:
                cuts += 1
    store.commit(some(first))
    store.close()
    newest = first + READINGS - 1
    assert stored(database) == (list(range(1, newest + 1)), [(1, newest)])


def test_a_full_disk_is_waited_for(crowded: tuple[str, Path]) -> None:
    """What finds no room is stored not at all, is no reading's fault, and is stored whole once there is room."""
    database, disk = crowded
    store = Store(as_login(database, "ingest"))
    first = filled(store)
    assert READINGS < first < MOST
    assert stored(database) == (list(range(1, first)), [(1, first - 1)])
    with pytest.raises(AwayError, match="53100"):
        store.commit(some(first))
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    store.commit(some(first))
    store.close()
    newest = first + READINGS - 1
    assert stored(database) == (list(range(1, newest + 1)), [(1, newest)])
