"""A simulated SDM630: the registers of a building's meter at any instant.

Demand, maximum, distortion and charge registers read 0.0: nothing here models them.
"""

import numpy as np

from mmetering_simulator.building import Building, Chp, Common, Flat, Meter, Pty, Pv
from mmetering_simulator.electric import by_phase, grid, in_total
from mmetering_simulator.energy import Energy
from mmetering_simulator.load import is_producer, load
from mmetering_simulator.registers import (
    INPUT_END,
    Registers,
    float_registers,
    holding_registers,
    values_by_address,
)

SWING: dict[type[Meter], float] = {Flat: 0.6, Common: 0.3, Pv: 0.25, Chp: 0.01}  # of the mean of a quarter hour
CONVERTER_BAUD = 9600  # behind a converter to TCP


class SimulatedMeter:
    """A meter of a building, as it answers over Modbus.

    Args:
        building: the building that it hangs in.
        slug: its name there.
    """

    def __init__(self, building: Building, slug: str) -> None:
        meter = building.meter[slug]
        bus = building.bus[meter.bus]
        self._seed = building.seed
        self._connected = np.arange(3) < meter.phases
        self._sign = -1 if is_producer(meter) else 1
        self._energy = Energy(
            load(building, slug),
            installed=building.installed.timestamp(),
            start=np.where(self._connected, 1000 * meter.start_kwh / meter.phases, 0.0),
            swing=SWING[type(meter)],
            balanced=is_producer(meter),
            key=(building.seed, slug),
        )
        baud = bus.baud if isinstance(bus, Pty) else CONVERTER_BAUD
        self._holding = holding_registers(meter.unit, baud, meter.serial)

    def input_registers(self, now: float) -> Registers:
        """Return the input registers at POSIX time `now`, in s."""
        return float_registers(self.values(now), INPUT_END)

    def holding_registers(self, now: float) -> Registers:  # noqa: ARG002 - settings do not change with time
        """Return the holding registers."""
        return self._holding

    def values(self, now: float) -> dict[int, float]:
        """Return input register address to value at POSIX time `now`, in s, in the manual's units."""
        flow = self._energy.at(now)
        mains = grid(self._seed, now)
        phases = by_phase(flow, self._sign, np.where(self._connected, mains.voltage, 0.0))
        return values_by_address(phases, in_total(phases, flow, mains.frequency))
