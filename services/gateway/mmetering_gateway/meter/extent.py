"""What one unit gives of the registers of its model, found out by being refused. Pure.

A request may be refused because the unit lacks a register in it, gives fewer registers in one reply than its manual
says, or nothing between those of its table. The first is looked for by asking for ever smaller parts; where all of them
came, it is the length, and in the end what lay between.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from mmetering_gateway.models.registers import WIDTH, Register
from mmetering_gateway.planning.requests import Request

# Units in the field refuse more than 50 registers where the manual says 80 and its predecessor's 60.
STEPS = (60, 50, 40, 30, 20)
# "Illegal data address" and "illegal data value" (Modbus Application Protocol V1.1b3, section 7): units differ.
NOT_LIKE_THIS = (2, 3)


@dataclass(frozen=True, slots=True)
class Extent:
    """What can be asked for.

    Attributes:
        limit: registers in one request.
        gaps: whether registers may be read along that nobody wants.
        absent: addresses that the unit lacks.
    """

    limit: int
    gaps: bool
    absent: frozenset[int] = frozenset()

    def parts(self, registers: Sequence[Register]) -> Iterator[list[Register]]:
        """Split registers so that no request needs to cross one that the unit lacks.

        Args:
            registers: of one group, by address. Where it lacks them all, the first is asked for: it may have come.
        """
        present = [register for register in registers if register.address not in self.absent]
        for _, part in groupby(present or registers[:1], lambda register: self._absent_before(register.address)):
            yield list(part)

    def has(self, registers: Sequence[Register]) -> bool:
        """Return whether the unit has any of the registers."""
        return any(register.address not in self.absent for register in registers)

    def refused(self, shortest: int, absent: Collection[int], most: int) -> "Extent":
        """Return what is known after a refusal.

        Args:
            shortest: registers of the shortest request that was refused and held more than one value.
            absent: addresses that were refused by themselves; they explain everything that was.
            most: registers in one request, as the manual has it.
        """
        if absent:
            return replace(self, absent=self.absent.union(absent))
        if lower := next((step for step in STEPS if step < shortest), None):
            return replace(self, limit=lower)
        return replace(self, limit=most, gaps=False) if self.gaps else self

    def _absent_before(self, address: int) -> int:
        return sum(other < address for other in self.absent)


def span(registers: Sequence[Register]) -> Request:
    """Return the one request that reads all of the registers, which are in the order of their addresses."""
    first = registers[0].address
    return Request(first, registers[-1].address + WIDTH - first)
