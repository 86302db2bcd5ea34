"""What was refused is not lost: once its reason is gone, the gateway sends it again, and it is stored."""

from pathlib import Path

import psycopg
import pytest
from fix_broker import Broker
from fix_postgres import as_login
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from service import Service, mqtt_environment
from stored import readings
from wait import wait_for

pytestmark = pytest.mark.system

REJECTED = 10


def account(database: str) -> tuple[int, int, int]:
    """Return how many readings are stored, rejected and open; zeros before the first."""
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT stored, rejected, open FROM spool_account").fetchone()
    return row or (0, 0, 0)


def test_a_meter_of_another_gateway_is_given_over_and_its_past_comes_after(
    broker: Broker, database: str, tmp_path: Path
) -> None:
    """All its readings are rejected; with the meter the gateway's, `replay --rejected` brings each of them once."""
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO meter (slug, model, gateway) VALUES ('flat-07', 'sdm630', 'attic')")
    environment = {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": as_login(database, "ingest")}
    with (
        TcpBus({7: FixedMeter({0x00: 231.5, 0x48: 12.5})}) as bus,
        Service("mmetering-ingest run", environment, tmp_path),
    ):
        plant = tmp_path / "plant.toml"
        plant.write_text(
            '[intervals]\nlive = 1\nenergy = 1\n[[bus]]\nname = "bus"\ntype = "tcp"\nhost = "127.0.0.1"\n'
            f'port = {bus.port}\n[[meter]]\nslug = "flat-07"\nbus = "bus"\naddress = 7\n'
        )
        settings = {"MMETERING_PLANT": str(plant), "MMETERING_SPOOL": str(tmp_path / "spool.db")}
        gateway = Service("mmetering-gateway", {**mqtt_environment(broker, "main"), **settings}, tmp_path)
        with gateway:
            wait_for(lambda: account(database)[1] >= REJECTED, timeout=90)
            bus.unplug(7)
            gateway.stop()
        assert account(database)[0] == 0
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE meter SET gateway = 'main'")
        with Service("mmetering-gateway replay --rejected", settings, tmp_path) as replay:
            assert replay.wait() == 0
        with gateway:
            wait_for(lambda: account(database)[0] >= REJECTED and account(database)[1:] == (0, 0), timeout=90)
            gateway.stop()
    seqs = [row[0] for row in readings(database)]
    assert seqs == list(range(1, len(seqs) + 1))
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT * FROM rejected").fetchall() == []
