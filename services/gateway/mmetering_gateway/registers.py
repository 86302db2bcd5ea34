"""What a model of meter keeps in which register, and how registers become values. Pure.

Every value is an IEEE 754 float32 in two registers, most significant register first (SDM630-Modbus V2
protocol, V1.8, section 1.2). Counters come in kWh, kvarh or kVAh and leave as integer Wh, varh or VAh.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmetering_contract.quantity import BY_NAME, Group, Kind
from mmetering_contract.reading import INT64

WIDTH = 2  # registers of one value
PER_KILO = 1000


@dataclass(frozen=True, slots=True)
class Register:
    """Where a quantity stands: the PDU address, which is the manual's 3X number less 30001."""

    address: int
    quantity: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model of meter.

    Attributes:
        name: as it stands in the plant and in the table of meters.
        limit: how many registers it gives in one reply.
        registers: input registers, by address.
        serial: holding register of the serial number, uint32 in two registers; None where it has none.
        rated_current_a: what it carries on each phase, in A; 100 for the SDM630-Modbus V2.
    """

    name: str
    limit: int
    registers: tuple[Register, ...]
    serial: int | None
    rated_current_a: float = 100.0

    def of_group(self, group: Group) -> tuple[Register, ...]:
        """Return the registers of one scan group, by address."""
        return tuple(register for register in self.registers if BY_NAME[register.quantity].group is group)


def decode(
    wanted: Sequence[Register], blocks: Mapping[int, Sequence[int]]
) -> tuple[dict[str, int | float], tuple[str, ...]]:
    """Return the values of the wanted registers, and the names of those that are missing.

    Args:
        wanted: what to decode.
        blocks: first address to registers, one entry per reply; a reply that did not come is absent.

    A value that is no number (NaN or infinite), or a count that no counter holds, counts as missing.
    """
    values: dict[str, int | float] = {}
    for first, registers in blocks.items():
        floats = struct.unpack(f">{len(registers) // WIDTH}f", struct.pack(f">{len(registers)}H", *registers))
        for register in wanted:
            offset, odd = divmod(register.address - first, WIDTH)
            if 0 <= offset < len(floats) and not odd and _is_told(register.quantity, floats[offset]):
                values[register.quantity] = _in_unit(register.quantity, floats[offset])
    missing = tuple(register.quantity for register in wanted if register.quantity not in values)
    return values, missing


def _is_told(name: str, value: float) -> bool:
    return math.isfinite(value) and (BY_NAME[name].kind is not Kind.COUNTER or abs(value * PER_KILO) < INT64)


def _in_unit(name: str, value: float) -> int | float:
    if BY_NAME[name].kind is Kind.COUNTER:
        return round(value * PER_KILO)
    return shortest(value)


def shortest(value: float) -> float:
    """Return a float32 as the shortest decimal that is that float32 again: 230.1, not 230.10000610351562."""
    exact = struct.pack(">f", value)
    candidates = (float(f"{value:.{digits}g}") for digits in (6, 7, 8))
    return next((short for short in candidates if struct.pack(">f", short) == exact), value)
