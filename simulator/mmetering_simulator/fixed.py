"""A meter whose registers a test sets by hand."""

from collections.abc import Mapping

from mmetering_simulator.line import Line
from mmetering_simulator.models import MODELS, Model
from mmetering_simulator.registers import HOLDING_END, Registers, float_registers
from mmetering_simulator.settings import Settings


class FixedMeter:
    """A meter that says what it was told to, until it is told otherwise; what was never set reads 0.0.

    Args:
        values: input register address to value, such as `{0x0000: 231.5}`, in the units of the manual (V, A, W, kWh);
            an address that the model lacks is there once it is set.
        serial: serial number.
        model: a name in MODELS, or a model that `dataclasses.replace` made of one.
        unit: its address, unless the bus gives it another.
        line: its speed, parity and stop bits, unless the bus gives it others; None is as the model comes.

    Attributes:
        settings: its holding registers, its button, and its restart.
    """

    def __init__(
        self,
        values: Mapping[int, float] | None = None,
        *,
        serial: int = 12345678,
        model: str | Model = "sdm630",
        unit: int = 1,
        line: Line | None = None,
    ) -> None:
        known = MODELS[model] if isinstance(model, str) else model
        self.settings = Settings(known, serial=serial, unit=unit, line=line)
        self._values = dict.fromkeys(known.inputs, 0.0) | dict(values or {})

    def set(self, address: int, value: float) -> None:
        """Let the input register at an even address hold a value from now on."""
        self._values[address] = value

    def values(self, now: float) -> Mapping[int, float]:  # noqa: ARG002 - a fixed meter has no time
        """Return input register address to value as they were set."""
        return dict(self._values)

    def input_registers(self, now: float) -> Registers:
        """Return the input registers as they were set, up to the last one."""
        values = self.values(now)
        return float_registers(values, max(values) + 2)

    def holding_registers(self, now: float) -> Registers:
        """Return the holding registers."""
        return float_registers(self.settings.peek(now), HOLDING_END) | self.settings.identity()
