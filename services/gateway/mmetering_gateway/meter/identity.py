"""What a meter tells of itself before it is read: who it is, and how it writes its numbers. Pure.

A register that a unit does not have leaves its part as it usually is. One that says what no manual knows is an error:
numbers in an unknown form would be wrong ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mmetering_gateway.models.registers import PER_KILO, USUAL, Form, floats

# 2141.0, as two registers: whoever set the meter up has written it in the order that all floats have since then (SDM630
# protocol V2.0). Zero is what registers read that a unit does not have.
MARK, NOTHING = (0x4505, 0xD000), (0, 0)
# The first register of a float of 1.0; a serial number of eight digits has less in its upper half.
ONE = 0x3F80
# Manuals call what is set the primary current (SDM630 V2.0) or the ratio, to a secondary current of 1 A or 5 A
# (SDM630MCT Series User Manual, V1.0, page 20). The wider of the two marks no true value as impossible.
SECONDARY_A, HIGHEST_RATIO = 5.0, 9999

Registers = Sequence[int] | None


class StrangeError(Exception):
    """A meter writes its numbers in a way that nobody knows."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What one unit tells; None is what it does not.

    Attributes:
        serial: number, in decimal.
        code: of its build.
        firmware: version of its software, such as 1.08.
        form: how it writes its numbers.
        rated_current_a: what its transformers carry at most, in A.
    """

    serial: str | None = None
    code: int | None = None
    firmware: str | None = None
    form: Form = USUAL
    rated_current_a: float | None = None


def identity_of(unit: Registers, old: Registers, order: Registers, prefix: Registers, ratio: Registers) -> Identity:
    """Return what a meter says, from its holding registers; None stands for those that it does not have.

    Args:
        unit: serial number, and code and version where they follow it.
        old: upper and lower half of the serial number, two registers each.
        order: the mark of the order of words.
        prefix: the prefix of the counters, a float: 0 for k, 1 for M.
        ratio: of its transformers, a float.

    Raises:
        StrangeError: the order or the prefix is none that a manual knows.
    """
    swapped = _swapped(order)
    code, version = unit[2:4] if unit and len(unit) > 2 else (None, None)  # noqa: PLR2004 - as many has the serial
    return Identity(
        serial=_serial(unit, old, swapped=swapped),
        code=code,
        firmware=None if version is None else version_of(version),
        form=Form(swapped, _factor(prefix, swapped=swapped)),
        rated_current_a=_rated_current_a(ratio, swapped=swapped),
    )


def version_of(register: int) -> str:
    """Return a version as the display shows it: 1.08 for 0x0108."""
    return f"{register >> 8:x}.{register & 0xFF:02x}"


def _swapped(order: Registers) -> bool:
    mark = tuple(order or NOTHING)
    if mark not in (MARK, MARK[::-1], NOTHING):
        raise StrangeError(f"the order of its words is unknown: 2141.0 reads {mark[0]:04x} {mark[1]:04x}")
    return mark == MARK[::-1]


def _factor(prefix: Registers, *, swapped: bool) -> int:
    value = floats(prefix, swapped=swapped)[0] if prefix else 0.0
    if value not in (0.0, 1.0):
        raise StrangeError(f"the prefix of its counters is unknown: {value:g} is neither 0 for k nor 1 for M")
    return PER_KILO if value else 1


def _serial(unit: Registers, old: Registers, *, swapped: bool) -> str | None:
    number = 0
    if unit:
        number = unit[0] << 16 | unit[1]
    elif old:  # no manual tells the format: floats as all about them, or (Oppleo) an integer in the first register
        pair = floats(old, swapped=swapped) if max(old[:2]) >= ONE else (old[0], old[2])
        number = int(pair[0]) << 16 | int(pair[1])
    return str(number) if number else None


def _rated_current_a(ratio: Registers, *, swapped: bool) -> float | None:
    value = floats(ratio, swapped=swapped)[0] if ratio else 0.0
    return SECONDARY_A * value if 1 <= value <= HIGHEST_RATIO else None
