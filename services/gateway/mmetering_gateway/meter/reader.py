"""One meter on a link: identified, read group by group, and judged."""

import time
from contextlib import suppress

from mmetering_contract.quantity import Group
from mmetering_contract.state import MeterHealth

from mmetering_gateway.bus.errors import ModbusError, RefusedError
from mmetering_gateway.bus.link import Link
from mmetering_gateway.clock import Clock
from mmetering_gateway.meter.fetch import Fetch
from mmetering_gateway.meter.health import Condition
from mmetering_gateway.meter.identity import Identity, StrangeError, identity_of
from mmetering_gateway.meter.plausible import UNKNOWN, Rating, suspects
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.models.registers import WIDTH, Model, decode
from mmetering_gateway.planning.backoff import Backoff
from mmetering_gateway.planning.requests import Request
from mmetering_gateway.planning.turnaround import Turnaround
from mmetering_gateway.plant.plant import Meter


class Reader:
    """Reads one meter. Its public figures may be read from any thread, and it is used by the bus's own."""

    def __init__(self, meter: Meter, model: Model, link: Link, clock: Clock) -> None:
        """Prepare to read; nothing is asked yet."""
        self.meter = meter
        self.slug = meter.slug
        self.model = model
        self.identity = Identity()
        self.name: str | None = None  # slug of the physical meter, once it is identified
        self.condition = Condition()
        self.lost = self.suspect = 0
        self.backoff = Backoff()
        self._link = link
        self._fetch = Fetch(meter, model, link, clock)
        self._known = UNKNOWN
        self._rating = Rating(model.rated_current_a, model.phases)

    @property
    def groups(self) -> frozenset[Group]:
        """What can be read of it."""
        return self._fetch.groups

    @property
    def turnaround(self) -> Turnaround:
        """How quickly it answers."""
        return self._link.turnaround(self.meter.address)

    def health(self) -> MeterHealth:
        """Return how well it answers."""
        condition = self.condition
        mean_s = self.turnaround.mean_s
        turnaround_ms = None if mean_s is None else round(mean_s * 1000, 1)
        return MeterHealth(
            condition.polls,
            condition.failures,
            turnaround_ms,
            self.lost,
            self.suspect,
            self._fetch.extent.limit,
            condition.answered_at,
        )

    def forget(self) -> None:
        """Take the meter that answers next for another one."""
        self.name = None
        self.identity = Identity()
        self._known = UNKNOWN
        self._fetch.forget()

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

    def identify(self) -> Identity:
        """Ask the meter who it is and how it writes its numbers, and read it accordingly from now on.

        Raises:
            ModbusError: it did not answer, or its numbers cannot be understood.
        """
        model = self.model
        try:
            # Serial number, code and version are one question, unless it has the first alone (as in SDM630 V1.8).
            unit = self._holdings(model.serial, 2 * WIDTH) or self._holdings(model.serial, WIDTH)
            old = None if unit else self._holdings(model.old_serial, 2 * WIDTH)
            settings = (self._holdings(at, WIDTH) for at in (model.word_order, model.prefix, model.transformer))
            self.identity = identity_of(unit, old, *settings)
        except StrangeError as error:
            raise ModbusError(str(error)) from error
        current_a = self.identity.rated_current_a or model.rated_current_a
        self._rating = Rating(current_a, model.phases, self.identity.form.factor)
        return self.identity

    def _holdings(self, address: int | None, count: int) -> list[int] | None:
        """Return holding registers; None where the model, or this unit of it, has none there."""
        if address is None:
            return None
        try:
            return self._link.read_holdings(self.meter.address, Request(address, count))
        except RefusedError:
            return None

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
        blocks, arrived = self._fetch.read(group, partly=partly)
        values, missing = decode(self._fetch.registers[group], blocks, self.identity.form)
        if not values:
            raise ModbusError(f"no number in any register of group {group}")
        now = time.monotonic()
        suspect = suspects(values, self._known, now, self._rating)
        self.suspect += bool(suspect)
        self._known = self._known.updated(values, now)
        undated = None if arrived.good else arrived.uptime
        return Sample(name, arrived.ts, group, values, round((now - began) * 1000), suspect, missing, undated)

    def longest_s(self, group: Group) -> float:
        """Return the seconds that reading a group takes where one reply is lost."""
        return self._fetch.seconds(group) + self.turnaround.patience_s
