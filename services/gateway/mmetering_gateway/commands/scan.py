"""Which meters answer on a bus: every address is asked one short question, and who answers is asked who it is."""

import re
from itertools import product

import msgspec

from mmetering_gateway.bus.speed import Parity, Speed
from mmetering_gateway.commands.asking import TAKEN, Place, SilentError, answers
from mmetering_gateway.commands.bench import Bench, ConverterError, Step, Work
from mmetering_gateway.commands.holding import ADDRESSES
from mmetering_gateway.commands.identify import who
from mmetering_gateway.models.own import CODES

SAME = ("serial", "code", "version", "model", "models", "slug", "voltage_l1")  # of Identity and Found


class Scan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to look.

    Attributes:
        bus: its name.
        addresses: to ask, such as `1-247` or `1,5,10-20`.
        bauds: speeds to try; none is the bus's own.
        parities: to try, each with the stop bits that go with it; none is the bus's own.
        known: ask the addresses of the plant's meters too, which are passed over at the bus's own speed otherwise.
    """

    bus: str
    addresses: str = "1-247"
    bauds: tuple[int, ...] = ()
    parities: tuple[Parity, ...] = ()
    known: bool = False

    def __post_init__(self) -> None:
        addresses_of(self.addresses)
        if wrong := [baud for baud in self.bauds if baud not in CODES.values()]:
            raise ValueError(f"no meter speaks {wrong[0]} baud")


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """A meter that answered.

    Attributes:
        address: where.
        baud, parity, stop_bits: at which speed; None behind a converter, which has its own.
        serial: number, in decimal; None where it tells none.
        code, version: of build and software, as of `Identity`.
        model: that fits best; empty where none fits.
        models: all that fit as well.
        slug: of the meter that the plant has there; empty where it has none.
        voltage_l1: in V; None where it tells none.
        note: what is odd about it, in words, such as two meters that talk at once; empty where nothing is.
    """

    address: int
    baud: int | None = None
    parity: str | None = None
    stop_bits: int | None = None
    serial: str | None = None
    code: int | None = None
    version: str | None = None
    model: str = ""
    models: tuple[str, ...] = ()
    slug: str = ""
    voltage_l1: float | None = None
    note: str = ""


def scan(bench: Bench, wanted: Scan) -> Work[tuple[Found, ...]]:
    """Look for meters.

    Returns:
        the meters found, in the order in which they were looked for: by speed, then by address.

    Raises:
        CommandError: the bus is away, or is behind a converter and another speed is wanted.
    """
    places = _places(bench, wanted)
    found: list[Found] = []
    if bench.speed is None:
        bench.link.close()  # a connection that died without a word would make all meters seem silent
    for done, place in enumerate(places):
        share = done / len(places)
        step = Step(f"asking {place}; {_so_many(found)}", share)
        if (yield from answers(bench, place, step)) in TAKEN:
            found.append((yield from _found(bench, place, share)))
    return tuple(found)


def _so_many(found: list[Found]) -> str:
    return f"{len(found)} found so far" if found else "none found yet"


def addresses_of(text: str) -> tuple[int, ...]:
    """Return the addresses of a text such as `1,5,10-20`, by their order.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*", text):
        raise ValueError(f"{text!r} is no list of addresses such as 1-247 or 1,5,10-20")
    ends = [part.split("-") for part in text.split(",")]
    addresses = sorted(
        {address for first, *last in ends for address in range(int(first), int((last or [first])[0]) + 1)}
    )
    if not addresses or addresses[0] not in ADDRESSES or addresses[-1] not in ADDRESSES:
        raise ValueError(f"{text!r}: addresses go from 1 to 247")
    return tuple(addresses)


def _places(bench: Bench, wanted: Scan) -> list[Place]:
    """Return where to ask; the bus's own speed is told as none."""
    own = bench.speed
    if own is None and (wanted.bauds or wanted.parities):
        raise ConverterError(bench)
    speeds: list[Speed | None] = [None]
    if own and (wanted.bauds or wanted.parities):
        tried = product(wanted.bauds or (own.baud,), wanted.parities or (own.parity,))
        speeds = [own.changed(baud, parity) for baud, parity in tried]
    return [
        Place(address, None if speed == own else speed)
        for speed in speeds
        for address in addresses_of(wanted.addresses)
        if wanted.known or (speed and speed != own) or not bench.meter_at(address)
    ]


def _found(bench: Bench, place: Place, share: float) -> Work[Found]:
    speed = place.speed or bench.speed
    at = Found(
        address=place.address,
        baud=speed.baud if speed else None,
        parity=speed.parity if speed else None,
        stop_bits=speed.stop_bits if speed else None,
    )
    try:
        identity = yield from who(bench, place, share)
    except SilentError as error:
        return msgspec.structs.replace(at, note=str(error))
    same = {name: getattr(identity, name) for name in SAME}
    return msgspec.structs.replace(at, **same)
