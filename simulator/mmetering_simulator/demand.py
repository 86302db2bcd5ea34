"""Demand: what flowed on average in the last full hour, and the most of it since the installation. Pure.

A meter's demand period is 60 min as it comes (SDM630-Modbus V1.8, page 5); it slides in the meter and steps by
the hour here. Power demand is import - export (note 2 on page 5 there).
"""

from dataclasses import dataclass

import numpy as np

from mmetering_simulator.chance import Numbers

HOUR_S = 3600
VOLTAGE = 230.0
TURNS = np.exp(-2j * np.pi / 3 * np.arange(3))  # of L1, L2, L3


@dataclass(frozen=True, slots=True)
class Demand:
    """Seven figures: import - export and export - import in W, VA, neutral A, A of L1, L2, L3; and their maxima."""

    last: Numbers
    highest: Numbers

    def by_phase(self) -> dict[str, Numbers]:
        """Return what there is for each of L1, L2, L3, by the names of the registers."""
        return {"current_demand": self.last[4:], "current_demand_maximum": self.highest[4:]}

    def in_total(self) -> dict[str, float]:
        """Return what there is once for the meter, by the names of the registers."""
        names = ("power_demand", "export_demand", "apparent_demand", "neutral_demand")
        last = dict(zip(names, self.last.tolist(), strict=False))
        highest = {f"{name}_maximum": value for name, value in zip(names, self.highest.tolist(), strict=False)}
        figures = last | highest
        sides = {
            "import_demand": max(0.0, figures["power_demand"]),
            "import_demand_maximum": max(0.0, figures["power_demand_maximum"]),
            "export_demand": max(0.0, figures["export_demand"]),
            "export_demand_maximum": max(0.0, figures["export_demand_maximum"]),
        }
        return figures | sides


def demands(hours: Numbers, signs: Numbers) -> Numbers:
    """Return the figures of each hour, (hours, 7).

    Args:
        hours: mean flow in each; rows active, reactive, apparent, columns L1, L2, L3: (hours, 3, 3).
        signs: of the power that the meter sees in L1, L2, L3: 1 is import, -1 is export.
    """
    active, reactive, apparent = hours.swapaxes(0, 1)
    power = (signs * active).sum(axis=1)
    currents = apparent / VOLTAGE
    phasors = signs * currents * np.exp(-1j * np.arctan2(reactive, active)) * TURNS
    totals = (power, -power, apparent.sum(axis=1), np.abs(phasors.sum(axis=1)))
    return np.concatenate([np.stack(totals, axis=1), currents], axis=1)
