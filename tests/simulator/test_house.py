"""A building in operation, as the gateway reads it."""

from pathlib import Path

import pytest
from mmetering_contract.quantity import Group
from mmetering_gateway.bus.link import Link
from mmetering_gateway.models.registers import decode
from mmetering_gateway.models.sdm630 import SDM630
from mmetering_gateway.planning.requests import Request
from mmetering_gateway.plant.plant import read_plant
from mmetering_simulator.building import DEFAULT, load_building
from mmetering_simulator.house import open_house
from mmetering_simulator.plant import plant
from mmetering_simulator.tcp import TcpBus

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("kind", ["tcp", "rtu-over-tcp"])
def test_a_gateway_reads_every_meter(tmp_path: Path, kind: str) -> None:
    """Through the plant that we print, the gateway's link must read each meter on each bus, of every type."""
    file = tmp_path / "building.toml"
    file.write_text(DEFAULT.read_text(encoding="utf-8").replace('type = "tcp"', f'type = "{kind}"'), encoding="utf-8")
    building = load_building(file).with_ports({"flats": 0})
    power: dict[str, float] = {}
    with open_house(building, tmp_path) as buses:
        flats = buses["flats"]
        assert isinstance(flats, TcpBus)
        known = read_plant(plant(building.with_ports({"flats": flats.port}), tmp_path, "127.0.0.1"), "plant.toml")
        for bus in known.bus:
            link = Link(bus)
            for meter in known.meters_on(bus.name):
                registers = link.read_inputs(meter.address, Request(0, 0x48))
                values, missing = decode(SDM630.of_group(Group.LIVE), {0: registers})
                assert not missing
                power[meter.slug] = values["power_total"]
            link.close()
    assert power.keys() == building.meter.keys()
    assert all(power[slug] <= 0 for slug in ("pv", "chp"))
    assert all(watts > 0 for slug, watts in power.items() if slug not in ("pv", "chp"))
