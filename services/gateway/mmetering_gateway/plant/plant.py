"""The plant: which buses there are and which meters hang on them, from one TOML file. Pure.

Anything unknown or impossible ends the start with the file, the line where it can be told, and the reason.
"""

import tomllib
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from mmetering_contract.payload import Slug
from mmetering_contract.plant import check_unique
from mmetering_contract.quantity import Group

from mmetering_gateway.models import MODELS
from mmetering_gateway.models.own import Ampere, OwnModel
from mmetering_gateway.models.registers import Model
from mmetering_gateway.planning.budget import Budget, budget_of, intervals_for
from mmetering_gateway.planning.requests import Wire, line, network
from mmetering_gateway.planning.schedule import PROMPT, QUARTER_HOUR_S
from mmetering_gateway.planning.turnaround import FIRST_GUESS_S
from mmetering_gateway.plant.place import below, line_of

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Baud = Literal[1200, 2400, 4800, 9600, 19200, 38400]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Patience = Annotated[int, msgspec.Meta(ge=50, le=10_000)]

# Seconds between two reads of a scan group; 0 leaves it out, and one that is not named is as the bus can carry it.
Intervals = dict[Group, Annotated[int, msgspec.Meta(ge=0, le=QUARTER_HOUR_S)]]


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
    intervals: Intervals = {}

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
    intervals: Intervals = {}

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
    intervals: Intervals = {}

    def wire(self) -> Wire:
        """Return what time costs: a character is a start bit, 8 of data, parity and stop bits."""
        bits = 9 + (self.parity != "N") + self.stop_bits
        return line(self.baud, bits, FIRST_GUESS_S, self.pause_ms / 1000)


Bus = TcpBus | RtuOverTcpBus | RtuBus


class Meter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One meter: its slug means one physical meter for ever, its bus and address may change.

    `rated_current` is what it carries on each phase, in A, where that is not as on every meter of its model: on the
    primary side of its transformers.
    """

    slug: Slug
    bus: Slug
    address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    model: str = "sdm630"
    label: str = ""
    rated_current: Ampere | None = None


class Plant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Buses, meters, and the intervals that hold on every bus which does not name its own.

    With the source `web` the meters are those that the broker tells; the file's are read until it has told some.
    """

    bus: tuple[Bus, ...]
    meter: tuple[Meter, ...] = ()
    source: Literal["file", "web"] = "file"
    intervals: Intervals = {}
    model: dict[Slug, OwnModel] = {}

    def __post_init__(self) -> None:
        self._check_models()
        for intervals in (self.intervals, *(bus.intervals for bus in self.bus)):
            _check_divide(intervals)
        check_unique("bus", (bus.name for bus in self.bus))
        check_unique("meter", (meter.slug for meter in self.meter))
        check_unique("address", (f"{meter.address} on {meter.bus}" for meter in self.meter))
        unknown = {meter.bus for meter in self.meter} - {bus.name for bus in self.bus}
        if unknown:
            raise ValueError(f"there is no bus {', '.join(sorted(unknown))}")
        for bus in self.bus:
            if not self.intervals_on(bus.name).keys() & set(PROMPT):
                raise ValueError(f"neither live nor energy would be read on bus {bus.name}")

    @property
    def models(self) -> dict[str, Model]:
        """All models by name: ours, and those that the file describes."""
        return MODELS | {name: own.model(name) for name, own in self.model.items()}

    def model_of(self, meter: Meter) -> Model:
        """Return the model of a meter, as that meter is built."""
        model = self.models[meter.model]
        if meter.rated_current is None:
            return model
        return replace(model, rated_current_a=meter.rated_current, transformer=None)

    def _check_models(self) -> None:
        for name in self.model.keys() & MODELS.keys():
            raise ValueError(f"{name} is a model of ours: give yours another name - at `$.model.{name}`")
        known = self.models
        for index, meter in enumerate(self.meter):
            if meter.model not in known:
                names = ", ".join(known)
                raise ValueError(f"model {meter.model!r} is not one of {names} - at `$.meter[{index}].model`")

    def meters_on(self, bus: str) -> tuple[Meter, ...]:
        """Return the meters of a bus in their order."""
        return tuple(meter for meter in self.meter if meter.bus == bus)

    def budget_on(self, bus: str) -> Budget:
        """Return what its meters take of the time of a bus."""
        models = [self.model_of(meter) for meter in self.meters_on(bus)]
        place = self._bus(bus)
        return budget_of(models, place.wire(), place.patience_ms / 1000)

    def intervals_on(self, bus: str) -> dict[Group, int]:
        """Return the seconds between two reads of each group that is read on a bus."""
        return intervals_for(self.budget_on(bus), {**self.intervals, **self._bus(bus).intervals})

    def _bus(self, name: str) -> Bus:
        return next(bus for bus in self.bus if bus.name == name)


def _check_divide(intervals: Intervals) -> None:
    for group, seconds in intervals.items():
        if seconds and QUARTER_HOUR_S % seconds:
            raise ValueError(f"{group} = {seconds} does not divide the quarter hour of {QUARTER_HOUR_S} s")


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
        _check_own(document.get("model"))
        return msgspec.convert(document, Plant)
    except msgspec.ValidationError as error:
        number = line_of(text, str(error))
        raise PlantError(f"{file}:{number}: {error}" if number else f"{file}: {error}") from error


def _check_own(models: object) -> None:
    """Convert each table of a model by itself: within the plant, an error would not tell which of them it is in."""
    for name, table in models.items() if isinstance(models, dict) else ():
        try:
            msgspec.convert(table, OwnModel)
        except msgspec.ValidationError as error:
            raise msgspec.ValidationError(below(f"model.{name}", str(error))) from error
