"""Look for what is wrong on a bus: ask in several ways, and judge by what came back; the judging is `finding`'s."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from itertools import product
from typing import get_args

import msgspec

from mmetering_gateway.bus.errors import GarbledError, LinkError, NoReplyError, RefusedError, WrongReplyError
from mmetering_gateway.bus.hearing import STRAY
from mmetering_gateway.bus.link import Link
from mmetering_gateway.bus.speed import Parity
from mmetering_gateway.commands.asking import AwayError, Place, Reply, answers
from mmetering_gateway.commands.bench import Bench, CommandError, Step, Work
from mmetering_gateway.commands.finding import OLD_PAUSE_MS, BusFacts, Finding, MeterFacts, Trials, findings
from mmetering_gateway.commands.holding import ADDRESSES, SERIAL
from mmetering_gateway.commands.identify import Address
from mmetering_gateway.commands.read import Read, model_at, read
from mmetering_gateway.models.own import CODES
from mmetering_gateway.models.registers import WIDTH
from mmetering_gateway.planning.requests import Request
from mmetering_gateway.plant.plant import Bus

TRIES = 5
LONG = 40  # registers that any model gives in one reply
CONTROLS = 3  # other meters that are asked, to tell a dead meter from a dead line
SOUGHT = 3  # silent meters that are looked for at other speeds
WANTED = tuple(f"{what}_l{phase}" for phase in (1, 2, 3) for what in ("voltage", "current", "power"))


class Diagnose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to look: one meter, or with None all that the plant has on the bus."""

    bus: str
    address: Address | None = None


def diagnose(bench: Bench, wanted: Diagnose) -> Work[tuple[Finding, ...]]:
    """Look for what is wrong.

    Returns:
        what was found, the worst first; one of severity `ok` where nothing is wrong.

    Raises:
        CommandError: no address was named and the plant has no meter on this bus, or the bus is away.
    """
    planned = tuple(meter.address for meter in bench.meters)
    addresses = planned if wanted.address is None else (wanted.address,)
    if not addresses:
        raise CommandError(f"the plant has no meter on bus {wanted.bus}: name an address, or `scan` the bus")
    meters = []
    for done, address in enumerate(addresses):
        meters.append((yield from _meter(bench, address, 0.7 * done / len(addresses))))
    others = yield from _others(bench, [address for address in planned if address not in addresses])
    stray = yield from _stray(bench, {*planned, *addresses})
    facts = BusFacts(tuple(meters), others, str(bench.speed or ""), stray=stray, echo=bench.link.echoes)
    return findings((yield from _elsewhere(bench, facts)))


def _meter(bench: Bench, address: int, share: float) -> Work[MeterFacts]:
    """Ask one meter several times in several ways."""
    serials: set[int] = set()

    def serial(link: Link) -> None:
        high, low = link.read_holdings(address, Request(SERIAL, WIDTH))
        serials.add(high << 16 | low)

    step = Step(f"asking address {address}, which is to answer shortly", share)
    short = yield from _trials(bench, bench.link.bus, serial, step)
    paused = None
    if short.lost and bench.link.bus.pause_ms < OLD_PAUSE_MS:
        slow = msgspec.structs.replace(bench.link.bus, pause_ms=OLD_PAUSE_MS)
        paused = yield from _trials(bench, slow, serial, replace(step, text=f"asking address {address} with pauses"))
    if not short.sound:
        return MeterFacts(address, short, paused=paused)
    long = yield from _long(bench, address, replace(step, text=f"asking address {address} for long replies"))
    values = yield from _values(bench, address)
    return MeterFacts(address, short, long, paused, frozenset(serials), values=values)


def _trials(bench: Bench, bus: Bus, question: Callable[[Link], None], step: Step) -> Work[Trials]:
    """Ask several times, and count how it went."""
    counted: Counter[str] = Counter()
    for _ in range(TRIES):
        yield step
        try:
            with bench.link.at(bus) if bus != bench.link.bus else nullcontext(bench.link) as link:
                question(link)
            counted["sound"] += 1
        except RefusedError:
            counted["sound"] += 1
        except GarbledError as error:
            counted["garbled" if len(error.heard) > STRAY else "silent"] += 1
        except WrongReplyError:
            counted["garbled"] += 1
        except NoReplyError:
            counted["silent"] += 1
        except LinkError as error:
            raise AwayError(bench, None, error) from error
    return Trials(**counted)


def _long(bench: Bench, address: int, step: Step) -> Work[Trials]:
    meter = bench.meter_at(address)
    first = bench.models[meter.model].registers[0].address if meter else 0

    def long(link: Link) -> None:
        link.read_inputs(address, Request(first, LONG))

    return (yield from _trials(bench, bench.link.bus, long, step))


def _values(bench: Bench, address: int) -> Work[dict[str, float]]:
    """Read what the phases measure; nothing where the model does not tell it, or replies get lost."""
    try:
        model = yield from model_at(bench, Place(address))
        told = tuple(register.quantity for register in model.registers if register.quantity in WANTED)
        values = (yield from read(bench, Read(bench.link.bus.name, address, model.name, told))).values if told else ()
    except CommandError:
        return {}
    return {value.quantity: value.value for value in values if value.value is not None}


def _others(bench: Bench, addresses: list[int]) -> Work[bool]:
    """Return whether any of some meters answers."""
    for address in addresses[:CONTROLS]:
        if (
            yield from answers(bench, Place(address), Step(f"asking address {address}, to compare", 0.7))
        ) is Reply.SOUND:
            return True
    return False


def _stray(bench: Bench, taken: set[int]) -> Work[bool]:
    """Return whether bytes come from an address that nobody should have."""
    free = next(address for address in reversed(ADDRESSES) if address not in taken)
    step = Step(f"asking address {free}, which nobody should have", 0.75)
    return (yield from answers(bench, Place(free), step)) in {Reply.STRAY, Reply.GARBLED}


def _elsewhere(bench: Bench, facts: BusFacts) -> Work[BusFacts]:
    """Look for silent meters at other speeds, where the speed is ours to choose."""
    silent = [meter for meter in facts.meters if not meter.short.sound][:SOUGHT]
    if bench.speed is None or not silent:
        return facts
    speeds = [bench.speed.changed(baud, parity) for baud, parity in product(CODES.values(), get_args(Parity))]
    speeds = [speed for speed in speeds if speed != bench.speed]
    found: dict[int, str] = {}
    for done, (speed, meter) in enumerate(product(speeds, silent)):
        place = Place(meter.address, speed)
        step = Step(f"looking for {place}", 0.8 + 0.2 * done / len(speeds) / len(silent))
        with suppress(AwayError):  # some adapters do not know every speed
            if meter.address not in found and (yield from answers(bench, place, step)) is Reply.SOUND:
                found[meter.address] = str(speed)
    meters = tuple(
        replace(meter, elsewhere=(found[meter.address],)) if meter.address in found else meter for meter in facts.meters
    )
    return replace(facts, meters=meters, tried=len(speeds))
