"""What is taken while the wall clock is wrong waits in the spool, and gets its time as soon as the clock is right."""

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from mmetering_contract.reading import Reading
from mmetering_contract.record import Receipt
from mmetering_gateway.clock import Clock
from mmetering_gateway.dating import EARLIEST_MS, Moment, Uptime, instant
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.spool.dater import Dater
from mmetering_gateway.spool.room import Bounds
from mmetering_gateway.spool.spool import CHUNK, Spool
from wait import wait_for

EPOCH_1970 = datetime(1970, 1, 1, tzinfo=UTC)
T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
UP_MS = 100_000_000  # the uptime at T0


def samples(count: int, *, boot: str = "b", first_ms: int = 5000, shown: datetime = EPOCH_1970) -> list[Sample]:
    """Return what was taken every second from an uptime on, while the wall clock began at some time or other."""
    return [
        Sample(
            "flat-01", shown + n * SECOND, "live", {"voltage_l1": 230.1}, 12, undated=Uptime(boot, first_ms + n * 1000)
        )
        for n in range(count)
    ]


def now(boot: str = "b") -> Moment:
    """Return T0, when the clock is right."""
    return Moment(round(T0.timestamp() * 1000), Uptime(boot, UP_MS), good=True)


def taken(n: int) -> datetime:
    """Return when the sample n was taken in truth."""
    return T0 - timedelta(milliseconds=UP_MS - 5000) + n * SECOND


def readings(spool: Spool) -> list[Reading]:
    """Return all readings as they would go into batches, and that they may."""
    seqs = spool.open_seqs(10**6, newest=False)
    return [msgspec.json.decode(payload, type=Reading) for _, _, payload in spool.payloads(seqs)]


def date_all(spool: Spool, moment: Moment) -> list[tuple[int, int]]:
    """Date until there is nothing to date; return what each piece was."""
    pieces = []
    while (piece := spool.date(moment)) != (0, 0):
        pieces.append(piece)
    return pieces


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Give an empty spool."""
    with Spool(tmp_path / "spool.db") as spool:
        yield spool


def test_undated_readings_wait(spool: Spool) -> None:
    """They are counted, go out live as a guess, and are not handed out for batches; what has its time is."""
    live = spool.append(samples(3))
    assert [(reading.ts, reading.clock_synced) for reading in live] == [
        (EPOCH_1970 + n * SECOND, False) for n in range(3)
    ]
    spool.append([Sample("flat-01", T0, "live", {}, 12)])
    assert spool.open_seqs(10, newest=True) == spool.open_seqs(10, newest=False) == [4]
    assert (spool.undated(), spool.depth()) == (3, (4, T0.timestamp()))
    assert spool.span_of("flat-01") == (T0.timestamp(), T0.timestamp())


def test_they_get_their_true_time(spool: Spool) -> None:
    """In the same boot, in pieces, each reading as if the clock had never been wrong."""
    count = CHUNK + 100
    spool.append(samples(count))
    assert date_all(spool, now()) == [(CHUNK, 0), (100, 0)]
    assert [(reading.seq, reading.ts, reading.clock_synced) for reading in readings(spool)] == [
        (n + 1, taken(n), True) for n in range(count)
    ]
    assert (spool.undated(), spool.depth()) == (0, (count, taken(0).timestamp()))


def test_a_restart_of_the_gateway_changes_nothing(tmp_path: Path) -> None:
    """As long as the computer runs on, what waited can be dated."""
    with Spool(tmp_path / "spool.db") as spool:
        spool.append(samples(2))
    with Spool(tmp_path / "spool.db") as spool:
        assert spool.undated() == 2
        date_all(spool, now())
        assert [reading.ts for reading in readings(spool)] == [taken(0), taken(1)]


@pytest.mark.parametrize(
    ("shown", "guess"),
    [
        (EPOCH_1970, T0 - timedelta(days=3)),
        (T0 - timedelta(days=2), T0 - timedelta(days=2)),
        (datetime(2099, 1, 1, tzinfo=UTC), T0 - timedelta(milliseconds=UP_MS)),
    ],
)
def test_what_can_never_be_dated_goes_out_as_a_guess(spool: Spool, shown: datetime, guess: datetime) -> None:
    """Not before the reading before it, not after the present boot, and marked; what came since is exact."""
    spool.append([Sample("flat-01", T0 - timedelta(days=3), "live", {}, 12)])
    spool.append(samples(1, boot="a", shown=shown))
    spool.append(samples(1))
    assert date_all(spool, now()) == [(2, 1)]
    assert [(reading.ts, reading.clock_synced) for reading in readings(spool)] == [
        (T0 - timedelta(days=3), True),
        (guess, False),
        (taken(0), True),
    ]


def test_a_guess_without_a_reading_before_it_is_no_absurd_date(spool: Spool) -> None:
    """A new gateway that has only ever seen 1970 sends a time that is not refused."""
    spool.append(samples(2, boot="a"))
    spool.date(now())
    assert [reading.ts for reading in readings(spool)] == [instant(EARLIEST_MS)] * 2


DATE_FOR_EVER = """
import sys
from pathlib import Path
from mmetering_gateway.spool import spool
from mmetering_gateway.dating import Moment, Uptime
spool.CHUNK = 10
with spool.Spool(Path(sys.argv[1])) as it:
    while it.date(Moment(int(sys.argv[2]), Uptime("b", int(sys.argv[3])), True))[0]:
        print("." * 1000, flush=True)  # so that the pipe keeps it from getting far ahead
