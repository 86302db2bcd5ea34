"""Change a meter's address, or its speed: only where nobody else is, and only done when it answers there."""

from dataclasses import replace
from typing import Annotated

import msgspec

from mmetering_gateway.bus.speed import FORMATS, Parity, Speed, StopBits
from mmetering_gateway.commands.asking import TAKEN, Place, SilentError, answers, holdings, inputs
from mmetering_gateway.commands.bench import Bench, CommandError, ConverterError, Step, Work
from mmetering_gateway.commands.change import Setting, Subject, change
from mmetering_gateway.commands.holding import ADDRESS, BAUD, FORMAT, is_swapped
from mmetering_gateway.commands.identify import Address, Identity, who
from mmetering_gateway.models.own import CODES
from mmetering_gateway.models.registers import WIDTH, Model, Writing
from mmetering_gateway.planning.requests import Request

NEW = (1000, 0)  # what new meters have; the manuals of one model say both
LONG_READS = 3
SHORT_LIMIT = 40  # registers that any model gives in one reply


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every change says; it is printed without its password.

    Attributes:
        bus: its name.
        address: of the meter as it is now.
        password: of the meter, 0 to 9999; None is the one that its model comes with.
        wait_s: how long to wait for a meter that wants to be switched off and on, or a button to be pressed, in s.
    """

    bus: str
    address: Address
    password: Annotated[int, msgspec.Meta(ge=0, le=9999)] | None = None
    wait_s: Annotated[int, msgspec.Meta(ge=0, le=600)] = 60

    def __repr__(self) -> str:
        told = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name != "password")
        return f"{type(self).__name__}({', '.join(told)})"


class SetAddress(Change, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Give a meter another address; `to` is a free one."""

    to: Address


