"""What a model of meter keeps in which register, and how registers become values. Pure.

Every value is an IEEE 754 float32 in two registers, the most significant first (SDM630-Modbus V2 protocol, V1.8,
section 1.2) unless the meter says otherwise. Counters come in kWh, kvarh, kVAh or Ah and leave as whole thousandths.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mmetering_contract.quantity import BY_NAME, Group
from mmetering_contract.reading import INT64, WHOLE

WIDTH = 2  # registers of one value
PER_KILO = 1000
FLOAT = struct.Struct(">f")
SHORT = ("%.7g", "%.8g")  # fewer digits are too few for most values that were measured
BAUDS = {0: 2400, 1: 4800, 2: 9600, 3: 19200, 4: 38400}  # code to speed; SDM630 protocol V1.8, section 1.3


@dataclass(frozen=True, slots=True)
class Register:
    """Where a quantity stands: the PDU address, which is the manual's 3X number less 30001."""

    address: int
    quantity: str


@dataclass(frozen=True, slots=True)
class Writing:
    """How a model lets itself be changed: by a password, written as a float32, and for a minute.

    Attributes:
        password: holding register that the password is written to; None where there is none.
        default: the password that it comes with.
        restart: whether address and baud rate are in force only after the meter was switched off and on.
        button: whether it takes them only while its set-up menu is open, by a long press of a button.
    """

    password: int | None = 0x0018
    default: int = 1000
    restart: bool = False
    button: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A model of meter.

    Attributes:
        name: as it stands in the plant and in the table of meters.
        title: as its maker calls it.
        limit: how many registers it gives in one reply.
        registers: input registers, by address.
        gaps: whether registers may be read along that lie between those.
        serial: holding register of the serial number, uint32 in two registers, before the code of the build and the
            version of the software, one register each; None where it has none. Any of them may be missing.
        old_serial: where older units have it: the upper half in this register, the lower one two registers on.
        codes: what units of this model are known to have as code of the build.
        rated_current_a: what it carries on each phase, in A.
        transformer: holding register of the primary current of its transformers, in A; None where it has none.
        phases: how many it measures, 1 or 3.
        bauds: the speeds that it can be set to, by the code that stands for them in its holding register 0x001C.
        baud: the speed that it comes with.
        prefix: holding register that says whether its counters are in k or M; None where it has none.
        word_order: holding register that holds 2141.0 in the order of its words; None where it has none.
        writing: how its settings are changed.
    """

    name: str
    title: str
    limit: int
    registers: tuple[Register, ...]
    gaps: bool = True
    serial: int | None = 0xFC00
    old_serial: int | None = None
    codes: tuple[int, ...] = ()
    rated_current_a: float = 100.0
    transformer: int | None = None
    phases: int = 3
    bauds: Mapping[int, int] = field(default_factory=lambda: dict(BAUDS))
    baud: int = 9600
    prefix: int | None = None
    word_order: int | None = None
    writing: Writing = Writing()

    def of_group(self, group: Group) -> tuple[Register, ...]:
        """Return the registers of one scan group, by address."""
        return tuple(register for register in self.registers if BY_NAME[register.quantity].group is group)


@dataclass(frozen=True, slots=True)
class Form:
    """How a meter writes its numbers, where that can be set.

    Attributes:
        swapped: whether the less significant register of a float comes first.
        factor: 1000 where its counters are in M instead of k; it is that of the registers 0x0048 to 0x0052 alone
            (SDM630 protocol V2.0).
    """

    swapped: bool = False
    factor: int = 1


USUAL = Form()
PREFIXED = range(0x0048, 0x0054)


def floats(registers: Sequence[int], *, swapped: bool = False) -> tuple[float, ...]:
    """Return the float32 that registers hold, two each; read backwards, the other order of words is this one."""
    ordered = registers[::-1] if swapped else registers
    values = struct.unpack(f">{len(ordered) // WIDTH}f", struct.pack(f">{len(ordered)}H", *ordered))
    return values[::-1] if swapped else values


def decode(
    wanted: Sequence[Register], blocks: Mapping[int, Sequence[int]], form: Form = USUAL
) -> tuple[dict[str, int | float], tuple[str, ...]]:
    """Return the values of the wanted registers, and the names of those that are missing.

    Args:
        wanted: what to decode.
        blocks: first address to registers, one entry per reply; a reply that did not come is absent.
        form: how the meter writes its numbers.

    A value that is no number (NaN or infinite), or a count that no counter holds, counts as missing.
    """
    told: dict[int, float] = {}
    for first, registers in blocks.items():
        addresses = range(first, first + len(registers), WIDTH)
        told.update(zip(addresses, floats(registers, swapped=form.swapped), strict=True))
    values: dict[str, int | float] = {}
    for register in wanted:
        value = told.get(register.address, math.nan)
        if register.quantity in WHOLE:
            value = _thousandths(register, value, form)
            if abs(value) < INT64:  # NaN is not
                values[register.quantity] = round(value)
        elif math.isfinite(value):
            values[register.quantity] = shortest(value)
    missing = tuple(register.quantity for register in wanted if register.quantity not in values)
    return values, missing


def _thousandths(register: Register, value: float, form: Form) -> float:
    return value * (form.factor if register.address in PREFIXED else 1) * PER_KILO


def shortest(value: float) -> float:
    """Return a float32 as a short decimal that is that float32 again: 230.1, not 230.10000610351562."""
    exact = FLOAT.pack(value)
    for form in SHORT:
        short = float(form % value)
        if FLOAT.pack(short) == exact:
            return short
    return float(f"{value:.9g}")  # 9 always suffice: FLT_DECIMAL_DIG in C's float.h