"""


def test_a_kill_in_the_middle_costs_nothing(tmp_path: Path) -> None:
    """After SIGKILL each reading is either dated or still waits; the rest is dated by the next process."""
    path, count = tmp_path / "spool.db", 5000
    with Spool(path) as spool:
        spool.append(samples(count))
    command = [sys.executable, "-c", DATE_FOR_EVER, str(path), str(now().wall_ms), str(UP_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(10):
            process.stdout.readline()
        process.kill()
    with Spool(path) as spool:
        assert 0 < spool.undated() < count
        assert len(readings(spool)) + spool.undated() == count
        date_all(spool, now())
        assert [(reading.ts, reading.clock_synced) for reading in readings(spool)] == [
            (taken(n), True) for n in range(count)
        ]


def test_what_cannot_be_read_is_not_in_the_way(tmp_path: Path) -> None:
    """A reading that is no reading goes out as it is, for ingest to refuse; the ones behind it are dated."""
    path = tmp_path / "spool.db"
    with Spool(path) as spool:
        spool.append(samples(3))
        with sqlite3.connect(path) as db:
            db.execute("UPDATE reading SET payload = x'00' WHERE seq = 2")
        db.close()
        assert spool.date(now()) == (3, 0)
        assert [payload == b"\0" for _, _, payload in spool.payloads(spool.open_seqs(9, newest=False))] == [
            False,
            True,
            False,
        ]


def test_an_age_that_is_not_known_is_none(tmp_path: Path) -> None:
    """What seems to be from 1970 is not given up as too old before it has its time."""
    with Spool(tmp_path / "spool.db", Bounds(open_days=30)) as spool:
        spool.append(samples(3))
        assert spool.prune() == 0
        date_all(spool, now())
        assert spool.undated() == 0
        assert len(readings(spool)) == 3


def test_a_full_spool_gives_up_what_waits_for_its_time_too(tmp_path: Path) -> None:
    """The bound holds; each loss is counted and told, and what is left is dated."""
    with Spool(tmp_path / "spool.db", Bounds(size=8 * 2**20)) as spool:
        for _ in range(50):
            spool.append(samples(500))
        dropped = spool.dropped_count()
        assert dropped > 0
        assert spool.undated() == 50 * 500 - dropped
        date_all(spool, now())
        assert len(readings(spool)) == 50 * 500 - spool.dropped_count()


def test_a_receipt_is_not_older_than_its_reading(tmp_path: Path) -> None:
    """Taken with the clock in 1970, it must not make the archive seem to be older than it is."""
    path = tmp_path / "spool.db"
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(days=20_000)  # as a clock in 1970 would see today
    with Spool(path) as spool:
        spool.append([Sample("flat-01", ahead, "live", {}, 12)])
        spool.settle(Receipt(spool.epoch, stored=((1, 1),)))
        with sqlite3.connect(path) as db:
            assert db.execute("SELECT receipt_at FROM reading").fetchone() == (ahead.timestamp(),)
        db.close()


def test_a_damaged_spool_keeps_what_waits(tmp_path: Path) -> None:
    """What can be saved of it waits in the new one, and is dated like the rest."""
    path = tmp_path / "spool.db"
    with Spool(path) as spool:
        epoch = spool.epoch
        spool.append(samples(1000))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with Spool(path) as spool:
        assert spool.epoch != epoch
        assert 100 < spool.undated() < 1000
        date_all(spool, now())
        assert [reading.ts for reading in readings(spool)] == [taken(reading.seq - 1) for reading in readings(spool)]
        assert readings(spool)


def test_a_damaged_spool_of_an_earlier_release_is_saved_too(tmp_path: Path) -> None:
    """It knows nothing of readings without a time; all of its readings have one."""
    path = tmp_path / "spool.db"
    with Spool(path) as spool:
        spool.append([Sample("flat-01", T0 + n * SECOND, "live", {"voltage_l1": 230.1}, 12) for n in range(1000)])
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE reading RENAME COLUMN boot_id TO another")
    db.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with Spool(path) as spool:
        assert 100 < len(readings(spool)) < 1000
        assert spool.undated() == 0


def test_it_is_said_when_readings_wait_and_when_they_no_longer_do(
    spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    """Each change of the clock is one line; the first says what to do, the last how many readings were dated."""
    caplog.set_level(logging.INFO)
    is_set = False
    clock = Clock(lambda: is_set)
    dater = Dater(clock, spool)
    spool.append(samples(1, boot="a", shown=T0))
    spool.append(samples(CHUNK, boot=clock.boot))
    assert not dater.turn()
    assert not dater.turn()
    assert spool.good_boot() is None
    is_set = True
    wait_for(dater.turn)
    assert dater.turn()
    assert dater.turn()
    assert spool.good_boot() == clock.boot
    is_set = False
    wait_for(lambda: clock.state() == "holdover")
    assert dater.turn()
    assert [record.message for record in caplog.records] == [
        "clock_unsynchronised",
        "clock_synchronised",
        "readings_dated",
        "clock_holdover",
    ]
    fields = [vars(record)["mmetering_fields"] for record in caplog.records]
    assert fields[0]["undated"] == fields[1]["undated"] == CHUNK + 1
    assert "MMETERING_CLOCK=trusted" in fields[0]["without_ntp"]
    assert fields[2] == {"count": CHUNK + 1, "guessed": 1}
    assert spool.undated() == 0