class SetBaud(Change, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Give a meter another speed; parity and stop bits stay as they are where they are None."""

    baud: int
    parity: Parity | None = None
    stop_bits: StopBits | None = None


class Changed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change that was made and verified.

    Attributes:
        serial: of the meter, which answered before and after; None where it tells none.
        model: that it seems to be.
        old, new: what was changed, in words, such as `address 1` and `address 12`.
        address: where it answers now.
        baud, parity, stop_bits: speed that it answers at now; None behind a converter.
        slug: of the plant's meter that this was; its entry in the plant is to be changed; empty where it was none.
        notes: what a person should know or do now, in words.
    """

    serial: str | None
    model: str
    old: str
    new: str
    address: int
    baud: int | None = None
    parity: str | None = None
    stop_bits: int | None = None
    slug: str = ""
    notes: tuple[str, ...] = ()


def set_address(bench: Bench, wanted: SetAddress) -> Work[Changed]:
    """Give the meter at an address another one, and make sure that it answers there.

    Raises:
        CommandError: the address is taken, the meter refuses, or does not answer there afterwards, or the bus is
            away; it says which, and how things stand.
    """
    old, new = Place(wanted.address), Place(wanted.to)
    if old != new:
        yield from _make_sure_it_is_free(bench, new)
    identity, subject = yield from _known(bench, old, wanted.password)
    yield from change(bench, subject, old, (Setting(ADDRESS, new.address, new),), wanted.wait_s)
    note = f"in the plant, {identity.slug} is to get address {new.address}" if identity.slug else ""
    return _changed(identity, new, bench.speed, old=f"address {old.address}", new=f"address {new.address}", note=note)


def set_baud(bench: Bench, wanted: SetBaud) -> Work[Changed]:
    """Give the meter at an address another speed, and make sure that it answers well at that.

    Raises:
        CommandError: its model has no such speed, it refuses, or does not answer well at that speed afterwards, or
            the bus is away or behind a converter; it says which, and how things stand.
    """
    if bench.speed is None:
        raise ConverterError(bench)
    speed = _speed(bench.speed, wanted)
    old, new = Place(wanted.address, bench.speed), Place(wanted.address, speed)
    identity, subject = yield from _known(bench, Place(wanted.address), wanted.password)
    model = bench.models.get(identity.model)
    there = _steps(old, speed, model)
    back = _steps(new, bench.speed, model)
    yield from change(bench, subject, old, there, wanted.wait_s)
    if old != new and not (yield from _carries(bench, new, model)):
        yield from _put_back(bench, subject, new, back, wanted.wait_s)
    note = (
        ""
        if old == new
        else f"the bus speaks {old.speed}: it reads the meter once it speaks {speed}, as all its meters must"
    )
    return _changed(identity, new, speed, old=str(old.speed), new=str(speed), note=note)


def _make_sure_it_is_free(bench: Bench, place: Place) -> Work[None]:
    if planned := bench.meter_at(place.address):
        raise CommandError(f"{place} belongs to {planned.slug} in the plant, whether that answers or not")
    step = Step(f"making sure that {place} is free", 0.05)
    if (yield from answers(bench, place, step)) in TAKEN:
        raise CommandError(f"{place} is taken: a meter answers there; `identify` tells which")


def _known(bench: Bench, place: Place, password: int | None) -> Work[tuple[Identity, Subject]]:
    """Find out which meter it is that is to be changed, and how that is done."""
    identity = yield from who(bench, place, 0.1)
    address = yield from holdings(bench, place, Request(ADDRESS, WIDTH), Step(f"asking {place} for its settings", 0.15))
    model = bench.models.get(identity.model)
    writing = model.writing if model else Writing()
    swapped = address is not None and is_swapped(address)
    return identity, Subject(identity.serial, writing, swapped, _passwords(writing, password))


def _passwords(writing: Writing, password: int | None) -> tuple[int, ...]:
    """Return what to try: the one that was named, or those that new meters have; none where there is none."""
    if password is not None:
        return (password,)
    return () if writing.password is None else tuple(dict.fromkeys((writing.default, *NEW)))


def _speed(own: Speed, wanted: SetBaud) -> Speed:
    speed = own.changed(wanted.baud, wanted.parity or own.parity)
    speed = replace(speed, stop_bits=wanted.stop_bits or speed.stop_bits)
    if (speed.parity, speed.stop_bits) not in FORMATS.values():
        raise CommandError(f"no meter speaks {speed}: with a parity there is one stop bit")
    return speed


def _steps(old: Place, speed: Speed, model: Model | None) -> tuple[Setting, ...]:
    """Return what to write, one after the other, for another speed; it all, where nothing seems to change."""
    codes = {baud: code for code, baud in (model.bauds if model else CODES).items()}
    if speed.baud not in codes:
        raise CommandError(f"this meter does not speak {speed.baud} baud, but {', '.join(map(str, sorted(codes)))}")
    assert old.speed is not None
    form = next(code for code, form in FORMATS.items() if form == (speed.parity, speed.stop_bits))
    between = Place(old.address, Speed(old.speed.baud, speed.parity, speed.stop_bits))
    settings = (Setting(FORMAT, form, between), Setting(BAUD, codes[speed.baud], Place(old.address, speed)))
    return tuple(setting for setting in settings if speed == old.speed or setting.place != old)


def _carries(bench: Bench, place: Place, model: Model | None) -> Work[bool]:
    """Return whether long replies come through, too."""
    count = model.limit if model else SHORT_LIMIT
    first = model.registers[0].address if model else 0
    for done in range(LONG_READS):
        try:
            yield from inputs(bench, place, Request(first, count), Step(f"trying {place}", 0.8 + done / 100))
        except SilentError:
            return False
    return True


def _put_back(bench: Bench, subject: Subject, place: Place, settings: tuple[Setting, ...], wait_s: int) -> Work[None]:
    """Give the meter its old speed again, and say so.

    Raises:
        CommandError: always.
    """
    lost = f"the meter speaks {place.speed}, but long replies get lost at that on this line"
    try:
        yield from change(bench, subject, place, settings, wait_s)
    except CommandError as error:
        raise CommandError(f"{lost}; it was to get its old speed again: {error}") from error
    raise CommandError(
        f"{lost}: it was put back to {settings[-1].place.speed}. See that the line is terminated with 120 ohms at both "
        "ends, or choose a lower speed"
    )


def _changed(identity: Identity, place: Place, speed: Speed | None, *, old: str, new: str, note: str) -> Changed:
    return Changed(
        serial=identity.serial,
        model=identity.model,
        old=old,
        new=new,
        address=place.address,
        baud=speed.baud if speed else None,
        parity=speed.parity if speed else None,
        stop_bits=speed.stop_bits if speed else None,
        slug=identity.slug,
        notes=(note,) if note else (),
    )
