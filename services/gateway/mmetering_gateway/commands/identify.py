"""Which meter answers at an address: serial number, code, version, model and settings, as it tells them itself."""

from typing import Annotated

import msgspec

from mmetering_gateway.commands.asking import Place, holdings, inputs
from mmetering_gateway.commands.bench import Bench, Step, Work
from mmetering_gateway.commands.guess import Mark, alike, fitting, next_mark
from mmetering_gateway.commands.holding import (
    ADDRESS,
    ADDRESSES,
    BAUD,
    CODE,
    CURRENT,
    FORMAT,
    OLD_SERIAL,
    ORDER,
    SERIAL,
    SYSTEM,
    SYSTEMS,
    is_swapped,
    number,
    speed_of,
)
from mmetering_gateway.meter.identity import StrangeError, identity_of, version_of
from mmetering_gateway.models.registers import WIDTH, Model, shortest
from mmetering_gateway.planning.requests import Request

Address = Annotated[int, msgspec.Meta(ge=1, le=247)]


class Identify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which address on which bus to ask."""

    bus: str
    address: Address = 1


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a meter says of itself; None is what it does not tell.

    Attributes:
        address: where it answered.
        serial: number, in decimal.
        code: of its build, holding register 0xFC02.
        version: of its software, holding register 0xFC03, such as 1.08 for 0x0108.
        model: that fits best by the registers that it has; empty where none fits.
        models: all that fit as well as that, where registers do not tell them apart.
        slug: of the meter that the plant has there; empty where it has none.
        own_address, baud, parity, stop_bits: as its settings say, which may be in force only after a restart.
        system: how it is wired up, such as `3p4w`.
        current_a: what its input is made for, or the primary current of its transformers.
        voltage_l1: in V.
    """

    address: int
    serial: str | None = None
    code: int | None = None
    version: str | None = None
    model: str = ""
    models: tuple[str, ...] = ()
    slug: str = ""
    own_address: int | None = None
    baud: int | None = None
    parity: str | None = None
    stop_bits: int | None = None
    system: str | None = None
    current_a: float | None = None
    voltage_l1: float | None = None


def identify(bench: Bench, wanted: Identify) -> Work[Identity]:
    """Ask the meter at an address who it is.

    Raises:
        CommandError: nobody answers there, or only garbled bytes came, or the bus is away.
    """
    identity = yield from who(bench, Place(wanted.address), 0.0)
    return (yield from with_settings(bench, Place(wanted.address), identity))


def who(bench: Bench, place: Place, share: float) -> Work[Identity]:
    """Find out what tells one meter from another, and what model it is.

    Args:
        bench: the bus.
        place: where it answers.
        share: how much of the whole command is done.

    Raises:
        CommandError: as of `identify`.
    """
    step = Step(f"asking {place} who it is", share)
    serial = yield from serial_at(bench, place, step)
    code, version = yield from _build(bench, place, step)
    fits = yield from _model(bench, place, code, step)
    volts = yield from inputs(bench, place, Request(0x0000, WIDTH), step)
    meter = None if place.speed else bench.meter_at(place.address)
    return Identity(
        address=place.address,
        serial=serial,
        code=code,
        version=None if version is None else version_of(version),
        model=fits[0].name if fits else "",
        models=alike(fits),
        slug=meter.slug if meter else "",
        voltage_l1=shortest(number(volts)) if volts and number(volts) else None,
    )


def serial_at(bench: Bench, place: Place, step: Step) -> Work[str | None]:
    """Read the serial number where units have it, and where older ones do; None where it has none.

    Raises:
        CommandError: as of `identify`.
    """
    new = yield from holdings(bench, place, Request(SERIAL, WIDTH), step)
    old = None if new else (yield from holdings(bench, place, Request(OLD_SERIAL, 2 * WIDTH), step))
    order = (yield from holdings(bench, place, Request(ORDER, WIDTH), step)) if old else None
    try:
        return identity_of(new, old, order, None, None).serial
    except StrangeError:  # what stands there is no order of words, and so the rest no serial number
        return None


def _build(bench: Bench, place: Place, step: Step) -> Work[tuple[int | None, int | None]]:
    """Read the code of the build and the version of the software; units have both, the first, or none."""
    for count in (2, 1):
        registers = yield from holdings(bench, place, Request(CODE, count), step)
        if registers:
            return registers[0], registers[1] if count == 2 else None  # noqa: PLR2004 as just asked
    return None, None


def _model(bench: Bench, place: Place, code: int | None, step: Step) -> Work[tuple[Model, ...]]:
    has: dict[Mark, bool] = {}
    fits = fitting(bench.models.values(), code, has)
    while mark := next_mark(fits, has):
        ask = holdings if mark.holding else inputs
        registers = yield from ask(bench, place, Request(mark.address, WIDTH), step)
        has[mark] = registers is not None and (any(registers) or not mark.holding)
        fits = fitting(bench.models.values(), code, has)
    return fits


def with_settings(bench: Bench, place: Place, identity: Identity) -> Work[Identity]:
    """Add what the settings of a meter say.

    Raises:
        CommandError: as of `identify`.
    """
    told: dict[int, float | None] = {}
    swapped = False
    for done, address in enumerate((ADDRESS, BAUD, FORMAT, SYSTEM, CURRENT)):
        step = Step(f"asking {place} for its settings", 0.5 + done / 10)
        registers = yield from holdings(bench, place, Request(address, WIDTH), step)
        swapped = swapped or (address == ADDRESS and registers is not None and is_swapped(registers))
        told[address] = number(registers, swapped=swapped) if registers else None
    speed = speed_of(told[BAUD] or 0, told[FORMAT] or 0) if told[BAUD] is not None else None
    return msgspec.structs.replace(
        identity,
        own_address=next((address for address in ADDRESSES if address == told[ADDRESS]), None),
        baud=speed.baud if speed else None,
        parity=speed.parity if speed else None,
        stop_bits=speed.stop_bits if speed else None,
        system=SYSTEMS.get(told[SYSTEM] or 0),
        current_a=told[CURRENT],
    )
