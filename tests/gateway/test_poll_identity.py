"""A meter is identified when it comes, and again whenever it was away: real Modbus, a real spool, no broker."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kept_live import KeptLive
from mmetering_contract.quantity import Group
from mmetering_contract.reading import Reading
from mmetering_gateway.clock import Clock
from mmetering_gateway.planning.schedule import Slot
from mmetering_gateway.plant.plant import Meter, Plant, TcpBus
from mmetering_gateway.poll import Poller
from mmetering_gateway.spool.spool import Spool
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.models import MODELS as SIMULATED
from mmetering_simulator.models.model import ENERGY_PREFIX, REGISTER_ORDER
from mmetering_simulator.settings import Settings
from mmetering_simulator.tcp import TcpBus as SimulatedTcp

BOTH = Slot(1, (Group.ENERGY, Group.LIVE))
VALUES = {0x00: 230.0, 0x46: 50.0, 0x48: 1.5}


class Strange(Settings):
    """The settings of a meter whose order of words is none that a manual knows."""

    def peek(self, now: float) -> dict[int, float]:
        """Return the float registers."""
        return {**super().peek(now), REGISTER_ORDER: 1421.0}


@contextmanager
def polled(meter: FixedMeter, directory: Path) -> Iterator[tuple[SimulatedTcp, Poller, KeptLive]]:
    """Give a bus with one meter of the older style, and what polls it."""
    live = KeptLive()
    with SimulatedTcp({1: meter}) as simulated, Spool(directory / "spool.db") as spool:
        bus = TcpBus("bus", "127.0.0.1", simulated.port)
        plant = Plant(bus=(bus,), meter=(Meter("flat", "bus", 1, "sdm630-v1"),))
        poller = Poller(bus, plant, spool, live, clock=Clock(None))
        try:
            yield simulated, poller, live
        finally:
            poller.close()


def test_what_a_meter_tells_of_itself_is_published(tmp_path: Path) -> None:
    """Serial number and version, for people and for whoever looks for a known fault."""
    meter = FixedMeter(VALUES, model="sdm630", serial=20_123_456)
    with polled(meter, tmp_path) as (_, poller, live):
        poller.poll(BOTH, 0)
        info = live.infos["flat"]
        assert (info.serial, info.firmware, info.reason) == ("20123456", "1.08", "")


def test_a_meter_that_was_away_is_asked_again_how_it_counts(tmp_path: Path) -> None:
    """While it was away, somebody made it count in MWh: that is no leap to a thousandth."""
    meter = FixedMeter(VALUES, model="sdm630-v1")
    with polled(meter, tmp_path) as (bus, poller, live):
        poller.poll(BOTH, 0)
        assert _energy(live.readings) == 1500
        bus.unplug(1)
        for _ in range(3):
            poller.poll(BOTH, 1e6)
        assert live.infos["flat"].reason
        meter.settings.write(ENERGY_PREFIX, struct.pack(">f", 1.0), now=0)
        bus.plug(1)
        poller.poll(BOTH, 1e9)
        assert _energy(live.readings[2:]) == 1500
        assert [reading.quality for reading in live.readings] == ["good"] * 4


def _energy(readings: list[Reading]) -> int | float:
    return next(reading.values["energy_import"] for reading in readings if "energy_import" in reading.values)


def test_a_meter_whose_numbers_nobody_understands_is_offline_and_says_why(tmp_path: Path) -> None:
    """Wrong numbers would be worse than none."""
    meter = FixedMeter(VALUES, model="sdm630-v1")
    meter.settings = Strange(SIMULATED["sdm630-v1"], serial=1)
    with polled(meter, tmp_path) as (_, poller, live):
        for _ in range(3):
            poller.poll(BOTH, 0)
        assert live.infos["flat"].reason.startswith("the order of its words is unknown")
        assert live.readings == []
