"""A gateway whose disk is full goes on, and gives up nothing but the least important."""

import re
from pathlib import Path

import psycopg
import pytest
from fix_broker import Broker
from fix_postgres import as_login
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from plant import write_plant
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.system

METERS = 20


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            return


def seqs(database: str, column: str) -> set[int]:
    """Return the seqs of one spool that the database accounts for in this way."""
    query = (
        f"SELECT n FROM gateway_record, unnest({column}) AS range, generate_series(lower(range), upper(range) - 1) AS n"
    )
    with psycopg.connect(database) as connection:
        return {seq for (seq,) in connection.execute(query)}


def test_a_full_disk_never_ends_the_gateway(broker: Broker, database: str, disk: Path, tmp_path: Path) -> None:
    """It goes on polling, drops live readings only, and each one is accounted for in the database."""
    meters = {n: FixedMeter({0x00: 230.0, 0x48: float(n)}) for n in range(1, METERS + 1)}
    with TcpBus(meters) as bus:
        settings = {
            "MMETERING_PLANT": str(write_plant(tmp_path, bus.port, meters=METERS, energy_s=5)),
            "MMETERING_SPOOL": str(disk / "spool.db"),
        }
        with (
            Service("mmetering-gateway", {**mqtt_environment(broker, "main"), **settings}, tmp_path) as gateway,
            Service(
                "mmetering-ingest run",
                {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": as_login(database, "ingest")},
                tmp_path,
            ) as ingest,
        ):
            # Live readings enough to make room: SQLite frees a page of the file only when all rows in it are gone.
            wait_for(lambda: len(seqs(database, "seqs")) > 12 * METERS, timeout=60)
            ingest.stop()
            fill(disk / "others")
            wait_for(lambda: "event=readings_dropped" in gateway.log, timeout=60)
            ingest.start()
            told = len(seqs(database, "seqs"))
            wait_for(lambda: len(seqs(database, "seqs")) > told + 4 * METERS, timeout=60)
            for unit in meters:
                bus.unplug(unit)
            wait_for(lambda: is_whole(database, gateway.log), timeout=60)
            assert gateway.running
            assert set(re.findall(r"event=readings_dropped group=(\w+)", gateway.log)) == {"live"}


def is_whole(database: str, log: str) -> bool:
    """Return whether all that the gateway says to have dropped is recorded, and every other seq stored."""
    dropped = sum(int(count) for count in re.findall(r"event=readings_dropped .*?count=(\d+)", log))
    gone, stored = seqs(database, "dropped"), seqs(database, "seqs")
    return len(gone) == dropped and not gone & stored and gone | stored == set(range(1, max(stored) + 1))
