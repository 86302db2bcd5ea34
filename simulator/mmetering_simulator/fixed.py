"""A meter whose registers a test sets by hand."""

from collections.abc import Mapping

from mmetering_simulator.registers import INPUT_END, Registers, float_registers, holding_registers


class FixedMeter:
    """A meter that says what it was told to, until it is told otherwise; what was never set reads 0.0.

    Args:
        values: input register address to value, such as `{0x0000: 231.5}`, in the units of the manual (V, A, W, kWh).
        serial: serial number.
    """

    def __init__(self, values: Mapping[int, float] | None = None, *, serial: int = 12345678) -> None:
        self._values = dict(values or {})
        self._holding = holding_registers(unit=1, baud=9600, serial=serial)

    def set(self, address: int, value: float) -> None:
        """Let the input register at an even address hold a value from now on."""
        self._values[address] = value

    def input_registers(self, now: float) -> Registers:  # noqa: ARG002 - a fixed meter has no time
        """Return the input registers as they were set."""
        return float_registers(self._values, INPUT_END)

    def holding_registers(self, now: float) -> Registers:  # noqa: ARG002 - likewise
        """Return the holding registers."""
        return self._holding
