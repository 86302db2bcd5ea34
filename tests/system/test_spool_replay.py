"""A database that was lost is refilled from the gateway's archive, to the reading."""

from pathlib import Path

import pytest
from fix_broker import Broker
from fix_postgres import TEMPLATE, PostgresServer, as_login
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from service import Service, mqtt_environment
from stored import readings
from wait import wait_for

pytestmark = pytest.mark.system

READINGS = 20


def test_a_lost_database_is_refilled_from_the_archive(
    broker: Broker, database: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """With the gateway running the replay says what to do; with it stopped everything comes once more, and once."""
    fresh = postgres_server.create_database(TEMPLATE)
    with TcpBus({7: FixedMeter({0x00: 231.5, 0x48: 12.5})}) as bus:
        plant = tmp_path / "plant.toml"
        plant.write_text(
            '[intervals]\nlive = 1\nenergy = 1\n[[bus]]\nname = "bus"\ntype = "tcp"\nhost = "127.0.0.1"\n'
            f'port = {bus.port}\n[[meter]]\nslug = "flat-07"\nbus = "bus"\naddress = 7\n'
        )
        settings = {"MMETERING_PLANT": str(plant), "MMETERING_SPOOL": str(tmp_path / "spool.db")}
        environment = {**mqtt_environment(broker, "main"), **settings}
        with Service("mmetering-gateway", environment, tmp_path) as gateway:
            with ingest(broker, database, tmp_path):
                wait_for(lambda: len(readings(database)) >= READINGS, timeout=90)
                bus.unplug(7)
                assert run(replay(settings, tmp_path)) == (2, "is in use by another gateway; stop that first")
                gateway.stop()
            first = readings(database)
            assert [row[0] for row in first] == list(range(1, len(first) + 1))
            status, told = run(replay(settings, tmp_path), "will be sent again")
            assert status == 0
            assert told
            gateway.start()
            with ingest(broker, postgres_server.conninfo(fresh), tmp_path):
                wait_for(lambda: readings(postgres_server.conninfo(fresh))[: len(first)] == first, timeout=90)
                gateway.stop()
    assert len({row[0] for row in readings(postgres_server.conninfo(fresh))}) == len(
        readings(postgres_server.conninfo(fresh))
    )
    postgres_server.drop_database(fresh)


def ingest(broker: Broker, database: str, directory: Path) -> Service:
    """Prepare an ingest for a database."""
    environment = {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": as_login(database, "ingest")}
    return Service("mmetering-ingest run", environment, directory)


def replay(settings: dict[str, str], directory: Path) -> Service:
    """Prepare the replay of the whole archive."""
    return Service("mmetering-gateway replay --from 1", settings, directory)


def run(service: Service, text: str = "is in use by another gateway; stop that first") -> tuple[int, str]:
    """Run a command to its end; return its status, and the text if it has said that."""
    with service:
        status = service.wait()
    return status, text if text in service.log else ""
