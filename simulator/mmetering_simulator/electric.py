"""What a meter sees on its three phases, from the flow of energy and the grid's voltage.

In each phase S² = P² + Q² and I = S / U; totals are sums of phases. A producer is metered like a
consumer: its power is negative and its energy counts as export. Names are those of the registers.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mmetering_simulator.chance import Numbers, uniform
from mmetering_simulator.energy import Flow

VOLTAGE = 230.0
DROP = 0.25  # ohm, of the line to the meter: load lowers its voltage, production raises it
SWELLS = 2 * np.pi / np.array([17.0, 83.0, 611.0, 3671.0, 86400.0])  # rad/s, of the grid's voltage and frequency
TURNS = np.exp(-2j * np.pi / 3 * np.arange(3))  # of L1, L2, L3
NEXT = [1, 2, 0]  # the line that voltage is measured to, from L1, L2, L3
K = 1e-3  # Wh to kWh
SUMMED = (
    "active_power",
    "apparent_power",
    "reactive_power",
    "active_import",
    "active_export",
    "active_energy",
    "reactive_import",
    "reactive_export",
    "reactive_energy",
)


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid at an instant: voltage of L1, L2, L3 to neutral in V where nothing is drawn, and frequency in Hz."""

    voltage: Numbers
    frequency: float


def grid(seed: int, now: float) -> Grid:
    """Return the grid at POSIX time `now`, in s; all meters of a building see the same."""
    waves = np.sin(SWELLS[:, None] * now + _phases_of_swells(seed)).sum(axis=0)
    return Grid(VOLTAGE + 0.7 * waves[:3], float(50 + 0.006 * waves[3]))


@lru_cache
def _phases_of_swells(seed: int) -> Numbers:
    """Return a phase in rad for each swell of the voltage of L1, L2, L3 and of the frequency, (swells, 4)."""
    return 2 * np.pi * uniform(4 * len(SWELLS), seed, "grid").reshape(len(SWELLS), 4)


def by_phase(flow: Flow, sign: int, voltage: Numbers) -> dict[str, Numbers]:
    """Return what there is for each of L1, L2, L3.

    Args:
        flow: through the meter.
        sign: 1 for a consumer, -1 for a producer.
        voltage: of the grid at the meter's line; 0 where a phase is not connected.
    """
    active, reactive, apparent = flow.power
    there = np.where(voltage > 0, voltage - sign * DROP * active / VOLTAGE, 0.0)
    current = np.divide(apparent, there, out=np.zeros(3), where=there > 0)
    factor = np.divide(sign * active, apparent, out=np.ones(3), where=apparent > 0)
    phasors = there * TURNS
    return {
        "voltage": there,
        "current": current,
        "active_power": sign * active,
        "apparent_power": apparent,
        "reactive_power": sign * reactive,
        "power_factor": factor,
        "phase_angle": np.degrees(np.arctan2(sign * reactive, sign * active)),
        "voltage_between_lines": np.abs(phasors - phasors[NEXT]),
        **_counters("active", K * flow.energy[0], sign),
        **_counters("reactive", K * flow.energy[1], sign),
    }


def in_total(phases: dict[str, Numbers], flow: Flow, frequency: float) -> dict[str, float]:
    """Return what there is once for the meter, from what `by_phase` returned, the flow, and the frequency in Hz."""
    sums = dict(zip(SUMMED, np.stack([phases[name] for name in SUMMED]).sum(axis=1).tolist(), strict=True))
    connected = max(1, np.count_nonzero(phases["voltage"]))
    active, reactive, apparent = sums["active_power"], sums["reactive_power"], sums["apparent_power"]
    lagging = phases["current"] * TURNS * np.exp(-1j * np.radians(phases["phase_angle"]))
    return sums | {
        "average_voltage": float(phases["voltage"].sum() / connected),
        "average_current": float(phases["current"].sum() / connected),
        "sum_of_currents": float(phases["current"].sum()),
        "power_factor": active / apparent if apparent else 1.0,
        "phase_angle": float(np.degrees(np.arctan2(reactive, active))),
        "frequency": frequency,
        "apparent_energy": float(K * flow.energy[2].sum()),
        "average_voltage_between_lines": float(phases["voltage_between_lines"].mean()),
        "neutral_current": float(abs(lagging.sum())),
    }


def _counters(kind: str, energy: Numbers, sign: int) -> dict[str, Numbers]:
    nothing = np.zeros(3)
    imported, exported = (energy, nothing) if sign > 0 else (nothing, energy)
    return {f"{kind}_import": imported, f"{kind}_export": exported, f"{kind}_energy": energy}
