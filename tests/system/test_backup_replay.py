"""A backup restored elsewhere, and what came after it out of the gateway's archive: all of it, and once."""

from pathlib import Path

import pytest
from fix_broker import Broker
from fix_postgres import PostgresServer, as_login
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from service import Service, mqtt_environment
from stored import readings
from wait import wait_for

pytestmark = pytest.mark.system

READINGS = 10


def test_what_came_after_a_backup_comes_from_the_gateways_archive(
    broker: Broker, database: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """A backup made while readings come in, restored into another database, and a replay: nothing lost or doubled."""
    name = postgres_server.create_database()
    elsewhere = postgres_server.conninfo(name)
    archive = tmp_path / "backup.tar.gz"
    with TcpBus({7: FixedMeter({0x00: 231.5, 0x48: 12.5})}) as bus:
        plant = tmp_path / "plant.toml"
        plant.write_text(
            '[intervals]\nlive = 1\nenergy = 1\n[[bus]]\nname = "bus"\ntype = "tcp"\nhost = "127.0.0.1"\n'
            f'port = {bus.port}\n[[meter]]\nslug = "flat-07"\nbus = "bus"\naddress = 7\n'
        )
        settings = {"MMETERING_PLANT": str(plant), "MMETERING_SPOOL": str(tmp_path / "spool.db")}
        gateway = Service("mmetering-gateway", {**mqtt_environment(broker, "main"), **settings}, tmp_path)
        with gateway, ingest("run", broker, database, tmp_path):
            wait_for(lambda: len(readings(database)) >= READINGS, timeout=90)
            assert run(ingest(f"backup {archive}", broker, database, tmp_path)) == 0
            saved = len(readings(database))
            wait_for(lambda: len(readings(database)) >= saved + READINGS, timeout=90)
            gateway.stop()
        before = readings(database)
        assert run(ingest(f"restore {archive}", broker, elsewhere, tmp_path)) == 0
        restored = readings(elsewhere)
        assert READINGS <= len(restored) <= saved
        assert restored == before[: len(restored)]
        assert run(Service("mmetering-gateway replay --from 1", settings, tmp_path)) == 0
        with gateway, ingest("run", broker, elsewhere, tmp_path):
            wait_for(lambda: readings(elsewhere)[: len(before)] == before, timeout=90)
            gateway.stop()
    seqs = [row[0] for row in readings(elsewhere)]
    assert seqs == list(range(1, len(seqs) + 1))
    postgres_server.drop_database(name)


def ingest(command: str, broker: Broker, database: str, directory: Path) -> Service:
    """Prepare a command of ingest for a database; all but `run` are the owner's."""
    conninfo = as_login(database, "ingest") if command == "run" else database
    environment = {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": conninfo}
    return Service(f"mmetering-ingest {command}", environment, directory)


def run(service: Service) -> int:
    """Run a command to its end and return its status."""
    with service:
        return service.wait()
