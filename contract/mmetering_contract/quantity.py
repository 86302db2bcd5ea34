"""What is measured. One line here and one migration in ingest make a new quantity.

Names are the field's terms; energy is counted in whole Wh (reactive: varh, apparent: VAh). All else travels in SI
units with the meter's float32 precision, and rests as a number of steps, each a tenth of the meter's error at most.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a quantity behaves in time."""

    COUNTER = "counter"  # an integer that only grows
    BALANCE = "balance"  # an integer that may fall: a net sum, or one that people may set back to zero
    GAUGE = "gauge"  # a value of the moment


class Group(StrEnum):
    """The scan groups: what is read together, at one interval."""

    LIVE = "live"
    ENERGY = "energy"
    QUALITY = "quality"
    DEMAND = "demand"


# Unit to the step in which a gauge is stored. Beside it what an SDM630 may be wrong by, by "Accuracy" in its manual;
# the range ends at 289 V, 100 A and 23 kW a phase.
RESOLUTION = {
    "V": 0.1,  # 1.4: 0.5 % of the range
    "A": 0.001,  # 0.05: 0.5 % of the nominal 10 A
    "W": 0.1,  # 230: 1 % of the range; but what stands by draws little
    "VA": 1.0,  # 230: 1 % of the range
    "var": 1.0,  # 230: 1 % of the range
    "Hz": 0.001,  # 0.1: 0.2 % of 50 Hz; but the grid seldom strays by more than 0.05
    "": 0.001,  # 0.01: 1 % of unity
    "°": 0.1,  # 0.6 and more, which 0.01 of a power factor is
    "%": 0.1,  # 1
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured quantity: its name, unit, kind, scan group and what it means."""

    name: str
    unit: str
    kind: Kind
    group: Group
    description: str

    @property
    def whole(self) -> bool:
        """Whether it is counted in whole units."""
        return self.kind is not Kind.GAUGE

    @property
    def resolution(self) -> float:
        """The step in which it is stored, in its unit: 1 for what is counted."""
        return 1.0 if self.whole else RESOLUTION[self.unit]


def _live(name: str, unit: str, description: str) -> Quantity:
    return Quantity(name, unit, Kind.GAUGE, Group.LIVE, description)


def _quality(name: str, unit: str, description: str) -> Quantity:
    return Quantity(name, unit, Kind.GAUGE, Group.QUALITY, description)


def _demand(name: str, unit: str, description: str) -> Quantity:
    return Quantity(name, unit, Kind.GAUGE, Group.DEMAND, description)


def _counter(name: str, unit: str, description: str) -> Quantity:
    return Quantity(name, unit, Kind.COUNTER, Group.ENERGY, description)


def _balance(name: str, unit: str, description: str) -> Quantity:
    return Quantity(name, unit, Kind.BALANCE, Group.ENERGY, description)


QUANTITIES = (
    _live("voltage_l1", "V", "voltage between phase 1 and neutral"),
    _live("voltage_l2", "V", "voltage between phase 2 and neutral"),
    _live("voltage_l3", "V", "voltage between phase 3 and neutral"),
    _live("current_l1", "A", "current of phase 1"),
    _live("current_l2", "A", "current of phase 2"),
    _live("current_l3", "A", "current of phase 3"),
    _live("power_l1", "W", "active power of phase 1; negative when it is exported"),
    _live("power_l2", "W", "active power of phase 2; negative when it is exported"),
    _live("power_l3", "W", "active power of phase 3; negative when it is exported"),
    _live("power_total", "W", "active power of all phases; negative when it is exported"),
    _live("frequency", "Hz", "mains frequency"),
    _live("power_import", "W", "active power imported; never negative"),
    _live("power_export", "W", "active power exported; never negative"),
    _quality("apparent_power_l1", "VA", "apparent power of phase 1"),
    _quality("apparent_power_l2", "VA", "apparent power of phase 2"),
    _quality("apparent_power_l3", "VA", "apparent power of phase 3"),
    _quality("apparent_power_total", "VA", "apparent power of all phases"),
    _quality("reactive_power_l1", "var", "reactive power of phase 1"),
    _quality("reactive_power_l2", "var", "reactive power of phase 2"),
    _quality("reactive_power_l3", "var", "reactive power of phase 3"),
    _quality("reactive_power_total", "var", "reactive power of all phases"),
    _quality("power_factor_l1", "", "power factor of phase 1; what its sign says differs by model"),
    _quality("power_factor_l2", "", "power factor of phase 2; what its sign says differs by model"),
    _quality("power_factor_l3", "", "power factor of phase 3; what its sign says differs by model"),
    _quality("power_factor_total", "", "power factor of all phases; what its sign says differs by model"),
    _quality("power_factor_inverse", "", "power factor of all phases with the other sign"),
    _quality("phase_angle_l1", "°", "angle between voltage and current of phase 1"),
    _quality("phase_angle_l2", "°", "angle between voltage and current of phase 2"),
    _quality("phase_angle_l3", "°", "angle between voltage and current of phase 3"),
    _quality("phase_angle_total", "°", "angle between voltage and current of all phases"),
    _quality("voltage_average", "V", "mean of the voltages between phase and neutral"),
    _quality("current_average", "A", "mean of the phase currents"),
    _quality("current_sum", "A", "sum of the phase currents"),
    _quality("current_neutral", "A", "current of the neutral"),
    _quality("voltage_l1_l2", "V", "voltage between phases 1 and 2"),
    _quality("voltage_l2_l3", "V", "voltage between phases 2 and 3"),
    _quality("voltage_l3_l1", "V", "voltage between phases 3 and 1"),
    _quality("voltage_line_average", "V", "mean of the voltages between two phases"),
    _quality("voltage_thd_l1", "%", "total harmonic distortion of the voltage of phase 1"),
    _quality("voltage_thd_l2", "%", "total harmonic distortion of the voltage of phase 2"),
    _quality("voltage_thd_l3", "%", "total harmonic distortion of the voltage of phase 3"),
    _quality("voltage_thd_average", "%", "total harmonic distortion of the phase voltages, mean"),
    _quality("voltage_thd_l1_l2", "%", "total harmonic distortion of the voltage between phases 1 and 2"),
    _quality("voltage_thd_l2_l3", "%", "total harmonic distortion of the voltage between phases 2 and 3"),
    _quality("voltage_thd_l3_l1", "%", "total harmonic distortion of the voltage between phases 3 and 1"),
    _quality("voltage_thd_line_average", "%", "total harmonic distortion of the voltages between two phases, mean"),
    _quality("current_thd_l1", "%", "total harmonic distortion of the current of phase 1"),
    _quality("current_thd_l2", "%", "total harmonic distortion of the current of phase 2"),
    _quality("current_thd_l3", "%", "total harmonic distortion of the current of phase 3"),
    _quality("current_thd_average", "%", "total harmonic distortion of the phase currents, mean"),
    _demand("power_demand", "W", "active power over the demand period"),
    _demand("power_demand_maximum", "W", "highest power_demand since it was set back"),
    _demand("power_import_demand", "W", "active power imported over the demand period"),
    _demand("power_import_demand_maximum", "W", "highest power_import_demand since it was set back"),
    _demand("power_export_demand", "W", "active power exported over the demand period"),
    _demand("power_export_demand_maximum", "W", "highest power_export_demand since it was set back"),
    _demand("apparent_power_demand", "VA", "apparent power over the demand period"),
    _demand("apparent_power_demand_maximum", "VA", "highest apparent_power_demand since it was set back"),
    _demand("current_demand_l1", "A", "current of phase 1 over the demand period"),
    _demand("current_demand_l2", "A", "current of phase 2 over the demand period"),
    _demand("current_demand_l3", "A", "current of phase 3 over the demand period"),
    _demand("current_demand_maximum_l1", "A", "highest current_demand_l1 since it was set back"),
    _demand("current_demand_maximum_l2", "A", "highest current_demand_l2 since it was set back"),
    _demand("current_demand_maximum_l3", "A", "highest current_demand_l3 since it was set back"),
    _demand("current_neutral_demand", "A", "current of the neutral over the demand period"),
    _demand("current_neutral_demand_maximum", "A", "highest current_neutral_demand since it was set back"),
    _counter("energy_import", "Wh", "active energy imported"),
    _counter("energy_export", "Wh", "active energy exported"),
    _counter("reactive_energy_import", "varh", "reactive energy imported"),
    _counter("reactive_energy_export", "varh", "reactive energy exported"),
    _counter("apparent_energy", "VAh", "apparent energy"),
    _counter("charge", "mAh", "charge"),
    _counter("energy_import_l1", "Wh", "active energy imported on phase 1"),
    _counter("energy_import_l2", "Wh", "active energy imported on phase 2"),
    _counter("energy_import_l3", "Wh", "active energy imported on phase 3"),
    _counter("energy_export_l1", "Wh", "active energy exported on phase 1"),
    _counter("energy_export_l2", "Wh", "active energy exported on phase 2"),
    _counter("energy_export_l3", "Wh", "active energy exported on phase 3"),
    _counter("reactive_energy_import_l1", "varh", "reactive energy imported on phase 1"),
    _counter("reactive_energy_import_l2", "varh", "reactive energy imported on phase 2"),
    _counter("reactive_energy_import_l3", "varh", "reactive energy imported on phase 3"),
    _counter("reactive_energy_export_l1", "varh", "reactive energy exported on phase 1"),
    _counter("reactive_energy_export_l2", "varh", "reactive energy exported on phase 2"),
    _counter("reactive_energy_export_l3", "varh", "reactive energy exported on phase 3"),
    _balance("energy_total", "Wh", "active energy in total: some firmware adds import and export, some subtracts"),
    _balance("reactive_energy_total", "varh", "reactive energy in total, likewise"),
    _balance("energy_total_l1", "Wh", "active energy of phase 1 in total, likewise"),
    _balance("energy_total_l2", "Wh", "active energy of phase 2 in total, likewise"),
    _balance("energy_total_l3", "Wh", "active energy of phase 3 in total, likewise"),
    _balance("reactive_energy_total_l1", "varh", "reactive energy of phase 1 in total, likewise"),
    _balance("reactive_energy_total_l2", "varh", "reactive energy of phase 2 in total, likewise"),
    _balance("reactive_energy_total_l3", "varh", "reactive energy of phase 3 in total, likewise"),
    _balance("energy_net", "Wh", "active energy imported less exported"),
    _balance("energy_resettable", "Wh", "active energy in total since people set it back"),
    _balance("energy_import_resettable", "Wh", "active energy imported since people set it back"),
    _balance("energy_export_resettable", "Wh", "active energy exported since people set it back"),
    _balance("reactive_energy_resettable", "varh", "reactive energy in total since people set it back"),
)

BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}
