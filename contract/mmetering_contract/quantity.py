"""What is measured. One line here and one migration in ingest make a new quantity.

Names are the field's terms; energy is counted in whole Wh (reactive: varh, apparent: VAh),
everything else rests in SI units with the meter's float32 precision.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a quantity behaves in time."""

    COUNTER = "counter"  # an integer that only grows
    GAUGE = "gauge"  # a value of the moment


class Group(StrEnum):
    """The scan groups: what is read together, at one interval."""

    LIVE = "live"
    ENERGY = "energy"
    QUALITY = "quality"
    DEMAND = "demand"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured quantity: its name, unit, kind, scan group and what it means."""

    name: str
    unit: str
    kind: Kind
    group: Group
    description: str


def _gauge(name: str, unit: str, description: str) -> Quantity:
    return Quantity(name, unit, Kind.GAUGE, Group.LIVE, description)


def _counter(name: str, unit: str, description: str) -> Quantity:
    return Quantity(name, unit, Kind.COUNTER, Group.ENERGY, description)


QUANTITIES = (
    _gauge("voltage_l1", "V", "voltage between phase 1 and neutral"),
    _gauge("voltage_l2", "V", "voltage between phase 2 and neutral"),
    _gauge("voltage_l3", "V", "voltage between phase 3 and neutral"),
    _gauge("current_l1", "A", "current of phase 1"),
    _gauge("current_l2", "A", "current of phase 2"),
    _gauge("current_l3", "A", "current of phase 3"),
    _gauge("power_l1", "W", "active power of phase 1; negative when it is exported"),
    _gauge("power_l2", "W", "active power of phase 2; negative when it is exported"),
    _gauge("power_l3", "W", "active power of phase 3; negative when it is exported"),
    _gauge("power_total", "W", "active power of all phases; negative when it is exported"),
    _gauge("frequency", "Hz", "mains frequency"),
    _counter("energy_import", "Wh", "active energy imported"),
    _counter("energy_export", "Wh", "active energy exported"),
    _counter("reactive_energy_import", "varh", "reactive energy imported"),
    _counter("reactive_energy_export", "varh", "reactive energy exported"),
    _counter("apparent_energy", "VAh", "apparent energy"),
    _counter("energy_import_l1", "Wh", "active energy imported on phase 1"),
    _counter("energy_import_l2", "Wh", "active energy imported on phase 2"),
    _counter("energy_import_l3", "Wh", "active energy imported on phase 3"),
    _counter("energy_export_l1", "Wh", "active energy exported on phase 1"),
    _counter("energy_export_l2", "Wh", "active energy exported on phase 2"),
    _counter("energy_export_l3", "Wh", "active energy exported on phase 3"),
)

BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}
