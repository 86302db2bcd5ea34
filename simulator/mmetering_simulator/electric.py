"""What a meter sees on its three phases, from the flow of energy and the grid's voltage.

In each phase S² = P² + Q² and I = S / U; totals are sums of phases. A producer is metered like a
consumer: its power is negative and its energy counts as export; so it is in a phase whose current flows through the
meter the wrong way round. Names are those of the registers.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mmetering_simulator.chance import Numbers, uniform
from mmetering_simulator.demand import TURNS, VOLTAGE
from mmetering_simulator.energy import Flow

DROP = 0.25  # ohm, of the line to the meter: load lowers its voltage, production raises it
SWELLS = 2 * np.pi / np.array([17.0, 83.0, 611.0, 3671.0, 86400.0])  # rad/s, of the grid's voltage and frequency
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
    """The grid at an instant: L1, L2, L3 to neutral where nothing is drawn, in V; Hz; harmonic distortion in %."""

    voltage: Numbers
    frequency: float
    distortion: Numbers


def grid(seed: int, now: float) -> Grid:
    """Return the grid at POSIX time `now`, in s; all meters of a building see the same."""
    waves = np.sin(SWELLS[:, None] * now + _phases_of_swells(seed)).sum(axis=0)
    return Grid(VOLTAGE + 0.7 * waves[:3], float(50 + 0.006 * waves[3]), 2.2 + 0.2 * waves[NEXT])


@lru_cache
def _phases_of_swells(seed: int) -> Numbers:
    """Return a phase in rad for each swell of the voltage of L1, L2, L3 and of the frequency, (swells, 4)."""
    return 2 * np.pi * uniform(4 * len(SWELLS), seed, "grid").reshape(len(SWELLS), 4)


def by_phase(flow: Flow, sign: int, mains: Grid, connected: Numbers, turned: Numbers) -> dict[str, Numbers]:
    """Return what there is for each of L1, L2, L3.

    Args:
        flow: through the meter.
        sign: 1 for a consumer, -1 for a producer.
        mains: the grid at the meter's line.
        connected: 1, or 0 where a phase is not there.
        turned: 1, or -1 where the current of a phase flows through the meter the wrong way round.
    """
    active, reactive, apparent = flow.power
    there = connected * (mains.voltage - sign * DROP * active / VOLTAGE)
    current = np.divide(apparent, there, out=np.zeros(3), where=there > 0)
    seen = sign * turned
    factor = np.divide(seen * active, apparent, out=np.ones(3), where=apparent > 0)
    phasors, distortion = there * TURNS, connected * mains.distortion
    return {
        "voltage": there,
        "current": current,
        "active_power": seen * active,
        "apparent_power": apparent,
        "reactive_power": seen * reactive,
        "power_factor": factor,
        "phase_angle": np.degrees(np.arctan2(seen * reactive, seen * active)),
        "voltage_between_lines": np.abs(phasors - phasors[NEXT]),
        "voltage_distortion": distortion,
        "current_distortion": np.where(current > 0, 5 + 60 / (4 + current), 0.0),  # the less flows, the more
        "voltage_distortion_between_lines": (distortion + distortion[NEXT]) / 2,
        **_counters("active", K * flow.energy[0], seen),
        **_counters("reactive", K * flow.energy[1], seen),
    }


def in_total(phases: dict[str, Numbers], flow: Flow, frequency: float) -> dict[str, float]:
    """Return what there is once for the meter, from what `by_phase` returned, the flow, and the frequency in Hz."""
    sums = dict(zip(SUMMED, np.stack([phases[name] for name in SUMMED]).sum(axis=1).tolist(), strict=True))
    connected = max(1, np.count_nonzero(phases["voltage"]))
    active, reactive, apparent = sums["active_power"], sums["reactive_power"], sums["apparent_power"]
    factor = active / apparent if apparent else 1.0
    lagging = phases["current"] * TURNS * np.exp(-1j * np.radians(phases["phase_angle"]))
    return sums | {
        "average_voltage": float(phases["voltage"].sum() / connected),
        "average_current": float(phases["current"].sum() / connected),
        "sum_of_currents": float(phases["current"].sum()),
        "power_factor": factor,
        "power_factor_inverse": -factor,
        "phase_angle": float(np.degrees(np.arctan2(reactive, active))),
        "frequency": frequency,
        "apparent_energy": float(K * flow.energy[2].sum()),
        "charge": float(flow.energy[2].sum() / VOLTAGE),
        "average_voltage_distortion": float(phases["voltage_distortion"].sum() / connected),
        "average_current_distortion": float(phases["current_distortion"].sum() / connected),
        "average_voltage_distortion_between_lines": float(phases["voltage_distortion_between_lines"].mean()),
        "resettable_energy": sums["active_energy"],
        "resettable_reactive": sums["reactive_energy"],
        "resettable_import": sums["active_import"],
        "resettable_export": sums["active_export"],
        "net_energy": sums["active_import"] - sums["active_export"],
        "import_power": max(0.0, active),
        "export_power": max(0.0, -active),
        "average_voltage_between_lines": float(phases["voltage_between_lines"].mean()),
        "neutral_current": float(abs(lagging.sum())),
    }


def _counters(kind: str, energy: Numbers, seen: Numbers) -> dict[str, Numbers]:
    imported, exported = np.where(seen > 0, energy, 0.0), np.where(seen < 0, energy, 0.0)
    return {f"{kind}_import": imported, f"{kind}_export": exported, f"{kind}_energy": energy}
