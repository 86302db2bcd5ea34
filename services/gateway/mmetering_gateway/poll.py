"""One bus: ask its meters at every slot, spool what they said, publish it. Each bus has a thread of its own.

A meter that does not answer is asked no more in its turn. One that was well until then is asked once again at the end
of the slot, so that a disturbed frame loses nothing; all others wait as their backoff says.
"""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from mmetering_contract.quantity import BY_NAME, Group
from mmetering_contract.record import Device
from mmetering_contract.state import MeterHealth, MeterInfo
from mmetering_runtime.log import Log

from mmetering_gateway.health import Condition
from mmetering_gateway.live import Live
from mmetering_gateway.modbus import Link, LinkError, ModbusError, NoReplyError
from mmetering_gateway.overload import Overload
from mmetering_gateway.plant import Bus, Meter
from mmetering_gateway.reader import Reader
from mmetering_gateway.round import Round, Turn
from mmetering_gateway.sample import Sample
from mmetering_gateway.schedule import Slot, late_slot, missed_slots, next_slot
from mmetering_gateway.spool import Spool

# A slot that is reached later than this was passed by a clock that was set, or by a machine that slept.
LATE_S = 1.0

log = Log("gateway.poll")


class Poller:
    """The meters of one bus. `overruns`, `busy_s` and `health` may be used from any thread."""

    def __init__(
        self, bus: Bus, meters: tuple[Meter, ...], intervals: Mapping[Group, int], spool: Spool, live: Live
    ) -> None:
        """Prepare to poll; `run` does it."""
        self.bus = bus.name
        self.overruns = 0
        self.busy_s = 0.0
        self._link = Link(bus)
        self._readers = {meter.slug: Reader(meter, self._link) for meter in meters}
        self._conditions = {meter.slug: Condition() for meter in meters}
        self._intervals = intervals
        self._overload = Overload()
        self._ahead_s = time.time() - time.monotonic()
        self._spool = spool
        self._live = live
        self._names: dict[str, str] = {}  # slug in the plant to the slug of the physical meter, once it is identified

    def run(self, stopping: threading.Event) -> None:
        """Poll at every slot until stopped; whatever fails in one slot, the next one is polled."""
        previous: Slot | None = None
        while slot := self._wait(stopping, previous):
            self._count(self._unless_set(previous), slot)
            began = time.monotonic()
            try:
                self.poll(slot, began)
            except Exception:
                log.exception("slot_failed", bus=self.bus)
            self.busy_s += time.monotonic() - began
            previous = self._unless_set(slot)
        self.close()

    def close(self) -> None:
        """Close the link; the next poll opens it again."""
        self._link.close()

    def _wait(self, stopping: threading.Event, previous: Slot | None) -> Slot | None:
        """Return the next slot at its time, or at once what is late; None when stopped."""
        if previous and not stopping.is_set() and (late := late_slot(previous, time.time(), self._intervals)):
            return late
        slot = next_slot(time.time(), self._intervals)
        while not stopping.wait(min(max(slot.at - time.time(), 0), LATE_S)):
            now = time.time()
            if 0 <= now - slot.at < LATE_S:
                return slot
            slot = next_slot(now, self._intervals)
        return None

    def _unless_set(self, slot: Slot | None) -> Slot | None:
        """Return the slot; None if the wall clock was set since the last call: it passed slots then, not the bus."""
        before, self._ahead_s = self._ahead_s, time.time() - time.monotonic()
        return slot if abs(self._ahead_s - before) < LATE_S else None

    def _count(self, previous: Slot | None, slot: Slot) -> None:
        missed = missed_slots(previous, slot, self._intervals) if previous else 0
        self.overruns += missed
        before, self._overload = self._overload, self._overload.after(slot.at, missed)
        if self._overload.at and not before.at:
            log.warning("bus_overloaded", bus=self.bus, overruns=self.overruns)
        elif before.at and not self._overload.at:
            log.info("bus_keeps_up", bus=self.bus, overruns=self.overruns)

    def poll(self, slot: Slot, now: float) -> None:
        """Read the slot's groups of all meters that are due at `now`, in seconds of a monotonic clock."""
        due = [reader for reader in self._readers.values() if reader.backoff.due(now)]
        turns = [(reader.slug, group) for group in slot.groups for reader in due if group in reader.groups]
        well = {slug for slug, condition in self._conditions.items() if condition.well}
        round_ = Round()
        self._take(turns, round_, now)
        self._take(round_.again(well), round_, now, partly=True)
        for slug in dict.fromkeys(slug for slug, _ in turns):
            if slug in round_.heard:
                self._answered(self._readers[slug])
            else:
                self._failed(self._readers[slug], round_.reasons[slug])

    def _take(self, turns: list[Turn], round_: Round, now: float, *, partly: bool = False) -> None:
        """Read what the turns say, group by group, and publish it."""
        for group, same in groupby(turns, key=itemgetter(1)):
            samples: list[Sample] = []
            for slug, _ in same:
                if not round_.passes(slug, group):
                    samples += self._ask(self._readers[slug], group, round_, now, partly=partly)
            for reading in self._spool.append(samples):
                self._live.reading(reading)

    def _ask(self, reader: Reader, group: Group, round_: Round, now: float, *, partly: bool) -> list[Sample]:
        """Return one sample, or none."""
        try:
            reader.wake()
            name = self._names.get(reader.slug) or self._identify(reader)
            sample = reader.read(group, name, partly=partly)
        except LinkError as error:
            round_.dead(reader.slug, group, str(error))
            return []
        except NoReplyError as error:
            reader.silent(now)
            round_.silent(reader.slug, group, str(error))
            return []
        except ModbusError as error:
            round_.reasons[reader.slug] = str(error)
            return []
        round_.heard.add(reader.slug)
        return [sample]

    def _identify(self, reader: Reader) -> str:
        """Return the slug of the physical meter: the plant's, unless another serial number is known under that."""
        meter, serial = reader.meter, reader.serial()
        known = self._spool.devices().get(meter.slug, Device(meter.model))
        name = meter.slug
        if serial and known.serial and serial != known.serial:
            name = f"{meter.model}-{serial}"
            log.warning("meter_replaced", meter=meter.slug, serial=known.serial, by=serial, published_as=name)
            self._publish(meter, meter.slug, known.serial, f"replaced by serial number {serial}")
        self._spool.remember(name, Device(meter.model, serial or known.serial))
        self._names[meter.slug] = name
        return name

    def _answered(self, reader: Reader) -> None:
        meter = reader.meter
        before = self._conditions[meter.slug]
        self._conditions[meter.slug] = before.answered(datetime.now(UTC))
        if not before.online:
            name = self._names[meter.slug]
            log.info("meter_online", meter=name, bus=self.bus, address=meter.address)
            self._publish(meter, name, self._spool.devices()[name].serial)

    def _failed(self, reader: Reader, reason: str) -> None:
        meter = reader.meter
        before = self._conditions[meter.slug]
        after = self._conditions[meter.slug] = before.failed(datetime.now(UTC), reason)
        if after.online is False and before.online is not False:
            name = self._names.pop(meter.slug, meter.slug)  # what comes back may be another meter
            reader.forget()
            log.warning("meter_offline", meter=name, bus=self.bus, address=meter.address, reason=reason)
            known = self._spool.devices().get(name)
            self._publish(meter, name, known.serial if known else None, reason)

    def _publish(self, meter: Meter, name: str, serial: str | None, reason: str = "") -> None:
        condition = self._conditions[meter.slug]
        registers = self._readers[meter.slug].model.registers
        info = MeterInfo(
            model=meter.model,
            bus=meter.bus,
            address=meter.address,
            since=condition.since or datetime.now(UTC),
            reason=reason,
            serial=serial,
            label=meter.label,
            units={register.quantity: BY_NAME[register.quantity].unit for register in registers},
        )
        self._live.meter(name, info, online=not reason)

    def health(self) -> dict[str, MeterHealth]:
        """Return by slug how well each meter answers."""
        return {slug: reader.health(self._conditions[slug]) for slug, reader in self._readers.items()}
