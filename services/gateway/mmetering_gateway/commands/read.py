"""What a meter measures now: its quantities by name, or any of its registers as they are."""

import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

import msgspec
from mmetering_contract.quantity import BY_NAME

from mmetering_gateway.commands.asking import Place, holdings, inputs
from mmetering_gateway.commands.bench import Bench, CommandError, Step, Work
from mmetering_gateway.commands.holding import number
from mmetering_gateway.commands.identify import Address, who
from mmetering_gateway.meter.extent import span
from mmetering_gateway.meter.identity import StrangeError, identity_of
from mmetering_gateway.meter.plausible import UNKNOWN, Rating, suspects
from mmetering_gateway.models.registers import WIDTH, Form, Model, Register, decode, shortest
from mmetering_gateway.planning.requests import Request, plan


class Read(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to read.

    Attributes:
        bus: its name.
        address: of the meter.
        model: register table to read by; empty is the plant's for this address, else what the meter seems to be.
        quantities: names such as `voltage_l1`; none is all that the model has.
        register: first register to read as it is, in place of quantities; its PDU address.
        count: how many registers to read from there.
        holding: read holding registers (function 03) and not input registers (04) from there.
    """

    bus: str
    address: Address = 1
    model: str = ""
    quantities: tuple[str, ...] = ()
    register: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)] | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=125)] = 2
    holding: bool = False


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value of a meter.

    Attributes:
        quantity: its name; empty of a register that was read as it is.
        value: in `unit`; None where two registers are no number (NaN or infinite).
        unit: such as `V` or `Wh`; empty where there is none.
        register: where it stands.
        words: the registers themselves, of a register that was read as it is.
        suspect: whether it cannot be true.
    """

    quantity: str
    value: float | int | None
    unit: str
    register: int
    words: tuple[int, ...] = ()
    suspect: bool = False


class ReadOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read.

    Attributes:
        address: of the meter.
        model: register table that it was read by; empty for registers as they are.
        values: by register.
        missing: names of quantities that the meter did not give.
    """

    address: int
    model: str
    values: tuple[Value, ...]
    missing: tuple[str, ...] = ()


def read(bench: Bench, wanted: Read) -> Work[ReadOut]:
    """Read a meter's values.

    Raises:
        CommandError: there is no such model or quantity, or the meter does not answer or refuses, or the bus is away.
    """
    place = Place(wanted.address)
    if wanted.register is not None:
        return (yield from _raw(bench, place, wanted, wanted.register))
    model = yield from model_at(bench, place, wanted.model)
    registers = _chosen(model, wanted)
    form = yield from _form(bench, place, model)
    blocks = yield from _blocks(bench, place, model, registers)
    values, missing = decode(registers, blocks, form)
    suspect = suspects(values, UNKNOWN, 0.0, Rating(model.rated_current_a, model.phases))
    return ReadOut(
        wanted.address,
        model.name,
        tuple(
            Value(name, values[name], BY_NAME[name].unit, register.address, suspect=name in suspect)
            for register in registers
            if (name := register.quantity) in values
        ),
        missing,
    )


def _raw(bench: Bench, place: Place, wanted: Read, first: int) -> Work[ReadOut]:
    """Read registers as they are, and each pair of them as the float that it may be."""
    step = Step(f"reading {wanted.count} registers from {first:#06x} of {place}", 0.0)
    words = yield from (holdings if wanted.holding else inputs)(bench, place, Request(first, wanted.count), step)
    if words is None:
        kind = "holding" if wanted.holding else "input"
        raise CommandError(f"the meter at {place} has no {wanted.count} {kind} registers from {first:#06x} on")
    pairs = [tuple(words[at : at + WIDTH]) for at in range(0, len(words), WIDTH)]
    numbers = [number(pair) if len(pair) == WIDTH else math.nan for pair in pairs]
    return ReadOut(
        wanted.address,
        "",
        tuple(
            Value("", shortest(value) if math.isfinite(value) else None, "", first + WIDTH * at, pair)
            for at, (pair, value) in enumerate(zip(pairs, numbers, strict=True))
        ),
    )


def model_at(bench: Bench, place: Place, name: str = "") -> Work[Model]:
    """Return the model that was named, else the plant's, else what the meter seems to be.

    Raises:
        CommandError: there is no such model, or none fits.
    """
    planned = bench.meter_at(place.address)
    name = name or (planned.model if planned else "") or (yield from who(bench, place, 0.1)).model
    if name not in bench.models:
        what = f"there is no model {name}" if name else f"no model fits the meter at {place}; name one"
        raise CommandError(f"{what}: {', '.join(bench.models)}")
    return bench.models[name]


def _chosen(model: Model, wanted: Read) -> tuple[Register, ...]:
    names = {register.quantity for register in model.registers}
    for quantity in wanted.quantities:
        if quantity not in names:
            like = get_close_matches(quantity, names, n=3)
            raise CommandError(f"{model.title} has no {quantity}" + (f"; there is {' or '.join(like)}" if like else ""))
    chosen = wanted.quantities or names
    return tuple(register for register in model.registers if register.quantity in chosen)


def _form(bench: Bench, place: Place, model: Model) -> Work[Form]:
    """Ask how the meter writes its numbers, where that can be set."""
    step = Step(f"asking {place} how it writes its numbers", 0.3)
    told = []
    for register in (model.word_order, model.prefix):
        asked = None if register is None else (yield from holdings(bench, place, Request(register, WIDTH), step))
        told.append(asked)
    try:
        return identity_of(None, None, told[0], told[1], None).form
    except StrangeError as error:
        raise CommandError(f"the values of the meter at {place} cannot be read: {error}") from error


def _blocks(
    bench: Bench, place: Place, model: Model, registers: tuple[Register, ...]
) -> Work[dict[int, Sequence[int]]]:
    """Read the registers in few requests; what is refused is asked for again in two halves, down to one register."""
    blocks: dict[int, Sequence[int]] = {}
    waiting = [
        tuple(
            register for register in registers if request.address <= register.address < request.address + request.count
        )
        for request in plan(registers, model.limit, bench.link.wire, gaps=model.gaps)
    ]
    while waiting:
        part = waiting.pop(0)
        step = Step(f"reading {place}", 0.4 + 0.6 * len(blocks) / (len(blocks) + len(waiting) + 1))
        words = yield from inputs(bench, place, span(part), step)
        if words:
            blocks[span(part).address] = words
        elif len(part) > 1:
            waiting[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
    return blocks
