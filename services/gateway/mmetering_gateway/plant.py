"""The plant: which buses there are and which meters hang on them, from one TOML file. Pure.

Anything unknown or impossible ends the start with the file, the line where it can be told, and the reason.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from mmetering_contract.payload import Slug
from mmetering_contract.quantity import Group

from mmetering_gateway.place import line_of
from mmetering_gateway.plan import Wire, line, network
from mmetering_gateway.schedule import QUARTER_HOUR_S
from mmetering_gateway.sdm630 import MODELS
from mmetering_gateway.turnaround import FIRST_GUESS_S

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Baud = Literal[1200, 2400, 4800, 9600, 19200, 38400]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Patience = Annotated[int, msgspec.Meta(ge=50, le=10_000)]

INTERVALS = {Group.LIVE: 10, Group.ENERGY: 60}  # seconds, where the plant names none


class PlantError(Exception):
    """Say where and why the plant is wrong; only a person can mend it."""


class TcpBus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="tcp"):
    """Meters behind Modbus TCP: a converter that speaks RTU to its meters, or a simulator.

    `baud` is the speed of the line behind it, where there is one; without it, bytes are taken to cost no time.
    `patience_ms` is the least that a reply is waited for, on every kind of bus; 4 times the meter's mean is the other.
    """

    name: Slug
    host: str
    port: Port = 502
    baud: Baud | None = None
    pause_ms: Milliseconds = 0
    patience_ms: Patience = 300

    def wire(self) -> Wire:
        """Return what time costs: turnarounds only, or the bytes too where the line's speed is known."""
        pause_s = self.pause_ms / 1000
        return line(self.baud, 10, FIRST_GUESS_S, pause_s) if self.baud else network(FIRST_GUESS_S, pause_s)


class RtuOverTcpBus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="rtu-over-tcp"):
    """Meters behind a transparent serial server: RTU frames in a TCP stream. `baud` is the speed behind it."""

    name: Slug
    host: str
    port: Port
    baud: Baud = 9600
    pause_ms: Milliseconds = 60
    patience_ms: Patience = 300

    def wire(self) -> Wire:
        """Return what time costs at 8N1."""
        return line(self.baud, 10, FIRST_GUESS_S, self.pause_ms / 1000)


class RtuBus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="rtu"):
    """Meters on a serial adapter; `device` had best be a path below /dev/serial/by-id.

    `pause_ms` is kept between two requests: old SDM630 want a silence of 60 ms (protocol V1.8, section 3.3).
    """

    name: Slug
    device: str
    baud: Baud = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    pause_ms: Milliseconds = 60
    patience_ms: Patience = 200

    def wire(self) -> Wire:
        """Return what time costs: a character is a start bit, 8 of data, parity and stop bits."""
        bits = 9 + (self.parity != "N") + self.stop_bits
        return line(self.baud, bits, FIRST_GUESS_S, self.pause_ms / 1000)


Bus = TcpBus | RtuOverTcpBus | RtuBus


class Meter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One meter: its slug means one physical meter for ever, its bus and address may change."""

    slug: Slug
    bus: Slug
    address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    model: str = "sdm630"
    label: str = ""

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"model {self.model!r} is not one of {', '.join(MODELS)}")


class Plant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Buses, meters, and the seconds between two reads of each scan group."""

    bus: tuple[Bus, ...]
    meter: tuple[Meter, ...]
    intervals: dict[Group, Annotated[int, msgspec.Meta(ge=1)]] = msgspec.field(default_factory=lambda: dict(INTERVALS))

    def __post_init__(self) -> None:
        for group, seconds in self.intervals.items():
            if QUARTER_HOUR_S % seconds:
                raise ValueError(f"{group} = {seconds} does not divide the quarter hour of {QUARTER_HOUR_S} s")
        if not self.intervals:
            raise ValueError("`intervals` names no scan group")
        _unique("bus", (bus.name for bus in self.bus))
        _unique("meter", (meter.slug for meter in self.meter))
        _unique("address", (f"{meter.address} on {meter.bus}" for meter in self.meter))
        unknown = {meter.bus for meter in self.meter} - {bus.name for bus in self.bus}
        if unknown:
            raise ValueError(f"there is no bus {', '.join(sorted(unknown))}")

    def meters_on(self, bus: str) -> tuple[Meter, ...]:
        """Return the meters of a bus in their order."""
        return tuple(meter for meter in self.meter if meter.bus == bus)


def _unique(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} {twice[0]} stands there twice")


def read_plant(text: str, file: str) -> Plant:
    """Return the plant that a TOML text describes.

    Args:
        text: the TOML.
        file: its name, for the error.

    Raises:
        PlantError: `file:line: reason`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlantError(f"{file}: {error}") from error
    try:
        return msgspec.convert(document, Plant)
    except msgspec.ValidationError as error:
        number = line_of(text, str(error))
        raise PlantError(f"{file}:{number}: {error}" if number else f"{file}: {error}") from error
