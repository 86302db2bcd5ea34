"""The spool keeps every reading until its receipt."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from mmetering_contract.reading import Reading
from mmetering_contract.record import Device, Receipt
from mmetering_gateway.dating import Uptime
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.spool.room import Bounds
from mmetering_gateway.spool.spool import Spool, SpoolError

T0 = datetime(2026, 11, 23, 2, 53, 50, 123000, tzinfo=UTC)
SMALL = Bounds(size=8 * 2**20)  # 2 MiB of it for the database


def samples(count: int, group: str = "live", *, width: int = 1) -> list[Sample]:
    """Return samples of one meter, a second apart, each of so many values."""
    values: dict[str, int | float] = {f"voltage_l{n}": 230.1 for n in range(1, width + 1)}
    return [Sample("flat-01", T0 + timedelta(seconds=n), group, values, 12) for n in range(count)]


def groups(spool: Spool) -> list[tuple[int, str]]:
    """Return (seq, scan group) of all open readings."""
    return [
        (seq, json.loads(payload)["group"]) for seq, _, payload in spool.payloads(spool.open_seqs(10**6, newest=False))
    ]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Give an empty spool."""
    with Spool(tmp_path / "spool.db") as spool:
        yield spool


def test_readings_are_numbered_from_one_and_kept_as_they_travel(spool: Spool) -> None:
    """What `append` returns is what the payloads hold."""
    readings = spool.append(samples(3))
    assert [reading.seq for reading in readings] == [1, 2, 3]
    decoded = [msgspec.json.decode(payload, type=Reading) for _, _, payload in spool.payloads([1, 2, 3])]
    assert decoded == readings


def test_nothing_to_append_is_fine(spool: Spool) -> None:
    """A slot in which nobody answered appends nothing."""
    assert spool.append([]) == []
    assert spool.depth() == (0, None)


def test_a_receipt_takes_out_what_it_names(spool: Spool) -> None:
    """Stored and rejected readings are no longer open; the others are."""
    spool.append(samples(10))
    spool.settle(Receipt(spool.epoch, stored=((1, 3), (7, 8)), rejected=((5, 5),)))
    assert spool.open_seqs(100, newest=False) == [4, 6, 9, 10]
    assert spool.open_seqs(2, newest=True) == [10, 9]
    assert spool.depth() == (4, (T0 + timedelta(seconds=3)).timestamp())


def test_a_receipt_for_another_epoch_is_not_ours(spool: Spool) -> None:
    """A receipt that was meant for a spool before this one changes nothing."""
    spool.append(samples(1))
    spool.settle(Receipt("0123456789abcdef", stored=((1, 1),)))
    assert spool.open_seqs(10, newest=False) == [1]


def test_it_survives_a_restart_with_epoch_numbers_and_devices(tmp_path: Path) -> None:
    """Opened again, it goes on where it was; a number is not given twice even when all rows are gone."""
    path = tmp_path / "spool.db"
    with Spool(path) as spool:
        epoch = spool.epoch
        spool.append(samples(2))
        spool.remember("flat-01", Device("sdm630", "12345678"))
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM reading")
    db.close()
    with Spool(path) as spool:
        assert spool.epoch == epoch
        assert spool.devices() == {"flat-01": Device("sdm630", "12345678")}
        assert spool.append(samples(1))[0].seq == 3


def test_the_archive_is_pruned_after_days_and_open_readings_never(tmp_path: Path) -> None:
    """Only receipted readings that are old enough go."""
    path = tmp_path / "spool.db"
    with Spool(path) as spool:
        spool.append(samples(3))
        spool.settle(Receipt(spool.epoch, stored=((1, 2),)))
        assert spool.prune() == 0
        with sqlite3.connect(path) as db:
            db.execute("UPDATE reading SET receipt_at = receipt_at - 8 * 86400 WHERE seq = 1")
        db.close()
        assert spool.prune() == 1
        assert [seq for seq, _, _ in spool.payloads([1, 2, 3])] == [2, 3]


def test_a_second_gateway_is_refused(tmp_path: Path) -> None:
    """One spool has one gateway."""
    with Spool(tmp_path / "spool.db"), pytest.raises(SpoolError, match="in use by another gateway"):
        Spool(tmp_path / "spool.db")


def test_a_full_spool_gives_up_the_archive_first(tmp_path: Path) -> None:
    """As long as there is something with a receipt, nothing without one goes."""
    with Spool(tmp_path / "spool.db", SMALL) as spool:
        for _ in range(40):
            first = spool.append(samples(100, width=20))[0].seq
            spool.settle(Receipt(spool.epoch, stored=((first, first + 98),)))
        assert len(spool.open_seqs(10**6, newest=False)) == 40
        assert spool.archived() < 40 * 99
        assert spool.dropped_count() == 0


