"""What each phase of a three-phase meter measures, and which of them is dead or runs backwards. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

# Below half of the lowest grid voltage that there is (100 V), it is what a dead wire picks up from its neighbours.
DEAD_V = 50.0
# Less is noise, or the capacitors of electronics; and with a poorer factor than this, power says nothing of direction.
NOTEWORTHY_W = 20.0
CLEAR_FACTOR = 0.3


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase at an instant: V to neutral, A, and W, negative where it is exported."""

    name: str
    voltage: float
    current: float
    power: float

    def __str__(self) -> str:
        return f"{self.name} {self.voltage:.0f} V {self.current:.2f} A {self.power:.0f} W"

    @property
    def dead(self) -> bool:
        """Whether it has no voltage."""
        return self.voltage < DEAD_V

    @property
    def clear(self) -> bool:
        """Whether its power has a direction to speak of."""
        apparent = abs(self.voltage * self.current)
        return abs(self.power) >= NOTEWORTHY_W and abs(self.power) >= CLEAR_FACTOR * apparent

    @property
    def imports(self) -> bool:
        """Whether it clearly draws power."""
        return self.clear and self.power > 0

    @property
    def exports(self) -> bool:
        """Whether it clearly feeds power in."""
        return self.clear and self.power < 0


def phases_of(values: Mapping[str, float]) -> list[Phase]:
    """Return the three phases; none where the meter does not tell voltage, current and power of each.

    Args:
        values: by quantity, in V, A and W.
    """
    names = [(f"voltage_l{n}", f"current_l{n}", f"power_l{n}") for n in (1, 2, 3)]
    if not all(name in values for three in names for name in three):
        return []
    return [Phase(f"L{n}", *(values[name] for name in three)) for n, three in enumerate(names, 1)]
