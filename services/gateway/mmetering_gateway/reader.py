"""One meter on a link: its groups read in as few requests as its bus and its own quickness want, and judged."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from mmetering_contract.quantity import Group
from mmetering_contract.state import MeterHealth
from mmetering_runtime.log import Log

from mmetering_gateway.backoff import Backoff
from mmetering_gateway.health import Condition
from mmetering_gateway.limit import lower_limit
from mmetering_gateway.modbus import Link, ModbusError, NoReplyError, RefusedError
from mmetering_gateway.plan import Request, plan
from mmetering_gateway.plant import Meter
from mmetering_gateway.plausible import UNKNOWN, suspects
from mmetering_gateway.registers import WIDTH, decode
from mmetering_gateway.sample import Sample
from mmetering_gateway.sdm630 import MODELS
from mmetering_gateway.turnaround import Turnaround

log = Log("gateway.reader")


class Reader:
    """Reads one meter. Its public figures may be read from any thread, and it is used by the bus's own."""

    def __init__(self, meter: Meter, link: Link) -> None:
        """Prepare to read; nothing is asked yet."""
        self.meter = meter
        self.slug = meter.slug
        self.model = MODELS[meter.model]
        self.groups = frozenset(group for group in Group if self.model.of_group(group))
        self.limit = self.model.limit
        self.lost = self.suspect = 0
        self.backoff = Backoff()
        self._link = link
        self._known = UNKNOWN
        self._plans: dict[Group, tuple[Request, ...]] = {}
        self._basis = (self.limit, self.turnaround.planned_s)

    @property
    def turnaround(self) -> Turnaround:
        """How quickly it answers."""
        return self._link.turnaround(self.meter.address)

    def health(self, condition: Condition) -> MeterHealth:
        """Return how well it answers, its polls having gone as its condition says."""
        mean_s = self.turnaround.mean_s
        turnaround_ms = None if mean_s is None else round(mean_s * 1000, 1)
        return MeterHealth(condition.polls, condition.failures, turnaround_ms, self.lost, self.suspect, self.limit)

    def forget(self) -> None:
        """Take the meter that answers next for another one."""
        self._known = UNKNOWN

    def silent(self, now: float) -> None:
        """Count a question as not answered, in a slot that began at `now`, in seconds of a monotonic clock."""
        self.lost += 1
        self.backoff = self.backoff.silent(now)

    def wake(self) -> None:
        """Make sure by a short question that a meter is there which was silent last time.

        Raises:
            ModbusError: it is not.
        """
        if self.backoff.silences:
            with suppress(RefusedError):  # an answer like any other
                self._link.read_inputs(self.meter.address, Request(self.model.registers[0].address, WIDTH))
            self.backoff = Backoff()

    def serial(self) -> str | None:
        """Return the serial number; None where the unit has none to tell.

        Raises:
            ModbusError: it did not answer.
        """
        if self.model.serial is None:
            return None
        try:
            high, low = self._link.read_holdings(self.meter.address, Request(self.model.serial, WIDTH))
        except RefusedError:  # older units lack the register
            return None
        return str(high << 16 | low)

    def read(self, group: Group, name: str, *, partly: bool = False) -> Sample:
        """Read a scan group.

        Args:
            group: one of `groups`.
            name: slug that the sample goes out under.
            partly: take what came before a reply was lost; what did not come is missing from the sample.

        Raises:
            ModbusError: nothing came, or not everything where the whole is wanted.
        """
        began = time.monotonic()
        blocks, arrived = self._blocks(group, partly=partly)
        values, missing = decode(self.model.of_group(group), blocks)
        if not values:
            raise ModbusError(f"no number in any register of group {group}")
        now = time.monotonic()
        suspect = suspects(values, self._known, now, self.model.rated_current_a)
        self.suspect += bool(suspect)
        self._known = self._known.updated(values, now)
        ts = datetime.fromtimestamp(int(arrived * 1000) / 1000, UTC)
        return Sample(name, ts, group, values, round((now - began) * 1000), suspect, missing)

    def _blocks(self, group: Group, *, partly: bool) -> tuple[dict[int, Sequence[int]], float]:
        """Return the registers that came by first address, and when the last of them did, in seconds since 1970."""
        blocks: dict[int, Sequence[int]] = {}
        arrived = time.time()
        refusal: RefusedError | None = None
        for request in self._requests(group):
            try:
                blocks[request.address] = self._link.read_inputs(self.meter.address, request)
                arrived = time.time()
            except NoReplyError:
                if not (blocks and partly):
                    raise
                break
            except RefusedError as error:
                if lower := lower_limit(request, error.code):
                    self._lower(lower, request)
                    return self._blocks(group, partly=partly)
                refusal = error
        if refusal and not blocks:
            raise refusal
        return blocks, arrived

    def _lower(self, limit: int, refused: Request) -> None:
        self.limit = limit
        log.warning("limit_lowered", meter=self.slug, refused=refused.count, limit=limit)

    def _requests(self, group: Group) -> tuple[Request, ...]:
        """Return the plan of a group, made anew when the limit or the turnaround has changed."""
        basis = (self.limit, self.turnaround.planned_s)
        if basis != self._basis:
            self._plans.clear()
            self._basis = basis
        if group not in self._plans:
            wire = replace(self._link.wire, turnaround_s=self.turnaround.planned_s)
            self._plans[group] = plan(self.model.of_group(group), self.limit, wire)
        return self._plans[group]