def test_a_full_spool_gives_up_the_least_important_group_first(tmp_path: Path) -> None:
    """Demand goes, then quality, then live, each from the oldest on; energy stays; each loss is told."""
    with Spool(tmp_path / "spool.db", SMALL) as spool:
        total = 0
        for _ in range(60):
            for group in ("demand", "quality", "live", "energy"):
                total += len(spool.append(samples(20, group, width=20)))
        left = groups(spool)
        of_group = {group: [seq for seq, its in left if its == group] for _, group in left}
        assert len(of_group["energy"]) == 60 * 20
        assert len(of_group.get("demand", [])) <= len(of_group.get("quality", [])) <= len(of_group["live"])
        assert total - len(left) == spool.dropped_count() > 0
        gone = {seq for first, last in spool.dropped(10**6) for seq in range(first, last + 1)}
        assert gone == set(range(1, total + 1)) - {seq for seq, _ in left}
        assert min(of_group["live"]) > max(gone & {seq for seq in gone if seq % 80 in range(41, 61)}, default=0)


def test_a_spool_full_of_energy_gives_up_the_oldest(tmp_path: Path) -> None:
    """Where nothing else is left the newest readings are those that stay; the file stays within its bound."""
    with Spool(tmp_path / "spool.db", SMALL) as spool:
        for _ in range(80):
            newest = spool.append(samples(100, "energy", width=20))[-1].seq
        seqs = spool.open_seqs(10**6, newest=False)
        assert seqs == list(range(newest - len(seqs) + 1, newest + 1))
        assert 1000 < len(seqs) == newest - spool.dropped_count()
        assert spool.dropped(10) == ((1, seqs[0] - 1),)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= SMALL.size


def test_what_was_dropped_is_told_until_a_receipt_names_it(tmp_path: Path) -> None:
    """It is counted for ever, and told again after a restart, until ingest knows it."""
    path = tmp_path / "spool.db"
    with Spool(path, SMALL) as spool:
        for _ in range(50):
            spool.append(samples(100, width=20))
    with Spool(path, SMALL) as spool:
        dropped, count = spool.dropped(100), spool.dropped_count()
        assert sum(last - first + 1 for first, last in dropped) == count > 0
        spool.settle(Receipt(spool.epoch, dropped=dropped))
        assert spool.dropped(100) == ()
        assert spool.dropped_count() == count


def test_open_readings_grow_old_only_where_that_is_set(tmp_path: Path) -> None:
    """Without a bound they stay for ever; with one they are given up and counted."""
    path = tmp_path / "spool.db"
    old = [Sample("flat-01", datetime.now(UTC) - timedelta(days=age), "live", {}, 12) for age in (40, 20, 1)]
    with Spool(path) as spool:
        spool.append(old)
        assert spool.prune() == 0
    with Spool(path, Bounds(open_days=30)) as spool:
        assert spool.prune() == 1
        assert spool.open_seqs(10, newest=False) == [2, 3]
        assert (spool.dropped_count(), spool.dropped(10)) == (1, ((1, 1),))


def test_a_full_disk_costs_the_least_important_only(disk: Path) -> None:
    """The bound is far, the disk is near: appending goes on, energy stays, receipts are taken, a restart works."""
    path = disk / "spool.db"
    with Spool(path) as spool:
        for _ in range(150):
            spool.append([*samples(80, "live", width=20), *samples(20, "energy", width=20)])
        left = groups(spool)
        assert [group for _, group in left].count("energy") == 150 * 20
        assert spool.dropped_count() == 150 * 100 - len(left) > 0
        assert spool.append(samples(1))[0].seq in spool.open_seqs(1, newest=True)
        spool.settle(Receipt(spool.epoch, stored=((1, 10**6),)))
        assert spool.depth() == (0, None)
    with Spool(path) as spool:
        assert spool.append(samples(1))[0].seq == 150 * 100 + 2


def test_a_disk_filled_by_others_costs_the_least_important_only(disk: Path) -> None:
    """With the last byte taken by another file the spool lives in what it has; when there is room again it grows."""
    with Spool(disk / "spool.db") as spool:
        for _ in range(4):  # so few that the WAL was never written back
            spool.append([*samples(80, "live", width=20), *samples(20, "energy", width=20)])
        fill(disk / "others")
        for _ in range(8):
            spool.append([*samples(80, "live", width=20), *samples(20, "energy", width=20)])
        assert [group for _, group in groups(spool)].count("energy") == 12 * 20
        dropped = spool.dropped_count()
        assert dropped > 0
        (disk / "others").unlink()
        spool.append(samples(200, width=20))
        assert spool.dropped_count() == dropped


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return


