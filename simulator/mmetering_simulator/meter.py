"""A simulated meter of a building: its registers at any instant."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from mmetering_simulator.building import Building, Chp, Common, Flat, Meter, Pty, Pv
from mmetering_simulator.chance import Numbers
from mmetering_simulator.electric import by_phase, grid, in_total
from mmetering_simulator.energy import Energy
from mmetering_simulator.line import Line
from mmetering_simulator.load import Day, is_producer, load
from mmetering_simulator.models import MODELS
from mmetering_simulator.registers import HOLDING_END, Registers, float_registers, values_by_address
from mmetering_simulator.settings import Settings

SWING: dict[type[Meter], float] = {Flat: 0.6, Common: 0.3, Pv: 0.25, Chp: 0.01}  # of the mean of a quarter hour
CONVERTER_BAUD = 9600  # behind a converter to TCP


class SimulatedMeter:
    """A meter of a building, as it answers over Modbus.

    Args:
        building: the building that it hangs in.
        slug: its name there.

    Attributes:
        settings: its holding registers, its button, and its restart.
    """

    def __init__(self, building: Building, slug: str) -> None:
        meter = building.meter[slug]
        bus = building.bus[meter.bus]
        model = MODELS[meter.model]
        line = Line(bus.baud if isinstance(bus, Pty) else CONVERTER_BAUD)
        self.settings = Settings(model, serial=meter.serial, unit=meter.unit, line=line)
        self._seed = building.seed
        self._connected = (np.arange(3) < meter.phases) * (1.0 - _marks(meter.dead_phases))
        self._turned = 1.0 - 2.0 * _marks(meter.reversed_phases)
        self._sign = -1 if is_producer(meter) else 1
        self._energy = Energy(
            _only(load(building, slug), self._connected),
            installed=building.installed.timestamp(),
            start=1000 * meter.start_kwh / meter.phases * self._connected,
            swing=SWING[type(meter)],
            balanced=is_producer(meter),
            key=(building.seed, slug),
            signs=self._sign * self._turned,
        )

    def input_registers(self, now: float) -> Registers:
        """Return the input registers at POSIX time `now`, in s, up to the last one."""
        values = self.values(now)
        return float_registers(values, max(values) + 2)

    def holding_registers(self, now: float) -> Registers:
        """Return the holding registers at POSIX time `now`, in s."""
        return float_registers(self.settings.peek(now), HOLDING_END) | self.settings.identity()

    def values(self, now: float) -> dict[int, float]:
        """Return input register address to value at POSIX time `now`, in s, in the manual's units."""
        flow, demand, mains = self._energy.at(now), self._energy.demand(now), grid(self._seed, now)
        phases = by_phase(flow, self._sign, mains, self._connected, self._turned)
        total = in_total(phases, flow, mains.frequency)
        every = values_by_address(phases | demand.by_phase(), total | demand.in_total())
        return {address: value for address, value in every.items() if address in self.settings.model.inputs}


def _marks(phases: Iterable[int]) -> Numbers:
    """Return for L1, L2, L3 a 1 where the phase is among these, and a 0 elsewhere."""
    return np.isin([1, 2, 3], list(phases)).astype(np.float64)


def _only(load: Callable[[int], Day], connected: Numbers) -> Callable[[int], Day]:
    """Return the load without that of the phases which are not there."""

    def of_day(day: int) -> Day:
        whole = load(day)
        return replace(whole, watts=whole.watts * connected)

    return of_day
