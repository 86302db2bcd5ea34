"""Whether a bus has more to do than it can: from its first missed slot on, until none was missed for a while. Pure."""

from dataclasses import dataclass

from mmetering_gateway.planning.schedule import QUARTER_HOUR_S

CALM_S = QUARTER_HOUR_S  # all groups have come around once in it


@dataclass(frozen=True, slots=True)
class Overload:
    """When a slot was missed last, in seconds since 1970; None while the bus keeps up."""

    at: int | None = None

    def after(self, at: int, missed: int) -> "Overload":
        """Return the state at a slot before which so many were missed."""
        if missed:
            return Overload(at)
        return Overload() if self.at is not None and at - self.at >= CALM_S else self