def test_what_cannot_be_written_at_all_is_counted(tmp_path: Path) -> None:
    """While another program holds the file nothing can be kept: the poll goes on, and the loss is told afterwards."""
    path = tmp_path / "spool.db"
    with Spool(path) as spool:
        spool.append(samples(1))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert [reading.seq for reading in spool.append(samples(2))] == [2, 3]
        spool.remember("flat-01", Device("sdm630"))
        assert spool.devices() == {"flat-01": Device("sdm630")}
        assert (spool.dropped_count(), spool.dropped(10)) == (2, ())
        other.close()
        assert spool.append(samples(1))[0].seq == 4
        assert spool.open_seqs(10, newest=False) == [1, 4]
        assert (spool.dropped_count(), spool.dropped(10)) == (2, ((2, 3),))


def cut_off(path: Path) -> None:
    """Cut a file in half."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    """Put garbage into the middle of a file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"garbage!" * 2048)


def replace(path: Path) -> None:
    """Put something else in its place."""
    path.write_bytes(b"this is no database" * 100)


@pytest.mark.parametrize(("damage", "at_least"), [(cut_off, 100), (overwrite, 100), (replace, 0)])
def test_a_damaged_spool_is_set_aside(tmp_path: Path, damage: Callable[[Path], None], at_least: int) -> None:
    """A new one with a new epoch takes over, under their seqs, the open readings that can be read, and devices."""
    path = tmp_path / "spool.db"
    with Spool(path) as spool:
        epoch = spool.epoch
        spool.remember("flat-01", Device("sdm630", "12345678"))
        before = {
            seq: payload
            for r in [spool.append(samples(1000))]
            for seq, _, payload in spool.payloads(reading.seq for reading in r)
        }
        spool.settle(Receipt(epoch, stored=((1, 50),)))
    damage(path)
    with Spool(path) as spool:
        assert spool.epoch != epoch
        left = {seq: payload for seq, _, payload in spool.payloads(spool.open_seqs(1000, newest=False))}
        assert left.items() <= before.items()
        assert at_least <= len(left) < 1000
        assert not left.keys() & set(range(1, 51))
        assert spool.dropped_count() == 0
        new = spool.append(samples(1))[0].seq
        assert new == max(left, default=0) + 1
        known = {seq for first, last in spool.dropped(1000) for seq in range(first, last + 1)} | left.keys()
        assert known == set(range(1, new))
        assert spool.devices() == ({"flat-01": Device("sdm630", "12345678")} if at_least else {})
    assert len(list(tmp_path.glob("spool.db.corrupt-*"))) == 1


