"""A building in operation: all its meters on all its buses."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import assert_never

from mmetering_simulator.building import Building, BuildingError, BusLine, Pty, RtuOverTcp, Tcp
from mmetering_simulator.frame import MBAP, RTU
from mmetering_simulator.meter import SimulatedMeter
from mmetering_simulator.rtu import RtuBus
from mmetering_simulator.tcp import TcpBus
from mmetering_simulator.unplugged import Unplugged


@contextmanager
def open_house(building: Building, state: Path, host: str = "127.0.0.1") -> Iterator[Mapping[str, TcpBus | RtuBus]]:
    """Run all buses of a building; yield them by name.

    Args:
        building: what to run.
        state: directory for the links to pseudo-terminals and for what is unplugged.
        host: address that TCP buses listen on.

    Raises:
        BuildingError: a port or a path cannot be had.
    """
    with ExitStack() as stack:
        buses: dict[str, TcpBus | RtuBus] = {}
        for name, line in building.bus.items():
            try:
                bus = buses[name] = _bus(building, name, line, state, host)
                stack.enter_context(bus)
            except OSError as error:
                raise BuildingError(f"bus {name} cannot open {line}: {error}") from error
        yield buses


def _bus(building: Building, name: str, line: BusLine, state: Path, host: str) -> TcpBus | RtuBus:
    slugs = {meter.unit: slug for slug, meter in building.on_bus(name).items()}
    meters = {unit: _warm_meter(building, slug) for unit, slug in slugs.items()}
    unplugged = Unplugged(state).units(slugs)
    match line:
        case Tcp():
            return TcpBus(meters, host=host, port=line.port, framing=MBAP, unplugged=unplugged)
        case RtuOverTcp():
            return TcpBus(meters, host=host, port=line.port, framing=RTU, unplugged=unplugged)
        case Pty():
            return RtuBus(meters, path=state / line.path, baud=line.baud, unplugged=unplugged)
        case _:
            assert_never(line)


def _warm_meter(building: Building, slug: str) -> SimulatedMeter:
    """Return a meter that has summed up its past, which would make its first reply late."""
    meter = SimulatedMeter(building, slug)
    meter.values(time.time())
    return meter
