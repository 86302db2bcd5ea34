"""The building: its place, its buses and its meters, from a TOML file in which no unknown key is allowed."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from mmetering_simulator.models import MODELS

QUARTER_S = 900  # a quarter hour, in s
DEFAULT = Path(__file__).with_name("building.toml")

Slug = Annotated[str, Meta(pattern="^[a-z0-9-]{1,64}$")]
Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[float, Meta(gt=0)]
Phase = Literal[1, 2, 3]


class BuildingError(Exception):
    """The building's file cannot be used; the text names the file, the key and the reason."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class Place(_Table, frozen=True, kw_only=True):
    """Where the building stands: degrees north, degrees east, IANA time zone."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    time_zone: str

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no time zone {self.time_zone!r}") from error


class Tcp(_Table, frozen=True, kw_only=True, tag_field="type", tag="tcp"):
    """A bus on a Modbus TCP port; 0 takes a free one."""

    port: Port


class RtuOverTcp(_Table, frozen=True, kw_only=True, tag_field="type", tag="rtu-over-tcp"):
    """A bus on a TCP port that speaks RTU; 0 takes a free one."""

    port: Port


class Pty(_Table, frozen=True, kw_only=True, tag_field="type", tag="pty"):
    """A bus on a pseudo-terminal: the link to it, relative to the state directory, and its speed in baud."""

    path: str
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400] = 9600


class _Meter(_Table, frozen=True, kw_only=True, tag_field="kind"):
    """What every meter has; `start_kwh` is its main counter when it was installed, `label` what people call it.

    A phase among `dead_phases` has lost its voltage; through one among `reversed_phases` the current flows backwards.
    """

    bus: str
    unit: Annotated[int, Meta(ge=1, le=247)]
    serial: Annotated[int, Meta(ge=0, lt=2**32)]
    model: str = "sdm630"
    phases: Literal[1, 3] = 3
    dead_phases: frozenset[Phase] = frozenset()
    reversed_phases: frozenset[Phase] = frozenset()
    start_kwh: Annotated[float, Meta(ge=0)] = 0.0
    label: str = ""

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"no model {self.model!r}; there are {', '.join(MODELS)}")
        if self.phases > MODELS[self.model].phases:
            raise ValueError(f"an {self.model} measures one phase; say `phases = 1`")


class Flat(_Meter, frozen=True, kw_only=True, tag="flat"):
    """A flat and what it uses in a year."""

    yearly_kwh: Positive


class Common(_Meter, frozen=True, kw_only=True, tag="common"):
    """What all share (stairs, lift, cellar) and what it uses in a year."""

    yearly_kwh: Positive


class Pv(_Meter, frozen=True, kw_only=True, tag="pv"):
    """A photovoltaic roof: peak power, slope from the horizontal, direction from north over east, in degrees."""

    kw_peak: Positive
    slope: Annotated[float, Meta(ge=0, le=90)] = 30.0
    direction: Annotated[float, Meta(ge=0, lt=360)] = 180.0


class Chp(_Meter, frozen=True, kw_only=True, tag="chp"):
    """A cogeneration unit that follows the need for heat, and its electrical power."""

    kw: Positive


Meter = Flat | Common | Pv | Chp
BusLine = Tcp | RtuOverTcp | Pty


class Building(_Table, frozen=True, kw_only=True):
    """A building; `installed` is when every counter stood at its start, a full quarter hour with its zone."""

    seed: int
    installed: Annotated[datetime, Meta(tz=True)]
    place: Place
    bus: dict[Slug, BusLine]
    meter: dict[Slug, Meter]

    def __post_init__(self) -> None:
        if self.installed.timestamp() % QUARTER_S:
            raise ValueError("`installed` is no full quarter hour")
        taken: dict[tuple[str, int], str] = {}
        for slug, meter in self.meter.items():
            if meter.bus not in self.bus:
                raise ValueError(f"meter {slug} hangs on bus {meter.bus!r}, which is not described")
            other = taken.setdefault((meter.bus, meter.unit), slug)
            if other != slug:
                raise ValueError(f"meters {other} and {slug} have unit id {meter.unit} on bus {meter.bus}")
            line = self.bus[meter.bus]
            if isinstance(line, Pty) and line.baud not in MODELS[meter.model].bauds:
                raise ValueError(f"meter {slug} on bus {meter.bus}: an {meter.model} knows no {line.baud} baud")

    def on_bus(self, bus: str) -> Mapping[str, Meter]:
        """Return the meters of a bus by slug, in the order of the file."""
        return {slug: meter for slug, meter in self.meter.items() if meter.bus == bus}

    def with_ports(self, ports: Mapping[str, int]) -> "Building":
        """Return the building with other TCP ports; a pseudo-terminal that is given one becomes RTU over TCP.

        Args:
            ports: name of a bus to its port; the others stay as they are.

        Raises:
            BuildingError: there is no such bus.
        """
        lines = dict(self.bus)
        for name, port in ports.items():
            if name not in lines:
                raise BuildingError(f"there is no bus {name!r}")
            lines[name] = Tcp(port=port) if isinstance(lines[name], Tcp) else RtuOverTcp(port=port)
        return msgspec.structs.replace(self, bus=lines)


def load_building(path: Path = DEFAULT) -> Building:
    """Read a building from its file.

    Raises:
        BuildingError: the file is missing, no TOML, or says something that makes no building.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Building)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BuildingError(f"{path}: {error}") from error
