"""A model of meter that a person has written down in the plant's file, over the contract's quantities. Pure."""

from collections import Counter
from typing import Annotated, Literal

import msgspec
from mmetering_contract.quantity import BY_NAME

from mmetering_gateway.models.registers import BAUDS, Model, Register, Writing

# The longest read that Modbus knows (MODBUS Application Protocol V1.1b3, section 6.4).
Limit = Annotated[int, msgspec.Meta(ge=2, le=124, multiple_of=2)]
Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFE)]
Ampere = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
Baud = Literal[1200, 2400, 4800, 9600, 19200, 38400]

CODES = {**BAUDS, 5: 1200}


class OwnModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the table `[model.NAME]` says; every value is a float32 in two input registers, as on Eastron's meters.

    Attributes:
        title: as its maker calls it.
        registers: quantity to address, counted from 0.
        limit: registers that it gives in one reply.
        gaps: whether registers may be read along that lie between those.
        serial: holding register of the serial number, uint32 in two registers.
        rated_current: what it carries on each phase, in A.
        phases: how many it measures.
        bauds: the speeds that it knows, the one that it comes with first.
    """

    title: str
    registers: dict[str, Address]
    limit: Limit = 80
    gaps: bool = False
    serial: Address | None = None
    rated_current: Ampere = 100.0
    phases: Literal[1, 3] = 3
    bauds: tuple[Baud, ...] = (9600, 2400, 4800, 19200, 38400)

    def __post_init__(self) -> None:
        if not self.registers or not self.bauds:
            raise ValueError("`registers` and `bauds` want at least one entry each")
        twice = Counter(self.registers.values())
        for quantity, address in self.registers.items():
            if quantity not in BY_NAME:
                raise ValueError(f"there is no quantity {quantity} - at `$.registers.{quantity}`")
            if address % 2:
                raise ValueError(f"{quantity} = {address:#06x} is odd - at `$.registers.{quantity}`")
            if twice[address] > 1:
                raise ValueError(f"{quantity} = {address:#06x} stands there twice - at `$.registers.{quantity}`")

    def model(self, name: str) -> Model:
        """Return the model; how its settings are changed is nowhere written, so that the usual way is tried."""
        registers = (Register(address, quantity) for quantity, address in self.registers.items())
        return Model(
            name=name,
            title=self.title,
            limit=self.limit,
            registers=tuple(sorted(registers, key=lambda register: register.address)),
            gaps=self.gaps,
            serial=self.serial,
            rated_current_a=self.rated_current,
            phases=self.phases,
            bauds={code: baud for code, baud in CODES.items() if baud in self.bauds},
            baud=self.bauds[0],
            writing=Writing(),
        )
