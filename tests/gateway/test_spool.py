"""The spool keeps every reading until its receipt."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from mmetering_contract.reading import Reading
from mmetering_contract.record import Device, Receipt
from mmetering_gateway.sample import Sample
from mmetering_gateway.spool import Spool, SpoolError

T0 = datetime(2026, 11, 23, 2, 53, 50, 123000, tzinfo=UTC)


def samples(count: int) -> list[Sample]:
    """Return samples of one meter, a second apart."""
    return [Sample("flat-01", T0 + timedelta(seconds=n), "live", {"voltage_l1": 230.1}, 12) for n in range(count)]


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


def test_a_file_that_is_no_spool_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    (tmp_path / "spool.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(SpoolError, match=r"spool\.db: file is not a database"):
        Spool(tmp_path / "spool.db")


APPEND_FOR_EVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from mmetering_gateway.sample import Sample
from mmetering_gateway.spool import Spool
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