@pytest.mark.parametrize("damage", [overwrite, replace])
def test_a_damaged_log_means_a_new_epoch(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """Commits that are gone from the WAL had seqs: they must not be given twice under one epoch."""
    path = tmp_path / "spool.db"
    epoch = kill_in_the_middle(path)
    damage(tmp_path / "spool.db-wal")
    with Spool(path) as spool:
        assert spool.epoch != epoch
        assert spool.append(samples(1))
    assert len(list(tmp_path.glob("spool.db.corrupt-*"))) == 1


def test_a_sound_log_is_taken_in(tmp_path: Path) -> None:
    """After a kill alone nothing is set aside."""
    epoch = kill_in_the_middle(tmp_path / "spool.db")
    with Spool(tmp_path / "spool.db") as spool:
        assert spool.epoch == epoch
    assert not list(tmp_path.glob("spool.db.corrupt-*"))


def kill_in_the_middle(path: Path) -> str:
    """Let a process append and kill it; return the epoch."""
    with Spool(path) as spool:
        epoch = spool.epoch
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(20):
            process.stdout.readline()
        process.kill()
    return epoch


def test_only_the_newest_damaged_file_is_kept(tmp_path: Path) -> None:
    """Damage again and again does not fill the disk."""
    path = tmp_path / "spool.db"
    for n in range(3):
        path.write_bytes(b"this is no database, either" * (n + 1))
        Spool(path).close()
    (kept,) = tmp_path.glob("spool.db.corrupt-*")
    assert kept.stat().st_size == 27 * 3


def test_a_database_that_is_no_spool_is_set_aside(tmp_path: Path) -> None:
    """Also a sound file with other tables does not stop the gateway."""
    with sqlite3.connect(tmp_path / "spool.db") as db:
        db.execute("CREATE TABLE reading (title TEXT)")
    db.close()
    with Spool(tmp_path / "spool.db") as spool:
        assert spool.append(samples(1))[0].seq == 1
    assert len(list(tmp_path.glob("spool.db.corrupt-*"))) == 1


FIRST_SCHEMA = """
CREATE TABLE spool (epoch TEXT NOT NULL, made_at INTEGER NOT NULL);
CREATE TABLE device (meter TEXT PRIMARY KEY, model TEXT NOT NULL, serial TEXT) WITHOUT ROWID;
CREATE TABLE reading (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, ts_ms INTEGER NOT NULL, payload BLOB NOT NULL,
    receipt_at INTEGER, rejected INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX reading_open ON reading (seq) WHERE receipt_at IS NULL;
CREATE INDEX reading_archived ON reading (receipt_at) WHERE receipt_at IS NOT NULL;
INSERT INTO spool VALUES ('0123456789abcdef', 1);
INSERT INTO reading (meter, ts_ms, payload) VALUES ('flat-01', 1, CAST('{"group":"energy"}' AS BLOB));
"""
# What came with the bounds of the spool; afterwards the version of the schema was 1.
SECOND_SCHEMA = """
ALTER TABLE spool ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reading ADD COLUMN scan_group TEXT NOT NULL DEFAULT '';
UPDATE reading SET scan_group = 'energy';
CREATE TABLE dropped (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, receipt_at INTEGER);
CREATE INDEX reading_open_group ON reading (scan_group, seq) WHERE receipt_at IS NULL;
CREATE INDEX dropped_untold ON dropped (first) WHERE receipt_at IS NULL;
PRAGMA user_version = 1;
"""


def tables(path: Path) -> set[tuple[str, str | None, frozenset[str]]]:
    """Return the tables and indexes of a spool: their names, what an index is for, the columns of a table."""
    with sqlite3.connect(path) as db:
        found = {
            (
                name,
                sql if kind == "index" else None,
                frozenset(row[1] for row in db.execute(f"PRAGMA table_info({name})")),
            )
            for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
        }
    db.close()
    return found


@pytest.mark.parametrize("schema", [FIRST_SCHEMA, FIRST_SCHEMA + SECOND_SCHEMA])
def test_a_spool_of_an_earlier_release_goes_on(tmp_path: Path, schema: str) -> None:
    """It keeps its epoch and its readings, knows their groups, and takes readings without a time."""
    path = tmp_path / "spool.db"
    with sqlite3.connect(path) as db:
        db.executescript(schema)
    db.close()
    with Spool(path) as spool:
        assert spool.epoch == "0123456789abcdef"
        assert [reading.seq for reading in spool.append(samples(1))] == [2]
        assert groups(spool) == [(1, "energy"), (2, "live")]
        assert (spool.undated(), spool.good_boot()) == (0, None)
        spool.append([Sample("flat-01", T0, "live", {}, 12, undated=Uptime("b", 5))])
        assert spool.undated() == 1
        assert spool.open_seqs(10, newest=False) == [1, 2]
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT scan_group FROM reading").fetchall() == [("energy",), ("live",), ("live",)]
    db.close()
    Spool(tmp_path / "new.db").close()
    assert tables(path) == tables(tmp_path / "new.db")


def test_a_replay_opens_what_is_archived_again(spool: Spool) -> None:
    """From a seq or a time on; rejected readings only when asked for."""
    spool.append(samples(10))
    spool.settle(Receipt(spool.epoch, stored=((1, 8),), rejected=((9, 9),)))
    assert spool.replay(7, None, rejected=False) == 2
    assert spool.open_seqs(100, newest=False) == [7, 8, 10]
    assert spool.replay(1, T0 + timedelta(seconds=5), rejected=True) == 2
    assert spool.open_seqs(100, newest=False) == [6, 7, 8, 9, 10]
    assert spool.replay(1, None, rejected=True) == 5
    assert spool.archived() == 0


APPEND_FOR_EVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.spool.spool import Spool
spool = Spool(Path(sys.argv[1]))
while True:
    readings = spool.append([Sample("flat-01", datetime.now(UTC), "live", {"voltage_l1": 230.1}, 12)] * 5)
    print(readings[-1].seq, flush=True)
"""


def test_what_append_returned_survives_a_kill(tmp_path: Path) -> None:
    """After SIGKILL the spool holds every reading whose commit was reported, and no hole."""
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(tmp_path / "spool.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        reported = [int(process.stdout.readline()) for _ in range(20)][-1]
        process.kill()
        reported = max([reported, *(int(line) for line in process.stdout.read().split())])
    with Spool(tmp_path / "spool.db") as spool:
        open_seqs = spool.open_seqs(100_000, newest=False)
    assert open_seqs == list(range(1, len(open_seqs) + 1))
    assert len(open_seqs) >= reported
