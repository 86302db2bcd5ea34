"""Which bus a command is about: one of the plant's, or a line that the options describe where there is no plant."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from mmetering_runtime.config import ConfigError, Environment

from mmetering_gateway.config import plant_from, spool_from
from mmetering_gateway.models import MODELS
from mmetering_gateway.models.registers import Model
from mmetering_gateway.plant.desired import Desired
from mmetering_gateway.plant.plant import Bus, Meter, Plant, RtuBus


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command works.

    Attributes:
        bus: the line.
        meters: those that the plant has there.
        models: by name.
        described: whether the options describe the line, so that no gateway knows it.
    """

    bus: Bus
    meters: tuple[Meter, ...]
    models: Mapping[str, Model]
    described: bool = False


def add_bus(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a bus or describe one."""
    named = parser.add_argument_group("the bus", "one of the plant; which, need not be said where there is only one")
    named.add_argument("--bus", metavar="NAME", help="its name in the plant")
    described = parser.add_argument_group("a bus without a plant")
    kinds = described.add_mutually_exclusive_group()
    kinds.add_argument("--device", metavar="PATH", help="a serial adapter, such as /dev/ttyUSB0")
    kinds.add_argument("--tcp", type=_host, metavar="HOST[:PORT]", help="a converter that speaks Modbus TCP; 502")
    kinds.add_argument("--rtu-over-tcp", type=_host, metavar="HOST:PORT", help="a transparent serial server")
    described.add_argument("--baud", type=int, help="9600 by default")
    described.add_argument("--parity", choices=["N", "E", "O"], help="N by default; of a serial adapter")
    described.add_argument("--stop-bits", type=int, choices=[1, 2], help="1 by default; of a serial adapter")


def add_meter(parser: argparse.ArgumentParser) -> None:
    """Add the meter, by its address or its slug, and its bus."""
    parser.add_argument("meter", metavar="METER", help="its address on the bus, 1 to 247, or its slug in the plant")
    add_bus(parser)


def place_of(environment: Environment, chosen: argparse.Namespace) -> Place:
    """Return where to work.

    Raises:
        ConfigError: the plant cannot be read, or what was chosen is not there.
    """
    described = _described(chosen)
    if described:
        return Place(described, (), MODELS, described=True)
    plant = plant_in_force(environment)
    name = chosen.bus or _bus_of_meter(plant, getattr(chosen, "meter", "")) or _only_bus(plant)
    bus = next((bus for bus in plant.bus if bus.name == name), None)
    if bus is None:
        raise ConfigError(f"the plant has no bus {name}; it has {_names(plant)}")
    return Place(bus, plant.meters_on(name), plant.models)


def address_of(place: Place, meter: str) -> int:
    """Return the address of a meter that was named by that or by its slug.

    Raises:
        ConfigError: there is no such meter.
    """
    if meter.isdecimal() and 1 <= int(meter) <= 247:  # noqa: PLR2004 last address of the serial line guide, 2.2
        return int(meter)
    known = next((known for known in place.meters if known.slug == meter), None)
    if known is None:
        raise ConfigError(f"{meter} is neither an address, 1 to 247, nor a meter of the plant on {place.bus.name}")
    return known.address


def same_port(plant: Plant, bus: Bus) -> Bus | None:
    """Return the plant's bus at the same port or device, if it has one."""
    return next((known for known in plant.bus if _port(known) == _port(bus)), None)


def _port(bus: Bus) -> tuple[str, int]:
    return (str(Path(bus.device).resolve()), 0) if isinstance(bus, RtuBus) else (bus.host, bus.port)


def _described(chosen: argparse.Namespace) -> Bus | None:
    speed = {"baud": chosen.baud, "parity": chosen.parity, "stop_bits": chosen.stop_bits}
    if chosen.device:
        line = {"type": "rtu", "device": chosen.device, **speed}
    elif chosen.tcp:
        line = {"type": "tcp", **chosen.tcp, **speed}
    elif chosen.rtu_over_tcp:
        line = {"type": "rtu-over-tcp", **chosen.rtu_over_tcp, **speed}
    elif any(speed.values()):
        raise ConfigError("--baud, --parity and --stop-bits describe a bus together with --device, or --baud another")
    else:
        return None
    told = {key: value for key, value in line.items() if value is not None}
    try:
        bus: Bus = msgspec.convert({"name": chosen.bus or "bus", **told}, Bus)
    except msgspec.ValidationError as error:
        raise ConfigError(f"this describes no bus: {error}") from None
    return bus


def plant_in_force(environment: Environment) -> Plant:
    """Return the plant in force, with the meters that the broker last told where they come from there."""
    plant = plant_from(environment)
    try:
        return Desired(plant, spool_from(environment).with_name("plant.json")).plant
    except OSError:  # somebody else's
        return plant


def _bus_of_meter(plant: Plant, meter: str) -> str | None:
    return next((known.bus for known in plant.meter if known.slug == meter), None)


def _only_bus(plant: Plant) -> str:
    if len(plant.bus) != 1:
        raise ConfigError(f"say with --bus which one: the plant has {_names(plant) or 'none'}")
    return plant.bus[0].name


def _names(plant: Plant) -> str:
    return ", ".join(bus.name for bus in plant.bus)


def _host(text: str) -> dict[str, object]:
    """Return host and port; argparse shows the error. IPv6 stands in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return {"host": text.strip("[]")}
    return {"host": host.strip("[]"), "port": int(port)}
