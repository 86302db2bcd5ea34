"""What every command on a bus is made of: a bench to work at, steps that are told, and errors in plain words.

A command is a generator. Each step asks the bus once at most, so that polls go on between them; what it yields tells
the step that comes next, and what it returns is what was found.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TypeVar

import msgspec

from mmetering_gateway.bus.link import Link
from mmetering_gateway.bus.speed import Speed
from mmetering_gateway.models.registers import Model
from mmetering_gateway.plant.plant import Meter, RtuBus

T = TypeVar("T")


class CommandError(Exception):
    """Why a command failed, and what to do about it, for a person to read."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done, in words, and how much of the whole is done by then, 0 to 1."""

    text: str
    share: float


Work = Generator[Step, None, T]


@dataclass(frozen=True, slots=True)
class Bench:
    """What a command may use.

    Attributes:
        link: to the bus; the command is worked on the thread that the link belongs to.
        meters: those that the plant has on this bus.
        models: by name.
    """

    link: Link
    meters: tuple[Meter, ...]
    models: Mapping[str, Model]

    @property
    def speed(self) -> Speed | None:
        """Speed and parity of the serial port; None where a converter has them."""
        bus = self.link.bus
        return Speed(bus.baud, bus.parity, bus.stop_bits) if isinstance(bus, RtuBus) else None

    def meter_at(self, address: int) -> Meter | None:
        """Return the meter that the plant has at an address."""
        return next((meter for meter in self.meters if meter.address == address), None)

    def default_model(self) -> Model:
        """Return the model that is taken where nobody knows better: the first one."""
        return next(iter(self.models.values()))

    @contextmanager
    def at(self, speed: Speed | None) -> Iterator[Link]:
        """Give a link at another speed for as long as the context lasts; None is the bus's own.

        Raises:
            CommandError: a converter has its speed, and only its own settings change that.
            LinkError: the bus is away.
        """
        if speed is None or speed == self.speed:
            yield self.link
            return
        bus = self.link.bus
        if not isinstance(bus, RtuBus):
            raise ConverterError(self)
        with self.link.at(msgspec.structs.replace(bus, **asdict(speed))) as link:
            yield link


class ConverterError(CommandError):
    """A speed is wanted of a bus that is behind a converter."""

    def __init__(self, bench: Bench) -> None:
        """Say where it is set."""
        super().__init__(
            f"the speed of bus {bench.link.bus.name} is set in its converter, not here: change it there, "
            "then ask again without a speed"
        )
