"""Which quantity stands where on the page of a meter. Pure.

What people look at stands in one table; the rest is folded away, by scan group, and only what the meter has.
"""

from collections.abc import Container
from dataclasses import dataclass

from mmetering_contract.quantity import BY_NAME, Quantity

PHASES = ("l1", "l2", "l3")
LINES = ("l1_l2", "l2_l3", "l3_l1")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; a cell without a quantity is empty. It is shown always, or where the meter has any of it."""

    title: str
    cells: tuple[Quantity | None, ...]
    always: bool = False

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What stands in the cells."""
        return tuple(quantity for quantity in self.cells if quantity)

    @property
    def unit(self) -> str:
        """The unit of all its cells."""
        return self.quantities[0].unit

    def is_shown(self, known: Container[str]) -> bool:
        """Return whether it is shown for a meter of which these quantities are known."""
        return self.always or any(quantity.name in known for quantity in self.quantities)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under the same headings."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]

    def is_shown(self, known: Container[str]) -> bool:
        """Return whether any of its rows is."""
        return any(row.is_shown(known) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Section:
    """Tables that are folded together, with a word on what is in them."""

    title: str
    about: str
    tables: tuple[Table, ...]

    def is_shown(self, known: Container[str]) -> bool:
        """Return whether any of its tables is."""
        return any(table.is_shown(known) for table in self.tables)


def _row(title: str, *names: str | None, always: bool = False) -> Row:
    return Row(title, tuple(BY_NAME[name] if name else None for name in names), always)


def _phases(title: str, name: str, total: str | None = None, *, always: bool = False) -> Row:
    return _row(title, *(f"{name}_{phase}" for phase in PHASES), total, always=always)


def _last(title: str, name: str, *, always: bool = False) -> Row:
    return _row(title, None, None, None, name, always=always)


def _lines(title: str, name: str, mean: str) -> Row:
    return _row(title, *(f"{name}_{line}" for line in LINES), mean)


NOW = Table(
    ("L1", "L2", "L3", "Total"),
    (
        _phases("Voltage", "voltage", always=True),
        _phases("Current", "current", always=True),
        _phases("Power", "power", "power_total", always=True),
        _last("Power imported", "power_import"),
        _last("Power exported", "power_export"),
        _phases("Energy imported", "energy_import", "energy_import", always=True),
        _phases("Energy exported", "energy_export", "energy_export", always=True),
        _last("Frequency", "frequency", always=True),
        _last("Reactive energy imported", "reactive_energy_import", always=True),
        _last("Reactive energy exported", "reactive_energy_export", always=True),
        _last("Apparent energy", "apparent_energy", always=True),
    ),
)

QUALITY = Section(
    "Power quality",
    "apparent and reactive power, power factor, neutral, distortion",
    (
        Table(
            ("L1", "L2", "L3", "Total"),
            (
                _phases("Apparent power", "apparent_power", "apparent_power_total"),
                _phases("Reactive power", "reactive_power", "reactive_power_total"),
                _phases("Power factor", "power_factor", "power_factor_total"),
                _last("Power factor, other sign", "power_factor_inverse"),
                _phases("Phase angle", "phase_angle", "phase_angle_total"),
                _last("Phase currents, sum", "current_sum"),
                _last("Neutral current", "current_neutral"),
            ),
        ),
        Table(
            ("L1", "L2", "L3", "Mean"),
            (
                _last("Voltage", "voltage_average"),
                _last("Current", "current_average"),
                _phases("Voltage distortion (THD)", "voltage_thd", "voltage_thd_average"),
                _phases("Current distortion (THD)", "current_thd", "current_thd_average"),
            ),
        ),
        Table(
            ("L1\N{EN DASH}L2", "L2\N{EN DASH}L3", "L3\N{EN DASH}L1", "Mean"),
            (
                _lines("Voltage", "voltage", "voltage_line_average"),
                _lines("Voltage distortion (THD)", "voltage_thd", "voltage_thd_line_average"),
            ),
        ),
    ),
)

DEMAND = Section(
    "Demand",
    "means over the meter's demand period, and the highest since they were set back",
    (
        Table(
            ("Now", "Highest"),
            (
                _row("Power", "power_demand", "power_demand_maximum"),
                _row("Power imported", "power_import_demand", "power_import_demand_maximum"),
                _row("Power exported", "power_export_demand", "power_export_demand_maximum"),
                _row("Apparent power", "apparent_power_demand", "apparent_power_demand_maximum"),
                _row("Current L1", "current_demand_l1", "current_demand_maximum_l1"),
                _row("Current L2", "current_demand_l2", "current_demand_maximum_l2"),
                _row("Current L3", "current_demand_l3", "current_demand_maximum_l3"),
                _row("Neutral current", "current_neutral_demand", "current_neutral_demand_maximum"),
            ),
        ),
    ),
)

ENERGY = Section(
    "More counters",
    "reactive energy by phase, totals, what was counted since it was set back",
    (
        Table(
            ("L1", "L2", "L3", "Total"),
            (
                _phases("Reactive energy imported", "reactive_energy_import"),
                _phases("Reactive energy exported", "reactive_energy_export"),
                _phases("Energy in total", "energy_total", "energy_total"),
                _phases("Reactive energy in total", "reactive_energy_total", "reactive_energy_total"),
                _last("Energy, net", "energy_net"),
                _last("Energy since set back", "energy_resettable"),
                _last("Imported since set back", "energy_import_resettable"),
                _last("Exported since set back", "energy_export_resettable"),
                _last("Reactive energy since set back", "reactive_energy_resettable"),
                _last("Charge", "charge"),
            ),
        ),
    ),
)

SECTIONS = (QUALITY, DEMAND, ENERGY)
