"""Nothing is lost and nothing doubled, whatever is killed: the table holds exactly what the spool has numbered."""

import sqlite3
from functools import partial
from pathlib import Path

import psycopg
import pytest
from fix_broker import Broker
from fix_postgres import PostgresServer, as_login
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from plant import write_plant
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.system

METERS = 20
KILLS = 3


def stored(database: str) -> list[int]:
    """Return the seqs in the table, in order, doubles and all; none while the database is away."""
    try:
        with psycopg.connect(database) as connection:
            return [seq for (seq,) in connection.execute("SELECT seq FROM reading ORDER BY seq")]
    except psycopg.OperationalError:
        return []


def has_stored(database: str, goal: int) -> bool:
    """Return whether the table holds so many rows."""
    return len(stored(database)) >= goal


def spooled(spool: Path) -> tuple[int, int]:
    """Return the newest seq of the spool, and how many of its readings have no receipt."""
    connection = sqlite3.connect(f"file:{spool}?mode=ro", uri=True)
    newest, waiting = connection.execute(
        "SELECT max(seq), count(*) FILTER (WHERE receipt_at IS NULL) FROM reading"
    ).fetchone()
    connection.close()
    return newest, waiting


@pytest.mark.parametrize("victim", ["ingest", "broker", "gateway", "database"])
def test_killed_in_the_middle_of_a_stream(
    victim: str, broker: Broker, crashing_postgres: PostgresServer, tmp_path: Path
) -> None:
    """SIGKILL three times, at any moment; in the end every reading that was taken stands in the table once."""
    database, spool = crashing_postgres.conninfo(), tmp_path / "spool.db"
    meters = {n: FixedMeter({0x00: 230.0, 0x48: float(n)}) for n in range(1, METERS + 1)}
    with (
        TcpBus(meters) as bus,
        Service(
            "mmetering-ingest run",
            {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": as_login(database, "ingest")},
            tmp_path,
        ) as ingest,
        Service(
            "mmetering-gateway",
            {
                **mqtt_environment(broker, "main"),
                "MMETERING_PLANT": str(write_plant(tmp_path, bus.port, meters=METERS, energy_s=1)),
                "MMETERING_SPOOL": str(spool),
            },
            tmp_path,
        ) as gateway,
    ):
        kill_and_start = {
            "ingest": (ingest.kill, ingest.start),
            "broker": (broker.kill, broker.start),
            "gateway": (gateway.kill, gateway.start),
            "database": (crashing_postgres.kill, crashing_postgres.start),
        }
        kill, start = kill_and_start[victim]
        for _ in range(KILLS):
            goal = len(stored(database)) + 2 * METERS
            wait_for(partial(has_stored, database, goal), timeout=60)
            kill()
            start()
        for unit in meters:
            bus.unplug(unit)
        wait_for(lambda: spooled(spool)[1] == 0, timeout=90)
        newest, _ = spooled(spool)
        assert newest >= 2 * METERS * KILLS
        assert stored(database) == list(range(1, newest + 1))
        with psycopg.connect(database) as connection:
            record = connection.execute("SELECT gateway, seqs::text, rejected::text FROM gateway_record").fetchall()
        assert record == [("main", f"{{[1,{newest + 1})}}", "{}")]
