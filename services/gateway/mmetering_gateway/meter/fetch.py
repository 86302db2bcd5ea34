"""The registers of one meter, group by group, in as few requests as its bus and its own quickness want."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mmetering_contract.quantity import Group
from mmetering_runtime.log import Log

from mmetering_gateway.bus.errors import NoReplyError, RefusedError
from mmetering_gateway.bus.link import Link
from mmetering_gateway.clock import Clock
from mmetering_gateway.dating import Moment
from mmetering_gateway.meter.extent import NOT_LIKE_THIS, Extent, span
from mmetering_gateway.models.registers import Model, Register
from mmetering_gateway.planning.requests import Wire, plan
from mmetering_gateway.plant.plant import Meter

log = Log("gateway.fetch")

Blocks = dict[int, Sequence[int]]  # first address to registers, one entry for each reply


class Fetch:
    """Asks one meter; `extent` and `groups` may be read from any thread."""

    def __init__(self, meter: Meter, model: Model, link: Link, clock: Clock) -> None:
        """Prepare to ask; nothing is asked yet."""
        self.extent = Extent(model.limit, model.gaps)
        self._meter = meter
        self._model = model
        self._link = link
        self._clock = clock
        self._arrived = clock.now()
        self.registers = {group: registers for group in Group if (registers := model.of_group(group))}
        self._plans: dict[Group, tuple[tuple[Register, ...], ...]] = {}
        self._basis = self._of_plans()

    @property
    def groups(self) -> frozenset[Group]:
        """What can be read: the groups of the model, less those of which this unit has nothing."""
        told = [group for group, registers in self.registers.items() if self.extent.has(registers)]
        return frozenset(told or self.registers)

    def forget(self) -> None:
        """Take the meter that answers next for another one; how long its replies may be stays until it refuses."""
        self.extent = replace(self.extent, gaps=self._model.gaps, absent=frozenset())

    def seconds(self, group: Group) -> float:
        """Return how long the bus takes for a group."""
        wire = self._wire()
        return sum(wire.cost_s(span(registers).count) for registers in self._plan(group))

    def read(self, group: Group, *, partly: bool) -> tuple[Blocks, Moment]:
        """Return the registers of a group that came, and when the last of them did.

        Args:
            group: one of `groups`.
            partly: take what came before a reply was lost.

        Raises:
            ModbusError: nothing came, or not everything where the whole is wanted.
        """
        blocks: Blocks = {}
        refusal: RefusedError | None = None
        for registers in self._plan(group):
            try:
                self._fetch(registers, blocks)
            except NoReplyError:
                if not (blocks and partly):
                    raise
                break
            except RefusedError as error:
                refusal = error
        if not blocks:
            raise refusal or RefusedError(NOT_LIKE_THIS[0])
        return blocks, self._arrived

    def _fetch(self, registers: Sequence[Register], blocks: Blocks) -> None:
        """Add registers to the blocks, those that come; what the unit lacks is not asked for again."""
        refused: list[int] = []
        absent = self._halve(registers, blocks, refused)
        if absent or refused:  # where all came in parts, the shortest length is the one that tells most
            before, self.extent = self.extent, self.extent.refused(min(refused, default=0), absent, self._model.limit)
            if self.extent != before:
                lacking = ",".join(f"{address:#06x}" for address in sorted(absent))
                log.warning("refused", meter=self._meter.slug, lacking=lacking, limit=self.extent.limit)
        elif registers[0].address in self.extent.absent:  # it answers now what it refused, and so perhaps do others
            self.forget()

    def _halve(self, registers: Sequence[Register], blocks: Blocks, refused: list[int]) -> frozenset[int]:
        """Read registers in one request or, where that is refused, each half of them likewise.

        Args:
            registers: what to read, by address.
            blocks: what has come; to be added to.
            refused: lengths of more than one register that were refused; to be added to.

        Returns:
            The addresses that were refused by themselves.
        """
        request = span(registers)
        try:
            blocks[request.address] = self._link.read_inputs(self._meter.address, request)
            self._arrived = self._clock.now()
            return frozenset()
        except RefusedError as error:
            if error.code not in NOT_LIKE_THIS:
                raise
        if len(registers) == 1:
            return frozenset((request.address,))
        half = len(registers) // 2
        refused.append(request.count)
        return self._halve(registers[:half], blocks, refused) | self._halve(registers[half:], blocks, refused)

    def _plan(self, group: Group) -> tuple[tuple[Register, ...], ...]:
        """Return what to read of a group in one request each, planned anew when extent or turnaround have changed."""
        basis = self._of_plans()
        if basis != self._basis:
            self._plans.clear()
            self._basis = basis
        if group not in self._plans:
            self._plans[group] = tuple(self._requests(self.registers[group]))
        return self._plans[group]

    def _of_plans(self) -> tuple[Extent, float]:
        """Return what plans depend on; where bytes cost nothing, every turnaround gives the same one."""
        return self.extent, self._planned_s if self._link.wire.character_s else 0.0

    def _requests(self, registers: Sequence[Register]) -> Iterator[tuple[Register, ...]]:
        for part in self.extent.parts(registers):
            for request in plan(part, self.extent.limit, self._wire(), gaps=self.extent.gaps):
                addresses = range(request.address, request.address + request.count)
                yield tuple(register for register in part if register.address in addresses)

    def _wire(self) -> Wire:
        return replace(self._link.wire, turnaround_s=self._planned_s)

    @property
    def _planned_s(self) -> float:
        return self._link.turnaround(self._meter.address).planned_s
